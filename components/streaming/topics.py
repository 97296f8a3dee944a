"""The topics of the pipeline, derived from the captured tables (design: "Topic Configuration").

Connect's three own topics are not here: the worker makes them. Auto-creation is off, so whatever
is written must be listed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_kafka

from components.config.captured_database import CapturedDatabase
from components.config.streaming import TopicSettings
from components.config.tables import clashes
from components.row_size import RowSize
from components.sizing import LogSize, log_size
from components.streaming.topic_names import (
    CONNECT_DEAD_LETTERS,
    TopicNames,
)

if TYPE_CHECKING:
    from components.config import StackConfig
    from components.streaming.sinks.declared import Sinks

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Topic:
    """A topic as it is declared."""

    name: str
    partitions: int
    replication_factor: int
    config: dict[str, str]
    protect: bool = False
    """whether Pulumi refuses to delete it; that of a table has changes that are not archived yet"""


@dataclass(frozen=True)
class TopicsArgs:
    """What the topics follow from."""

    databases: tuple[CapturedDatabase, ...]
    settings: TopicSettings
    """of all topics; what differs for a table is its database's"""
    replication_factor: int
    brokers: int
    storage_per_broker: int
    """MiB"""
    dead_letters_of_sinks: tuple[str, ...]
    row_size: RowSize
    control_topics: tuple[str, ...]
    """of the sinks"""
    undeclared: tuple[str, ...]
    """topics that Connect and Schema Registry make themselves"""

    @classmethod
    def from_config(cls, config: StackConfig, sinks: Sinks) -> TopicsArgs:
        """Return the arguments for a stack."""
        connect = config.connect
        undeclared = (connect.config_topic, connect.offset_topic, connect.status_topic)
        dead_letters = [one.errors.dead_letter_topic for one in sinks.connectors.values()]
        return cls(
            databases=config.databases,
            settings=config.topics,
            replication_factor=config.kafka.replication_factor,
            brokers=config.kafka.brokers,
            storage_per_broker=config.sizing.storage_per_broker(config.kafka.brokers),
            dead_letters_of_sinks=tuple(
                name for name in dict.fromkeys(dead_letters) if name != CONNECT_DEAD_LETTERS
            ),
            row_size=RowSize(config.kafka.max_row_size),
            control_topics=tuple(topic for sink in sinks for topic in sink.control_topics),
            undeclared=(*undeclared, config.registry.topic)
            if config.needs_registry
            else undeclared,
        )

    @property
    def names(self) -> tuple[TopicNames, ...]:
        """The names of each database's topics."""
        return tuple(TopicNames(database.topic_prefix) for database in self.databases)


def topics_for(args: TopicsArgs) -> list[Topic]:
    """Return every topic that the pipeline needs, none twice.

    Raises ValueError where Kafka would take two of them, Connect's own included, for the same.
    """
    settings, replicas = args.settings, args.replication_factor
    bounded = _deleted_after(args, settings.retention_ms)
    rows = bounded | _largest(args.row_size.batch_bytes)
    letters = _deleted_after(args, settings.dead_letter_retention_ms) | _largest(
        args.row_size.dead_letter_bytes
    )
    topics = [
        *(
            _topic_of_rows(args, database, table, rows)
            for database in args.databases
            for table in database.tables
        ),
        *(
            Topic(name, settings.dead_letter_partitions, replicas, letters)
            for name in (CONNECT_DEAD_LETTERS, *args.dead_letters_of_sinks)
        ),
        *(
            Topic(names.schema_changes, 1, replicas, _compacted(settings.retention_ms))
            for names in args.names
        ),
        *(Topic(name, 1, replicas, bounded) for name in _small_topics(args)),
    ]
    _require_distinct(args, topics)
    return topics


def _small_topics(args: TopicsArgs) -> list[str]:
    """Return the topics with one partition whose records are deleted after a time."""
    of_sources = [name for names in args.names for name in (names.heartbeat, names.transactions)]
    return [*of_sources, *args.control_topics]


