"""The whole configuration of a stack, and the rules that hold between its sections."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from components.config.archive import ArchiveSettings
from components.config.budget import BudgetSettings
from components.config.cluster import AwsSettings, ClusterSettings
from components.config.metrics import MetricsSettings
from components.config.security import SecuritySettings
from components.config.source import SourceSettings
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
    clashes,
    iceberg_collisions,
    iceberg_table_of,
)
from components.images import ImageSettings
from components.settings import Settings
from components.sizing import Sizing, postgres_memory

__all__ = ["SAMPLE_TABLES", "StackConfig"]

Contradictions = Iterator[tuple[str, str]]

HOUR_MS = 3_600_000


class StackConfig(Settings):
    """One stack. A stack file must set `tables` and `archive.bucket`; the rest has defaults."""

    tables: tuple[TableName, ...] = Field(
        description="Tables to capture, a list of schema.table; the only tables that are captured."
    )
    cluster: ClusterSettings = ClusterSettings()
    aws: AwsSettings = AwsSettings()
    images: ImageSettings = ImageSettings()
    sizing: Sizing = Sizing()
    budget: BudgetSettings = BudgetSettings()
    source: SourceSettings = SourceSettings()
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
    def partitions(self) -> dict[str, int]:
        """The number of partitions of each captured table's topic."""
        return {table: self.topics.partitions_of(table) for table in self.tables}

    def contradictions(self) -> Contradictions:
        """Yield what does not go together, by its key from the top of the stack file."""
        yield from self._table_contradictions()
        yield from self._override_contradictions()
        yield from self._slot_contradictions()
        yield from self._maintenance_contradictions()
        yield from self._athena_contradictions()
        if self.cluster.node_ports is None and not self.kafka.bootstrap_servers:
            yield (
                "kafka.bootstrapServers",
                "is required where cluster.nodePorts is null: Pulumi creates the topics through"
                " the brokers; list them as host:port",
            )
        try:
            postgres_memory(self.sizing.postgresql.memory_limit, self.source.max_wal_senders)
        except ValueError as error:
            yield "sizing.postgresql.memoryLimit", str(error)
        if self.needs_registry and not self.images.resolve().confluent_plugins:
            yield (
                "connect.converter",
                f"{self.connect.converter} is not in the images of images.family"
                f" {self.images.family}; set json",
            )

    def _table_contradictions(self) -> Contradictions:
        if not self.tables:
            yield "tables", "must not be empty; list at least one table as schema.table"
            return
        repeated = sorted({name for name in self.tables if self.tables.count(name) > 1})
        if repeated:
            yield "tables", f"{', '.join(repeated)} is listed more than once"
        tables = tuple(dict.fromkeys(self.tables))
        for first, second in clashes(tables):
            yield (
                "tables",
                f"{first} and {second} can't be captured together: Kafka does not tell apart the"
                f" topics postgres.{first} and postgres.{second}, which differ only in dots and"
                f" underscores. {CHOICE_OF_ONE_TABLE}",
            )

    def _override_contradictions(self) -> Contradictions:
        for table in self.topics.overrides:
            if table not in self.tables:
                yield (
                    f"topics.overrides.{table}",
                    f"is not a captured table; name one of datapipe:tables, or add {table} there",
                )
        for table in self.source.excluded_columns:
            if table not in self.tables:
                yield (
                    f"source.excludedColumns.{table}",
                    f"is not a captured table; name one of datapipe:tables, or add {table} there",
                )
        for row in self.source.incomplete_rows:
            table = row.partition("/")[0]
            if table not in self.tables:
                yield (
                    "source.incompleteRows",
                    f"{row} is not a row of a captured table; remove it, or add {table} to"
                    " datapipe:tables",
                )

    def _athena_contradictions(self) -> Contradictions:
        if self.archive.athena is None:
            return
        if self.aws.endpoint is not None:
            yield (
                "archive.athena",
                "needs AWS itself, but aws.endpoint replaces it; remove one of the keys",
            )
        for first, second in iceberg_collisions(self.tables):
            yield (
                "archive.athena",
                f"{first} and {second} would be the same table {iceberg_table_of(first)} in Glue."
                f" {CHOICE_OF_ONE_TABLE}",
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
        for table in maintenance.glue_tables:
            if table not in self.tables:
                yield (
                    "archive.maintenance.glueTables",
                    f"{table} is not a captured table; remove it, or add it to datapipe:tables",
                )
        retention = max(
            self.topics.retention_ms,
            *(one.retention_ms or 0 for one in self.topics.overrides.values()),
            0,
        )
        if maintenance.orphan_min_age_hours * HOUR_MS <= retention:
            yield (
                "archive.maintenance.orphanMinAgeHours",
                f"{maintenance.orphan_min_age_hours} must be above the topics' retention"
                f" ({-(-retention // HOUR_MS)} hours): the sink can still commit a file that it"
                " wrote so long ago",
            )

    def _slot_contradictions(self) -> Contradictions:
        if self.source.isolation == "shared":
            return
        needed, source = len(self.tables), self.source
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
