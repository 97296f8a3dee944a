"""The whole configuration of a stack, and the rules that hold between its sections."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import Field

from components.config.archive import ArchiveSettings
from components.config.budget import BudgetSettings
from components.config.captured_database import CapturedDatabase, captured_databases
from components.config.cluster import AwsSettings, ClusterSettings
from components.config.database_contradictions import contradictions_between
from components.config.existing_source import ExistingSource, SourceName
from components.config.metrics import MetricsSettings
from components.config.ports import port_contradictions
from components.config.postgres_size import UNLIMITED, megabytes
from components.config.security import SecuritySettings
from components.config.source import MOST_SLOTS, SourceSettings
from components.config.streaming import (
    ConnectSettings,
    KafkaSettings,
    RegistrySettings,
    TopicSettings,
)
from components.config.tables import (
    CHOICE_OF_ONE_TABLE,
    SAMPLE_TABLES,
    TableName,
    iceberg_collisions,
    iceberg_table_of,
    source_and_table,
)
from components.images import ImageSettings
from components.postgres_memory import postgres_memory
from components.settings import Settings
from components.sizing import Sizing

__all__ = ["SAMPLE_TABLES", "StackConfig"]

Contradictions = Iterator[tuple[str, str]]

HOUR_MS = 3_600_000


class StackConfig(Settings):
    """One stack. A stack file must set `tables` and `archive.bucket`; the rest has defaults."""

    tables: tuple[TableName, ...] = Field(
        default=(),
        description="Tables of the managed database to capture, a list of schema.table; the only"
        " ones that are captured. Required unless datapipe:sources names an existing database.",
    )
    cluster: ClusterSettings = ClusterSettings()
    aws: AwsSettings = AwsSettings()
    images: ImageSettings = ImageSettings()
    sizing: Sizing = Sizing()
    budget: BudgetSettings = BudgetSettings()
    source: SourceSettings = SourceSettings()
    sources: Mapping[SourceName, ExistingSource] = Field(
        default={},
        description="Existing PostgreSQL databases, by name, which are captured in addition to the"
        " managed one or in its place.",
    )
    kafka: KafkaSettings = KafkaSettings()
    topics: TopicSettings = TopicSettings()
    connect: ConnectSettings = ConnectSettings()
    registry: RegistrySettings = RegistrySettings()
    archive: ArchiveSettings
    sinks: Mapping[str, Mapping[str, Any]] = Field(
        default={},
        description="Sinks in addition to the archive: for each kind a section with its own keys.",
    )
    metrics: MetricsSettings = MetricsSettings()
    security: SecuritySettings = SecuritySettings()

    @property
    def needs_registry(self) -> bool:
        """Whether Schema Registry is part of this stack."""
        return self.connect.converter == "avro"

    @property
    def needs_avro_names(self) -> bool:
        """Whether columns' names have to be names in Avro: of records, or of Parquet files."""
        parquet = "confluent-s3"
        return self.needs_registry or self.archive.sink == parquet or parquet in self.sinks

    @property
    def databases(self) -> tuple[CapturedDatabase, ...]:
        """The databases that the stack captures: the managed one first, if it has one."""
        return captured_databases(
            self.tables, self.source, self.sources, self.topics, self.archive.catalog_database
        )

    @property
    def managed(self) -> CapturedDatabase | None:
        """The database whose server the program runs; None: the stack has none."""
        return next((one for one in self.databases if one.managed), None)

    def table_finder(self) -> Callable[[str], tuple[CapturedDatabase, str] | None]:
        """Return what finds the captured table of an entry of a list (ListedTable)."""
        databases = self.databases
        short = next((one.name for one in databases if one.object_names == "short"), None)
        captured = {(one.name, table): one for one in databases for table in one.tables}

        def find(entry: str) -> tuple[CapturedDatabase, str] | None:
            name, table = source_and_table(entry, short)
            found = captured.get((name, table)) if name else None
            return (found, table) if found else None

        return find

    def contradictions(self) -> Contradictions:
        """Yield what does not go together, by its key from the top of the stack file."""
        yield from self._source_contradictions()
        yield from self._listed_contradictions()
        yield from self._slot_contradictions()
        yield from self._maintenance_contradictions()
        yield from self._athena_contradictions()
        yield from port_contradictions(
            self.cluster.node_ports,
            self.kafka,
            {
                "connect.port": self.connect.port,
                **({"registry.port": self.registry.port} if self.needs_registry else {}),
            },
            self.metrics,
            managed=bool(self.tables),
        )
        yield from self._key_contradictions()
        yield from self._volume_contradictions()
        if self.cluster.node_ports is None and not self.kafka.bootstrap_servers:
            yield (
                "kafka.bootstrapServers",
                "is required where cluster.nodePorts is null: Pulumi creates the topics through"
                " the brokers; list them as host:port",
            )
        if self.tables:
            try:
                postgres_memory(
                    self.sizing.postgresql.memory_limit,
                    self.source.max_wal_senders,
                    self.source.connectors(len(self.tables)),
                )
            except ValueError as error:
                yield "sizing.postgresql.memoryLimit", str(error)
        if self.needs_registry and not self.images.resolve().confluent_plugins:
            yield (
                "connect.converter",
                f"{self.connect.converter} is not in the images of images.family"
                f" {self.images.family}; set json",
            )

    def _source_contradictions(self) -> Contradictions:
        """Yield what the databases lack, and settings of a managed one in a stack without it."""
        if self.tables or not self.sources or "tables" in self.model_fields_set:
            yield from self._table_contradictions(self.tables, "tables")
            yield from self._override_contradictions()
        else:
            for section, used in (
                ("source", "source" in self.model_fields_set),
                ("topics.overrides", bool(self.topics.overrides)),
            ):
                if used:
                    yield (
                        section,
                        "is for the managed database, which a stack without datapipe:tables does"
                        " not have; write what you need below the entry of datapipe:sources, and"
                        " remove it",
                    )
        yield from contradictions_between(self.databases, views=self.archive.athena is not None)

    def _table_contradictions(self, given: tuple[str, ...], key: str) -> Contradictions:
        if not given:
            yield key, self._without_tables()
            return
        repeated = sorted(name for name, count in Counter(given).items() if count > 1)
        if repeated:
            yield key, f"{', '.join(repeated)} is listed more than once"

    def _without_tables(self) -> str:
        if "tables" in self.model_fields_set:
            return "must not be empty; list at least one table as schema.table"
        lines = "\n".join(f"      - {table}" for table in SAMPLE_TABLES)
        return (
            "is required unless datapipe:sources names an existing database; list the tables to"
            f" capture, for example the sample schema's:\n    datapipe:tables:\n{lines}"
        )

    def _override_contradictions(self) -> Contradictions:
        captured = frozenset(self.tables)
        for table in self.topics.overrides:
            if table not in captured:
                yield (
                    f"topics.overrides.{table}",
                    f"is not a captured table; name one of datapipe:tables, or add {table} there",
                )
        for table in self.source.excluded_columns:
            if table not in captured:
                yield (
                    f"source.excludedColumns.{table}",
                    f"is not a captured table; name one of datapipe:tables, or add {table} there",
                )
        for row in self.source.incomplete_rows:
            table = row.partition("/")[0]
            if table not in captured:
                yield (
                    "source.incompleteRows",
                    f"{row} is not a row of a captured table; remove it, or add {table} to"
                    " datapipe:tables",
                )

    def _listed_contradictions(self) -> Contradictions:
        if any(one.object_names == "short" for one in self.databases):
            return
        for key, entries in (
            ("topics.delete", self.topics.delete),
            ("archive.maintenance.glueTables", self.archive.maintenance.glue_tables),
        ):
            for entry in entries:
                if source_and_table(entry, None)[0] is None:
                    yield key, f"{entry} does not say of which source; write <source>.{entry}"

    def _key_contradictions(self) -> Contradictions:
        """Yield a KMS key of another region: S3 encrypts with keys of the bucket's only."""
        key = self.archive.kms_key_arn
        if key and key.split(":")[3] != self.aws.region:
            yield (
                "archive.kmsKeyArn",
                f"is a key of {key.split(':')[3]}, but the bucket is in {self.aws.region}"
                " (aws.region); name a key of the bucket's region",
            )

    def _volume_contradictions(self) -> Contradictions:
        """Yield that WAL for a connector that is away would fill PostgreSQL's volume."""
        kept, volume = self.source.max_slot_wal_keep_size, self.sizing.postgresql_storage
        if self.tables and kept != UNLIMITED and megabytes(kept) >= volume:
            yield (
                "source.maxSlotWalKeepSize",
                f"{kept} is not below sizing.postgresqlStorage ({volume}Mi), so the WAL of a"
                " connector that is away would fill the volume; set less, or a larger volume",
            )

    def _athena_contradictions(self) -> Contradictions:
        if self.archive.athena is None:
            return
        if self.aws.endpoint is not None:
            yield (
                "archive.athena",
                "needs AWS itself, but aws.endpoint replaces it; remove one of the keys",
            )
        for database in self.databases:
            for first, second in iceberg_collisions(database.tables):
                yield (
                    "archive.athena",
                    f"{first} and {second} would be the same table {iceberg_table_of(first)} in"
                    f" Glue. {CHOICE_OF_ONE_TABLE}",
                )

    def _maintenance_contradictions(self) -> Contradictions:
        kind, maintenance = self.archive.maintenance_kind, self.archive.maintenance
        if kind == "none":
            return
        if kind == "glue" and self.aws.endpoint is not None:
            yield (
                "archive.maintenance.kind",
                "glue needs AWS itself, but aws.endpoint replaces it; set job",
            )
        find_table = self.table_finder()
        for entry in maintenance.glue_tables:
            if find_table(entry) is None:
                yield (
                    "archive.maintenance.glueTables",
                    f"{entry} is not a captured table; remove it, or add it to datapipe:tables or"
                    " to the tables of its source",
                )
        overrides = [one for each in self.databases for one in each.topics.overrides.values()]
        retention = max(self.topics.retention_ms, *(one.retention_ms or 0 for one in overrides), 0)
        if maintenance.orphan_min_age_hours * HOUR_MS <= retention:
            yield (
                "archive.maintenance.orphanMinAgeHours",
                f"{maintenance.orphan_min_age_hours} is not above the topics' retention"
                f" ({retention} ms), so long after which the sink can still commit a file that it"
                f" wrote; set at least {retention // HOUR_MS + 1}",
            )

    def _slot_contradictions(self) -> Contradictions:
        if self.source.isolation == "shared":
            return
        needed, source = len(self.tables), self.source
        if needed > MOST_SLOTS:
            yield (
                "source.isolation",
                f"per-table is for at most {MOST_SLOTS} tables, as each needs a replication slot"
                f" and a WAL sender, but the stack has {needed}; set shared",
            )
            return
        for key, given in (
            ("maxReplicationSlots", source.max_replication_slots),
            ("maxWalSenders", source.max_wal_senders),
        ):
            if given < needed:
                yield (
                    f"source.{key}",
                    f"{given} is too low: where source.isolation is per-table, each of the"
                    f" {needed} tables needs a replication slot and a WAL sender; set at least"
                    f" {needed}, or source.isolation to shared",
                )
