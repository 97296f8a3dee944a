"""What a sink declares to the other layers: its connector, and all that it needs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import pulumi

from components.archive.layer import Archive
from components.archive.statements import Statement
from components.config.archive import ArchiveSettings
from components.config.captured_database import CapturedDatabase
from components.config.cluster import AwsSettings
from components.config.streaming import PluginDigests
from components.images import ImageFamilyTable
from components.row_size import RowSize
from components.security.flow import Flow
from components.settings import Settings
from components.streaming.access.grants import SinkAccess
from components.streaming.connect.plugins import PluginArchive
from components.streaming.connectors.converters import Converter
from components.streaming.connectors.sink import SinkConnector
from components.streaming.sinks.file_count import Remark
from components.streaming.topic_names import TopicNames
from kafka_connect.connector_state import State

# Every kind of sink, by the name that a stack file uses.
KINDS: dict[str, type[Sink]] = {}

SinkType = TypeVar("SinkType", bound="type[Sink]")


def sink_kind(name: str) -> Callable[[SinkType], SinkType]:
    """Register a class under the name by which stack files ask for it."""

    def register(kind: SinkType) -> SinkType:
        KINDS[name] = kind
        return kind

    return register


@dataclass(frozen=True)
class SinkArgs:
    """The parts of a stack's configuration that a sink may use."""

    options: Settings
    """its own section of `datapipe:sinks`, an instance of the kind's `options_type`"""
    archive: ArchiveSettings
    aws: AwsSettings
    databases: tuple[CapturedDatabase, ...]
    converter: Converter
    """of the captured tables' topics"""
    count_events: bool
    """whether the metrics count the events that pass"""
    dead_letter_replication: int
    row_size: RowSize
    """of the largest rows, which the connector must be given too"""
    images: ImageFamilyTable
    plugin_digests: PluginDigests
    s3_sink_version: str
    """of Confluent's S3 sink: what the hub is asked for, or the image has"""

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics of all captured tables."""
        return tuple(
            TopicNames(database.topic_prefix).of(table)
            for database in self.databases
            for table in database.tables
        )


@dataclass(frozen=True)
class MaintainedTables:
    """Tables of an Iceberg catalog, for the program that maintains them."""

    plugin: str
    """folder of Iceberg's sink in the workers' image"""
    tables: Mapping[str, str]
    """the catalog's table, as database.table, of each captured table's topic"""
    catalog: Mapping[str, str]
    """the catalog's properties"""
    properties: Mapping[str, str]
    """that every table has"""
    prefix: str
    """the folder of all tables, as s3://bucket/prefix"""
    place_prefix: str
    """of the snapshots' properties by which the sink finds its place"""


class Sink(ABC):
    """A sink of the stack. What a kind does not need keeps the default: nothing.

    `__init__` raises InvalidKeysError where the stack's configuration does not allow this kind.
    """

    options_type: ClassVar[type[Settings]] = Settings
    """the keys of its section of `datapipe:sinks`; by default it has none"""
    state: State = "RUNNING"
    """of its connector"""

    def __init__(self, args: SinkArgs) -> None:
        self.args = args

    @property
    @abstractmethod
    def connector(self) -> SinkConnector:
        """The connector. Raises ValueError where its properties contradict each other.

        It names its dead letter topic (`errors.dead_letter_topic`) and says how much heap its
        files take (`open_files`, `file_bytes`).
        """

    @property
    def control_topics(self) -> tuple[str, ...]:
        """Topics of its own, with one partition each."""
        return ()

    def environment(self, archive: Archive) -> Mapping[str, pulumi.Input[str]]:
        """Return variables of the worker that its `${env:NAME}` refer to."""
        return {}

    def secrets(self, archive: Archive) -> Mapping[str, pulumi.Input[str]]:
        """Return the variables of the worker that are secret."""
        return {}

    def flows(self) -> tuple[Flow, ...]:
        """Return the network connections that the worker opens for it."""
        return ()

    def iam_statements(self, bucket_arn: str, database_arns: Sequence[str]) -> list[Statement]:
        """Return what the worker's AWS identity must be allowed to do for it.

        `database_arns` are those of the Glue databases; none where the archive has none.
        """
        return []

    def jars(self) -> Mapping[str, str]:
        """Return the paths in the worker of jars that it needs, with their names in java/."""
        return {}

    def access(self) -> SinkAccess:
        """Return what the worker's account must be allowed to do on the brokers for it."""
        return SinkAccess(
            connector=self.connector.name,
            dead_letter_topic=self.connector.errors.dead_letter_topic,
            control_topics=self.control_topics,
        )

    def remarks(self, partitions: int, fits: Callable[[SinkConnector], bool]) -> tuple[Remark, ...]:
        """Return what the preview says about its settings.

        `partitions`: of all captured tables' topics. `fits`: whether the workers have the heap for
        a connector in the place of its own.
        """
        return ()

    def hub_plugin(self) -> PluginArchive | None:
        """Return its plug-in's archive on Confluent Hub; None where the hub has none."""
        return None


class ArchiveSink(Sink):
    """A sink that writes the stack's archive, which `archive.sink` chooses."""

    cold_storage_class: ClassVar[str]
    """S3's storage class for files older than `archive.glacierDays`"""
    needs_catalog: ClassVar[bool] = False
    """whether it registers its tables in a Glue database"""

    def maintained(self) -> MaintainedTables | None:
        """Return the tables that need maintenance; None where nothing of the archive does."""
        return None

    @abstractmethod
    def archived_tables(self, database: CapturedDatabase) -> dict[str, str]:
        """Return where each captured table of a database is archived."""

    def archived_topics(self) -> dict[str, str]:
        """Return where the rows of each topic are archived."""
        return {
            TopicNames(database.topic_prefix).of(table): archived
            for database in self.args.databases
            for table, archived in self.archived_tables(database).items()
        }
