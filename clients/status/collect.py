"""Asks every part of the pipeline for its state; one that does not answer hides no other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

import psycopg
from botocore.exceptions import BotoCoreError, ClientError
from confluent_kafka import KafkaException
from kubernetes.client import ApiException
from urllib3.exceptions import HTTPError

from clients import console
from clients.archived_tables import ArchivedTable, archived_tables
from clients.bucket import Objects, objects
from clients.captured_tables import Finding, findings, findings_of_metrics
from clients.cluster import MEBIBYTE, Cluster, Pod, Resources
from clients.connect import Connector, connectors
from clients.dlq.replay import GROUP as REPLAY_GROUP
from clients.metrics import Metrics, read_metrics
from clients.stack import BudgetOutput, MaintenanceOutput, StackError, StackOutputs
from clients.topics import GroupReader, Topic

T = TypeVar("T")

# Listing so many takes S3 about a minute.
MOST_OBJECTS = 500_000

# What the clients raise if their server is unreachable or refuses.
UNREACHABLE = (
    ApiException,
    BotoCoreError,
    ClientError,
    HTTPError,
    KafkaException,
    psycopg.Error,
    StackError,
)


@dataclass(frozen=True)
class Unknown:
    """A part that did not answer, and why."""

    part: str
    reason: str


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
    # Of the captured tables that are not what is captured.
    tables: list[Finding] | Unknown
    # When the first of Kafka's certificates ends; None where connections are plaintext.
    certificates_end: datetime | None = None
    # How large the archive's tables are.
    archived: Sequence[ArchivedTable] | Unknown = ()
    maintenance: MaintenanceOutput = field(default_factory=MaintenanceOutput)


def collect(outputs: StackOutputs, cluster: Cluster) -> Status:
    """Ask the cluster, Connect, the brokers and S3."""
    found = _ask("Kafka Connect", lambda: connectors(cluster, outputs.connect))
    metrics = _ask("the pods' metrics", lambda: read_metrics(cluster))
    return Status(
        budget=budget(outputs.budget),
        pods=_ask("Kubernetes", cluster.pods),
        connectors=found,
        declared_connectors=outputs.connectors,
        topics=_ask("Kafka", lambda: _lag(outputs, _sinks(found))),
        dead_letters=_ask("Kafka", lambda: _dead_letters(outputs)),
        objects=_ask("S3", lambda: objects(outputs.archive, MOST_OBJECTS, console.log)),
        metrics=metrics,
        tables=_ask("PostgreSQL", lambda: _tables(outputs, cluster, metrics)),
        certificates_end=outputs.kafka_certificates_end,
        archived=_ask("the archive", lambda: archived_tables(outputs.archive, console.log)),
        maintenance=outputs.archive.maintenance,
    )


def budget(output: BudgetOutput) -> Resources:
    """Return the stack's own limit on memory and CPU (datapipe:budget)."""
    return Resources(output.memory_mebibytes * MEBIBYTE, Decimal(output.cpu_millicores) / 1000)


def _tables(outputs: StackOutputs, cluster: Cluster, metrics: Metrics | Unknown) -> list[Finding]:
    """Ask the database, or the worker where the database is not reachable from outside."""
    if outputs.database.port is not None:
        return findings(outputs, cluster)
    return [] if isinstance(metrics, Unknown) else findings_of_metrics(metrics)


def _ask(part: str, question: Callable[[], T]) -> T | Unknown:
    try:
        return question()
    except UNREACHABLE as error:
        return Unknown(part, _on_one_line(error))


def _on_one_line(error: Exception) -> str:
    if isinstance(error, ApiException):
        return f"{error.status} {error.reason}: {str(error.body or '').strip()[:300]}"
    return " ".join(str(error).split())


def _sinks(found: list[Connector] | Unknown) -> list[Connector]:
    return [] if isinstance(found, Unknown) else [each for each in found if each.kind == "sink"]


def _lag(outputs: StackOutputs, sinks: list[Connector]) -> list[Topic]:
    topics: list[Topic] = []
    for sink in sinks:
        with GroupReader(outputs.kafka, sink.consumer_group) as reader:
            topics += reader.topics(outputs.topics)
    return topics


def _dead_letters(outputs: StackOutputs) -> list[Topic]:
    with GroupReader(outputs.kafka, REPLAY_GROUP) as reader:
        return reader.topics(outputs.dead_letter_topics.names)
