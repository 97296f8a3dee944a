"""A database's source connectors: one, or one for each table (design: "Scalability")."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from components.config import StackConfig
from components.config.captured_database import CapturedDatabase
from components.config.existing_source import SslMode
from components.config.source import SourceSettings
from components.row_size import RowSize
from components.settings import MEBIBYTE
from components.source.existing.statements import heartbeat_query
from components.streaming.access.transport import Transport
from components.streaming.connectors.batching import batching
from components.streaming.connectors.converters import Converter, stack_converter
from components.streaming.connectors.debezium import (
    RESUMING_POSTGRES,
    DebeziumPostgresConnector,
)
from components.streaming.connectors.memory import SOURCE_QUEUE
from components.streaming.connectors.model import environment
from components.streaming.worker_objects import (
    captured_tables,
    password_variable,
    source_ca,
    user_variable,
)
from components.workloads import CONFIG_DIR, Workload, service_host
from kafka_connect.snapshot import CONTINUOUS_SNAPSHOTTER


def connector_name(topic_prefix: str) -> str:
    """Return the connector of all tables of a source; with one for each, their names begin so."""
    return f"{topic_prefix}-cdc-connector"


@dataclass(frozen=True)
class SourcesArgs:
    """What the source connectors of a database are made of."""

    partitions: Mapping[str, int]
    """of each captured table's topic; the tables as schema.table"""
    settings: SourceSettings
    topic_prefix: str
    hostname: str
    """of the database, as the worker resolves it"""
    ssl_mode: SslMode
    heartbeat_query: str | None
    """run with each heartbeat, in a database of which other tables are quiet"""
    ca_file: str | None
    """the certificate of the database's authority, in the worker; None: it is not checked"""
    captured_tables_file: str
    """the query with which connectors watch their tables, in the worker"""
    user_variable: str
    password_variable: str
    """of the worker's environment, with the account that captures"""
    label: str | None
    """by which the metrics name the source; None: by nothing"""
    converter: Converter
    exactly_once: bool
    row_size: RowSize
    heartbeat_interval_ms: int
    count_events: bool
    """whether the metrics count the events that pass"""
    waits_for: str | None = None
    """the archive's sink, for which the reading of existing rows waits"""
    brokers: Mapping[str, str] = field(default_factory=dict)
    """properties of a Kafka client in the worker"""

    @classmethod
    def from_config(cls, config: StackConfig, database: CapturedDatabase) -> SourcesArgs:
        """Return the arguments for a database of a stack."""
        namespace, existing = config.security.namespace, database.existing
        managed_host = service_host(Workload.POSTGRESQL, namespace)
        checks_authority = existing is None or existing.ca_certificate is not None
        return cls(
            partitions=database.partitions,
            settings=database.settings,
            topic_prefix=database.topic_prefix,
            hostname=existing.host if existing else managed_host,
            ssl_mode=existing.ssl_mode if existing else "verify-full",
            heartbeat_query=heartbeat_query() if existing else None,
            ca_file=f"{CONFIG_DIR}/{source_ca(database)}" if checks_authority else None,
            captured_tables_file=f"{CONFIG_DIR}/{captured_tables(database)}",
            user_variable=user_variable(database),
            password_variable=password_variable(database),
            label=database.label,
            converter=stack_converter(
                config.connect, config.registry, namespace, Transport.from_config(config)
            ),
            exactly_once=config.connect.exactly_once,
            row_size=RowSize(config.kafka.max_row_size),
            heartbeat_interval_ms=config.connect.heartbeat_interval_ms,
            count_events=config.metrics.enabled,
        )


def source_connectors(args: SourcesArgs) -> list[DebeziumPostgresConnector]:
    """Return one connector for all tables, or one for each (`source.isolation`).

    With one for each, a table that stops its connector, or takes long to read, holds up no other.
    The price is a slot, a WAL sender and a decoding of the whole log in PostgreSQL for each.
    """
    if args.settings.isolation == "shared":
        return [shared_connector(args)]
    return [_connector_of(args, table) for table in args.partitions]


def shared_connector(args: SourcesArgs) -> DebeziumPostgresConnector:
    """Return the connector that captures all tables."""
    return _connector(args, args.partitions, args.settings.slot, args.settings.publication)


def _connector(
    args: SourcesArgs, partitions: Mapping[str, int], slot: str, publication: str
) -> DebeziumPostgresConnector:
    batches = batching(sum(partitions.values()))
    return DebeziumPostgresConnector(
        name=connector_name(args.topic_prefix),
        connector_class=RESUMING_POSTGRES,
        hostname=args.hostname,
        port=args.settings.port,
        user=environment(args.user_variable),
        password=environment(args.password_variable),
        database=args.settings.database,
        sslmode=args.ssl_mode,
        sslrootcert=args.ca_file,
        topic_prefix=args.topic_prefix,
        tables=tuple(partitions),
        slot=slot,
        publication=publication,
        snapshot="custom",
        snapshot_class=CONTINUOUS_SNAPSHOTTER,
        position_shift=args.settings.recovered.position_shift if args.settings.recovered else 0,
        nullable_columns=True,
        record_truncates=True,
        flatten_changes=True,
        captured_tables_query=args.captured_tables_file,
        max_row_bytes=args.row_size.record_bytes,
        incomplete_rows=_of_tables(args.settings.incomplete_rows, partitions),
        buffer_bytes=args.row_size.producer_buffer * MEBIBYTE,
        queue_bytes=SOURCE_QUEUE * MEBIBYTE,
        count_events=args.count_events,
        waits_for=args.waits_for,
        brokers=args.brokers,
        label=args.label,
        heartbeat_interval_ms=args.heartbeat_interval_ms,
        heartbeat_query=args.heartbeat_query,
        key_converter=args.converter,
        value_converter=args.converter,
        exactly_once="required" if args.exactly_once else None,
        transaction_boundary="interval" if args.exactly_once else None,
        transaction_interval_ms=batches.transaction_interval_ms if args.exactly_once else None,
        transaction_timeout_ms=batches.transaction_timeout_ms if args.exactly_once else None,
        linger_ms=batches.linger_ms,
        batch_bytes=batches.batch_bytes,
        excluded_columns=_excluded(args.settings, partitions) or None,
    )


def _of_tables(rows: Collection[str], tables: Collection[str]) -> tuple[str, ...]:
    return tuple(row for row in rows if row.partition("/")[0] in tables)


def _excluded(settings: SourceSettings, tables: Collection[str]) -> tuple[str, ...]:
    """Return patterns for the excluded columns; Debezium's own would ignore case."""
    return tuple(
        rf"(?-i){re.escape(table)}\.{re.escape(column)}"
        for table, columns in settings.excluded_columns.items()
        if table in tables
        for column in columns
    )


def _connector_of(args: SourcesArgs, table: str) -> DebeziumPostgresConnector:
    """Return the connector of one table; its topic is the same as with a shared connector."""
    shared = _connector(
        args,
        {table: args.partitions[table]},
        args.settings.slot_of(table),
        args.settings.publication_of(table),
    )
    # The connectors share their topics' prefix, by which Debezium also names its metrics: without
    # a tag, each but the first on a worker would wait for a minute and then have none.
    own = {
        "name": f"{shared.name}-{table}",
        # It is deleted when its table leaves the list, or isolation changes.
        "drop_slot": True,
        "extra": {**shared.extra, "custom.metric.tags": f"table={table}"},
        # Counted by each connector for itself, the events of one transaction would not add up.
        "transaction_metadata": False,
    }
    return DebeziumPostgresConnector.model_validate({**dict(shared), **own})