def _topic_of_rows(
    args: TopicsArgs, database: CapturedDatabase, table: str, usual: dict[str, str]
) -> Topic:
    """Return the topic of a captured table, with what the stack overrides for it."""
    given = database.topics.overrides.get(table)
    different = {
        "retention.ms": str(given.retention_ms) if given and given.retention_ms else None,
        "compression.type": given.compression if given else None,
    }
    return Topic(
        TopicNames(database.topic_prefix).of(table),
        database.topics.partitions_of(table),
        args.replication_factor,
        usual | {key: value for key, value in different.items() if value is not None},
        protect=database.protects(table),
    )


def _require_distinct(args: TopicsArgs, topics: list[Topic]) -> None:
    for first, second in clashes([*(topic.name for topic in topics), *args.undeclared]):
        problem = (
            f"two topics would have the name {first}"
            if first == second
            else f"the topics {first} and {second} would clash, as Kafka takes a dot and an"
            " underscore for the same"
        )
        raise ValueError(
            f"{problem}; give another name (datapipe:connect.configTopic, offsetTopic,"
            " statusTopic, datapipe:registry.topic, or of a source)"
        )


def _largest(message_bytes: int) -> dict[str, str]:
    return {"max.message.bytes": str(message_bytes)}


def _deleted_after(args: TopicsArgs, retention_ms: int) -> dict[str, str]:
    """Return settings that delete records after a time, or sooner before volumes are full.

    A full volume stops its broker, and all three fill up together. So each partition is bounded:
    at 10,000 events a second the week of the design does not fit into its 10Gi.
    """
    size = _log_size(args)
    return {
        "cleanup.policy": "delete",
        "compression.type": args.settings.compression,
        "retention.ms": str(retention_ms),
        "retention.bytes": str(size.retention * MEBIBYTE),
        # Only whole segments are deleted, and Kafka's default segment (1 GiB) is above the bound.
        "segment.bytes": str(size.segment * MEBIBYTE),
    }


def retention_of_rows(args: TopicsArgs) -> int:
    """Return the MiB that a partition of a captured table's topic keeps."""
    return _log_size(args).retention


def shortage(args: TopicsArgs) -> str:
    """Say that the topics may fill the brokers' volumes; empty if they can't."""
    return _log_size(args).shortage(args.storage_per_broker, replicas_per_broker(args))


def _log_size(args: TopicsArgs) -> LogSize:
    largest = args.row_size.dead_letter_bytes
    return log_size(args.storage_per_broker, replicas_per_broker(args), largest)


def _compacted(retention_ms: int) -> dict[str, str]:
    """Return settings that keep each key's last record; the design's retention has no effect."""
    return {"cleanup.policy": "compact", "retention.ms": str(retention_ms)}


def replicas_per_broker(args: TopicsArgs) -> int:
    """Return how many partition replicas with a bounded log the fullest broker has.

    One control topic is counted also for a sink without one, so that the bounds of a deployed
    stack do not depend on its sink.
    """
    rows = sum(sum(database.partitions.values()) for database in args.databases)
    letters = (1 + len(args.dead_letters_of_sinks)) * args.settings.dead_letter_partitions
    small = len(_small_topics(args)) + (not args.control_topics)
    return -(-(rows + letters + small) * args.replication_factor // args.brokers)


def declare_topics(
    topics: list[Topic],
    provider: pulumi_kafka.Provider,
    opts: pulumi.ResourceOptions,
) -> list[pulumi_kafka.Topic]:
    """Declare every topic; partitions grow in place.

    Kafka can't remove partitions, so fewer of them mean a new topic without the old one's records.
    Where the topics of tables are protected, the preview refuses that.
    """
    return [
        pulumi_kafka.Topic(
            topic.name,
            name=topic.name,
            partitions=topic.partitions,
            replication_factor=topic.replication_factor,
            config=topic.config,
            opts=pulumi.ResourceOptions.merge(
                opts,
                pulumi.ResourceOptions(provider=provider, protect=topic.protect),
            ),
        )
        for topic in topics
    ]
