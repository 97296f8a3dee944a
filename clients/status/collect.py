"""Asks every part of the pipeline how it is; a part that does not answer does not hide the rest."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from confluent_kafka import KafkaException
from kubernetes.client import ApiException
from urllib3.exceptions import HTTPError

from clients.archive import TOPIC_PREFIX
from clients.bucket import Objects, objects
from clients.cluster import Cluster, Pod
from clients.connect import Connector, connectors
from clients.dlq.replay import GROUP as REPLAY_GROUP
from clients.metrics import Metrics, read_metrics
from clients.stack import StackOutputs
from clients.topics import DEAD_LETTER_TOPICS, GroupReader, Topic

T = TypeVar("T")

UNREACHABLE = (ApiException, BotoCoreError, ClientError, HTTPError, KafkaException)
"""What the clients raise where their server is away or refuses."""


@dataclass(frozen=True)
class Unknown:
    """A part that did not answer, and why."""

    part: str
    reason: str


@dataclass(frozen=True)
class Status:
    """The state of a deployed pipeline; Unknown where a part could not be asked."""

    pods: list[Pod] | Unknown
    connectors: list[Connector] | Unknown
    declared_connectors: tuple[str, ...]
    topics: list[Topic] | Unknown
    """of the captured tables, with the sinks' lag"""
    dead_letters: list[Topic] | Unknown
    """the dead letter topics that exist"""
    objects: Objects | Unknown
    metrics: Metrics | Unknown
    """of all pods that have some"""


def collect(outputs: StackOutputs, cluster: Cluster) -> Status:
    """Ask the cluster, Connect, the brokers and S3."""
    found = _ask("Kafka Connect", lambda: connectors(cluster, outputs.connect))
    return Status(
        pods=_ask("Kubernetes", cluster.pods),
        connectors=found,
        declared_connectors=outputs.connectors,
        topics=_ask("Kafka", lambda: _lag(outputs, _sinks(found))),
        dead_letters=_ask("Kafka", lambda: _dead_letters(outputs)),
        objects=_ask("S3", lambda: objects(outputs.archive)),
        metrics=_ask("Metrics", lambda: read_metrics(cluster)),
    )


def _ask(part: str, question: Callable[[], T]) -> T | Unknown:
    try:
        return question()
    except UNREACHABLE as error:
        return Unknown(part, _in_one_line(error))


def _in_one_line(error: Exception) -> str:
    if isinstance(error, ApiException):
        return f"{error.status} {error.reason}: {str(error.body or '').strip()[:300]}"
    return " ".join(str(error).split())


def _sinks(found: list[Connector] | Unknown) -> list[Connector]:
    return [] if isinstance(found, Unknown) else [each for each in found if each.kind == "sink"]


def _lag(outputs: StackOutputs, sinks: list[Connector]) -> list[Topic]:
    names = [f"{TOPIC_PREFIX}.{table}" for table in outputs.tables]
    topics: list[Topic] = []
    for sink in sinks:
        with GroupReader(outputs.bootstrap_servers, sink.consumer_group) as reader:
            topics += reader.topics(names)
    return topics


def _dead_letters(outputs: StackOutputs) -> list[Topic]:
    """Their lag is what was neither replayed nor dismissed."""
    with GroupReader(outputs.bootstrap_servers, REPLAY_GROUP) as reader:
        return reader.topics(DEAD_LETTER_TOPICS)
