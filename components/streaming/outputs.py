"""What the stack's output `sources` says of each captured database, for the clients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from components.config.captured_database import CapturedDatabase
from components.source.captured_source import CapturedSource
from components.streaming.connectors.debezium import DebeziumPostgresConnector
from components.streaming.sinks.protocol import ArchiveSink


def source_output(
    database: CapturedDatabase,
    source: CapturedSource,
    connectors: Sequence[DebeziumPostgresConnector],
    archive: ArchiveSink,
) -> dict[str, Any]:
    """Return the entry of one database."""
    excluded = database.settings.excluded_columns
    return {
        "objectNames": database.object_names,
        "managed": database.managed,
        "tables": list(database.tables),
        "excludedColumns": {table: list(columns) for table, columns in excluded.items()},
        "keys": source.keys,
        "columns": source.columns,
        "capturedEntries": source.captured_entries,
        "capturedServer": source.captured.apply(lambda captured: captured.get("server")),
        "topicPrefix": database.topic_prefix,
        "label": database.label,
        "catalogDatabase": database.catalog_database,
        "archived": archive.archived_tables(database),
        "connectors": [connector.name for connector in connectors],
        "slots": [connector.slot for connector in connectors],
        "publication": database.settings.publication,
        "database": {
            "host": source.outside.host,
            "port": source.outside.port,
            "name": source.database,
            "user": source.outside.user,
            "caCertificate": source.ca_certificate,
            "sslMode": source.outside.ssl_mode,
        },
        "databasePassword": source.outside.password,
    }
