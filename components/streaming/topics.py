"""The topics of the pipeline, derived from the captured tables (design: "Topic Configuration").

Connect's three own topics are not here: the worker makes them. Auto-creation is off, so whatever
is written must be listed.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kafka

from components.config import StackConfig
from components.config.tables import clashes
from components.sizing import log_size
from components.streaming.connectors.pipeline import (
    CONTROL_TOPIC,
    SINK_DEAD_LETTERS,
    TOPIC_PREFIX,
    topic_of,
)

CONNECT_DEAD_LETTERS = "connect-dlq"
"""of sink connectors that have no dead letter queue of their own"""
SCHEMA_CHANGES = f"schema-changes.{TOPIC_PREFIX}"
"""In the design; PostgreSQL's connector keeps no schema history and writes nothing to it."""
HEARTBEAT = f"__debezium-heartbeat.{TOPIC_PREFIX}"
TRANSACTIONS = f"{TOPIC_PREFIX}.transaction"
"""Begin and end of PostgreSQL's transactions (provide.transaction.metadata)."""

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Topic:
    """A topic as it shall be."""

    name: str
    partitions: int
    replication_factor: int
    config: dict[str, str]
    holds_rows: bool = False
    """changes of a captured table; deleting it loses what is not archived yet"""


def topics_for(config: StackConfig) -> list[Topic]:
    """Every topic that the pipeline needs, none twice.

    Raises ValueError where Kafka would take two of them, Connect's own included, for the same.
    """
    settings, replicas = config.topics, config.kafka.replication_factor
    rows = _deleted_after(config, settings.retention_ms)
    letters = _deleted_after(config, settings.dead_letter_retention_ms)
    topics = [
        *(_topic_of_rows(config, table, rows) for table in config.tables),
        Topic(CONNECT_DEAD_LETTERS, settings.dead_letter_partitions, replicas, letters),
        Topic(SINK_DEAD_LETTERS, settings.dead_letter_partitions, replicas, letters),
        Topic(SCHEMA_CHANGES, 1, replicas, _compacted(settings.retention_ms)),
        Topic(HEARTBEAT, 1, replicas, rows),
        Topic(TRANSACTIONS, 1, replicas, rows),
    ]
    if config.archive.sink == "iceberg":
        topics.append(Topic(CONTROL_TOPIC, 1, replicas, rows))
    _require_distinct(config, topics)
    return topics


def _topic_of_rows(config: StackConfig, table: str, usual: dict[str, str]) -> Topic:
    """The topic of a captured table, with what the stack overrides for it."""
    given = config.topics.overrides.get(table)
    different = {
        "retention.ms": str(given.retention_ms) if given and given.retention_ms else None,
        "compression.type": given.compression if given else None,
    }
    return Topic(
        topic_of(table),
        config.partitions_of(table),
        config.kafka.replication_factor,
        usual | {key: value for key, value in different.items() if value is not None},
        holds_rows=True,
    )


def _require_distinct(config: StackConfig, topics: list[Topic]) -> None:
    connect = config.connect
    own = [connect.config_topic, connect.offset_topic, connect.status_topic]
    if config.needs_registry:
        own.append(config.registry.topic)
    for first, second in clashes([*(topic.name for topic in topics), *own]):
        raise ValueError(
            f"the topics {first} and {second} would clash, as Kafka takes a dot and an underscore"
            " for the same; give another name (connect.configTopic, offsetTopic, statusTopic or"
            " registry.topic)"
        )


def _deleted_after(config: StackConfig, retention_ms: int) -> dict[str, str]:
    """Deleted after a time, or sooner where it would fill the brokers' volumes.

    A full volume stops its broker, and all three fill up together. So each partition is bounded:
    at 10,000 events a second the week of the design does not fit into its 10Gi.
    """
    storage = config.sizing.storage_per_broker(config.kafka.brokers)
    size = log_size(storage, replicas_per_broker(config))
    return {
        "cleanup.policy": "delete",
        "compression.type": config.topics.compression,
        "retention.ms": str(retention_ms),
        "retention.bytes": str(size.retention * MEBIBYTE),
        # Only whole segments are deleted, and Kafka's default segment (1 GiB) is above the bound.
        "segment.bytes": str(size.segment * MEBIBYTE),
    }


def _compacted(retention_ms: int) -> dict[str, str]:
    """The last record of each key is kept; the design's retention is of no effect on that."""
    return {"cleanup.policy": "compact", "retention.ms": str(retention_ms)}


def replicas_per_broker(config: StackConfig) -> int:
    """How many partition replicas with a bounded log the fullest broker has."""
    small = 3  # heartbeat, transactions, the sink's control topic
    partitions = config.table_partitions + 2 * config.topics.dead_letter_partitions + small
    return -(-partitions * config.kafka.replication_factor // config.kafka.brokers)


def declare_topics(
    config: StackConfig,
    provider: pulumi_kafka.Provider,
    opts: pulumi.ResourceOptions,
) -> list[pulumi_kafka.Topic]:
    """Declares every topic; partitions grow in place.

    Kafka can't take partitions away, so fewer of them mean a new topic without the old one's
    records. Where the topics of tables are protected the preview refuses that.
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
                pulumi.ResourceOptions(
                    provider=provider, protect=topic.holds_rows and config.topics.protect
                ),
            ),
        )
        for topic in topics_for(config)
    ]
