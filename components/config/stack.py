"""The whole configuration of a stack, and the rules that hold between its sections."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

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
from components.config.tables import SAMPLE_TABLES, TableName, clashes
from components.images import ImageSettings
from components.settings import Settings
from components.sizing import Sizing, postgres_memory

__all__ = ["SAMPLE_TABLES", "StackConfig"]


class StackConfig(Settings):
    """One stack. All but the archive's bucket name has a default, mostly the design's value."""

    tables: tuple[TableName, ...] = SAMPLE_TABLES
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
        description="Sinks in addition to the archive, a section for each kind.",
    )
    metrics: MetricsSettings = MetricsSettings()
    security: SecuritySettings = SecuritySettings()

    @property
    def needs_registry(self) -> bool:
        """Whether Schema Registry is part of this stack."""
        return self.connect.converter == "avro"

    @property
    def partitions(self) -> dict[str, int]:
        """The number of partitions of each captured table's topic."""
        return {table: self.topics.partitions_of(table) for table in self.tables}

    @model_validator(mode="after")
    def _sections_agree(self) -> "StackConfig":
        if not self.tables:
            raise ValueError("tables: none is captured; list at least one as schema.table")
        if len(set(self.tables)) != len(self.tables):
            twice = sorted({name for name in self.tables if self.tables.count(name) > 1})
            raise ValueError(f"tables: {', '.join(twice)} is listed more than once")
        for first, second in clashes(self.tables):
            raise ValueError(
                f"tables: the topics of {first} and {second} would clash, as Kafka takes a dot and"
                " an underscore for the same; rename a table or its schema"
            )
        self._overrides_are_of_captured_tables()
        self._every_connector_has_its_slot()
        self._brokers_can_be_reached()
        self._postgresql_fits()
        self._converter_is_in_the_images()
        return self

    def _overrides_are_of_captured_tables(self) -> None:
        captured = set(self.tables)
        for table in self.topics.overrides:
            if table not in captured:
                raise ValueError(
                    f"topics.overrides.{table}: no such table is captured; name one of"
                    f" datapipe:tables ({', '.join(self.tables[:5])}"
                    f"{', …' if len(self.tables) > 5 else ''}) or add it there"
                )

    def _every_connector_has_its_slot(self) -> None:
        if self.source.isolation == "shared":
            return
        needed, source = len(self.tables), self.source
        for key, given in (
            ("maxReplicationSlots", source.max_replication_slots),
            ("maxWalSenders", source.max_wal_senders),
        ):
            if given < needed:
                raise ValueError(
                    f"source.{key} {given} is too low: with isolation per-table each of the"
                    f" {needed} tables has a connector and a slot of its own; give at least"
                    f" {needed}, or choose isolation: shared"
                )

    def _brokers_can_be_reached(self) -> None:
        """Topics are made over Kafka's own protocol, for which Pulumi must reach the brokers."""
        if self.cluster.node_ports is None and not self.kafka.bootstrap_servers:
            raise ValueError(
                "kafka.bootstrapServers: is required where cluster.nodePorts is null; name the"
                " brokers as host:port as they are reached from where Pulumi runs"
            )

    def _postgresql_fits(self) -> None:
        try:
            postgres_memory(self.sizing.postgresql.memory_limit, self.source.max_wal_senders)
        except ValueError as error:
            raise ValueError(f"sizing.postgresql.memoryLimit: {error}") from None

    def _converter_is_in_the_images(self) -> None:
        if self.needs_registry and not self.images.resolve().confluent_plugins:
            raise ValueError(
                f"connect.converter: {self.connect.converter} is not in the images of images.family"
                f" {self.images.family}; use json"
            )
