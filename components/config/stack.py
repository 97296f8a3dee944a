"""The whole configuration of a stack, and the rules that hold between its sections."""

import re
from typing import Annotated

from pydantic import AfterValidator, model_validator

from components.config.archive import ArchiveSettings
from components.config.cluster import AwsSettings, ClusterSettings
from components.config.security import SecuritySettings
from components.config.source import SourceSettings
from components.config.streaming import (
    ConnectSettings,
    KafkaSettings,
    RegistrySettings,
    TopicSettings,
)
from components.images import ImageSettings
from components.settings import Settings
from components.sizing import Sizing, postgres_memory

TABLE_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}\.[a-z_][a-z0-9_]{0,62}")

SAMPLE_TABLES = ("public.users", "public.products", "public.orders", "public.order_items")
"""The design's e-commerce tables."""


def _qualified(name: str) -> str:
    if "." not in name:
        raise ValueError(f"{name!r} names no schema; write it as schema.table, e.g. public.{name}")
    if not TABLE_NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is no table name we can capture: write schema.table in lower case letters,"
            " digits and underscores, each part at most 63 long"
        )
    return name


TableName = Annotated[str, AfterValidator(_qualified)]


class StackConfig(Settings):
    """One stack. All but the archive's bucket name has a default, mostly the design's value."""

    tables: tuple[TableName, ...] = SAMPLE_TABLES
    cluster: ClusterSettings = ClusterSettings()
    aws: AwsSettings = AwsSettings()
    images: ImageSettings = ImageSettings()
    sizing: Sizing = Sizing()
    source: SourceSettings = SourceSettings()
    kafka: KafkaSettings = KafkaSettings()
    topics: TopicSettings = TopicSettings()
    connect: ConnectSettings = ConnectSettings()
    registry: RegistrySettings = RegistrySettings()
    archive: ArchiveSettings
    security: SecuritySettings = SecuritySettings()

    @property
    def needs_registry(self) -> bool:
        """Whether Schema Registry is part of this stack."""
        return self.connect.converter == "avro"

    @model_validator(mode="after")
    def _sections_agree(self) -> "StackConfig":
        if not self.tables:
            raise ValueError("tables: none is captured; list at least one as schema.table")
        if len(set(self.tables)) != len(self.tables):
            twice = sorted({name for name in self.tables if self.tables.count(name) > 1})
            raise ValueError(f"tables: {', '.join(twice)} is listed more than once")
        self._postgresql_fits()
        if self.images.family == "sandbox":
            self._can_run_in_the_sandbox()
        return self

    def _postgresql_fits(self) -> None:
        try:
            postgres_memory(self.sizing.postgresql.memory_limit, self.source.max_wal_senders)
        except ValueError as error:
            raise ValueError(f"sizing.postgresql.memoryLimit: {error}") from None

    def _can_run_in_the_sandbox(self) -> None:
        """Confluent's sink, converter and registry are on no package registry."""
        if self.archive.sink != "iceberg":
            raise ValueError(
                f"archive.sink: {self.archive.sink} is not in the sandbox's images; write iceberg"
            )
        if self.connect.converter != "json":
            raise ValueError(
                f"connect.converter: {self.connect.converter} is not in the sandbox's images;"
                " write json"
            )
