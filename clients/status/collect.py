"""Asks every part of the pipeline for its state; one that does not answer hides no other."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from clients import console
from clients.archived_tables import ArchivedTable, archived_tables
from clients.bucket import Objects, objects
from clients.cluster import MEBIBYTE, Cluster, Pod, Resources
from clients.connect import Connector, connectors, with_task_configs
from clients.dlq.replay import GROUP as REPLAY_GROUP
from clients.metrics import Metrics, read_metrics
from clients.stack import BudgetOutput, MaintenanceOutput, StackOutputs
from clients.status.sources import SourceState, source_states
from clients.status.unknown import Unknown, ask
from clients.table_reference import qualified
from clients.topics import GroupReader, Topic

# Listing so many takes S3 about a minute.
MOST_OBJECTS = 500_000


@dataclass(frozen=True)
class Status:
    """The state of a deployed pipeline; Unknown for a part that did not answer."""

    budget: Resources
    pods: list[Pod] | Unknown
    connectors: list[Connector] | Unknown
    declared_connectors: tuple[str, ...]
    # Of the captured tables, with the sinks' lag.
    topics: list[Topic] | Unknown
    # The dead letter topics that exist; their lag is what is neither replayed nor dismissed.
    dead_letters: list[Topic] | Unknown
    objects: Objects | Unknown
    metrics: Metrics | Unknown
    sources: Sequence[SourceState]
    # When the first of Kafka's certificates ends; None where connections are plaintext.
    certificates_end: datetime | None = None
    # How large the archive's tables are.
    archived: Sequence[ArchivedTable] | Unknown = ()
    maintenance: MaintenanceOutput = field(default_factory=MaintenanceOutput)


def collect(outputs: StackOutputs, cluster: Cluster) -> Status:
    """Ask the cluster, Connect, the brokers and S3."""
    found = ask("Kafka Connect", lambda: _connectors(outputs, cluster))
    metrics = ask("the pods' metrics", lambda: read_metrics(cluster))
    return Status(
        budget=budget(outputs.budget),
        pods=ask("Kubernetes", cluster.pods),
        connectors=found,
        declared_connectors=outputs.connectors,
        topics=ask("Kafka", lambda: _lag(outputs, _sinks(found))),
        dead_letters=ask("Kafka", lambda: _dead_letters(outputs)),
        objects=ask("S3", lambda: objects(outputs.archive, MOST_OBJECTS, console.log)),
        metrics=metrics,
        sources=source_states(outputs, cluster, metrics),
        certificates_end=outputs.kafka_certificates_end,
        archived=ask("the archive", lambda: _archived(outputs)),
        maintenance=outputs.archive.maintenance,
    )


def budget(output: BudgetOutput) -> Resources:
    """Return the stack's own limit on memory and CPU (datapipe:budget)."""
    return Resources(output.memory_mebibytes * MEBIBYTE, Decimal(output.cpu_millicores) / 1000)


def _archived(outputs: StackOutputs) -> list[ArchivedTable]:
    """Return the archive's tables of each captured database."""
    return [
        replace(table, table=qualified(own, table.table))
        for own in outputs.each()
        for table in archived_tables(own.archive, console.log)
    ]


def _connectors(outputs: StackOutputs, cluster: Cluster) -> list[Connector]:
    connect = outputs.connect
    return [with_task_configs(cluster, connect, one) for one in connectors(cluster, connect)]


def _sinks(found: list[Connector] | Unknown) -> list[Connector]:
    return [] if isinstance(found, Unknown) else [each for each in found if each.kind == "sink"]


def _lag(outputs: StackOutputs, sinks: list[Connector]) -> list[Topic]:
    topics: list[Topic] = []
    for sink in sinks:
        with GroupReader(outputs.kafka, sink.consumer_group) as reader:
            topics += reader.topics([topic for own in outputs.each() for topic in own.topics])
    return topics


def _dead_letters(outputs: StackOutputs) -> list[Topic]:
    with GroupReader(outputs.kafka, REPLAY_GROUP) as reader:
        return reader.topics(outputs.dead_letter_topics.names)
