"""The source layer of a database that the program does not run."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi

from components.config.existing_source import ExistingSource
from components.source.captured_source import CapturedSource, DatabaseAddress
from components.source.described import described_columns, described_keys
from components.source.existing.database import ExistingDatabase
from components.source.existing.worker_place import WorkerPlace
from components.source.schema import query_of


@dataclass(frozen=True)
class ExistingSourceArgs:
    """What the layer depends on."""

    name: str
    source: ExistingSource
    avro_names: bool
    worker: WorkerPlace
    """from which the database is looked at"""
    captured: pulumi.Resource
    """until it exists, the list of tables is not checked"""


class ExistingSourceLayer(CapturedSource):
    """An existing database: nothing is created in it."""

    def __init__(
        self, name: str, args: ExistingSourceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("datapipe:source:ExistingSource", name, None, opts)
        source, tables = args.source, tuple(args.source.tables)
        database = ExistingDatabase(
            f"database-{args.name}",
            name=args.name,
            source=source,
            avro_names=args.avro_names,
            worker=args.worker,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[args.captured]),
        )
        password = pulumi.Output.secret(source.password.get_secret_value())
        self.database = source.database
        self.outside = DatabaseAddress(
            source.host, source.port, source.user, password, source.ssl_mode
        )
        self.ca_certificate = pulumi.Output.from_input(source.ca_certificate or "")
        self.capture_user = database.captured.apply(lambda _: source.user)
        self.capture_password = password
        self.captured = database.captured
        self.captured_entries = database.captured.apply(lambda captured: captured["entries"])
        described = database.seen.apply(lambda seen: seen["described"])
        self.keys = described.apply(lambda text: described_keys(text, tables))
        self.columns = described.apply(lambda text: described_columns(text, tables))
        settings = source.settings(args.name)
        self.captured_tables_query = self.captured_entries.apply(
            lambda entries: query_of(
                "found.sql", settings, tables, json.loads(entries), avro_names=args.avro_names
            )
        )
        self.ready = [database]
        self.register_outputs({"host": source.host, "caCertificate": self.ca_certificate})
