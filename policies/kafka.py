"""Kafka: losing a broker loses no acknowledged record, and no topic is created by accident."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policies.finding import Finding, judge
from policies.resource import Properties, Resource
from policies.settings import Schemas, Settings

SETTINGS: Schemas = {
    "replicationFactor": {
        "type": "integer",
        "minimum": 1,
        "default": 3,
        "description": "the minimum number of replicas of every topic",
    },
}

TOPIC = "kafka:index/topic:Topic"
# Settings that only a broker's file has.
BROKER_MARKS = ("process.roles", "broker.id", "zookeeper.connect")
# A setting that only the file of a distributed Connect worker has.
WORKER_MARK = "config.storage.topic"

BROKER_FACTORS = (
    "default.replication.factor",
    "offsets.topic.replication.factor",
    "transaction.state.log.replication.factor",
)
# Each must be one less than its factor: one broker may fail, and no record is lost.
BROKER_IN_SYNC = {
    "min.insync.replicas": "default.replication.factor",
    "transaction.state.log.min.isr": "transaction.state.log.replication.factor",
}
WORKER_FACTORS = (
    "config.storage.replication.factor",
    "offset.storage.replication.factor",
    "status.storage.replication.factor",
)
# The defaults of Kafka 3.9.
BROKER_DEFAULTS = {
    "default.replication.factor": "1",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "min.insync.replicas": "1",
    "transaction.state.log.min.isr": "2",
    "unclean.leader.election.enable": "false",
    "auto.create.topics.enable": "true",
}


def durable_topics(resource: Resource, settings: Settings) -> Iterator[Finding]:
    """Refuse topics with too few replicas or unlimited retention."""
    if resource.type == TOPIC:
        for check in (_replicated, _in_sync, _bounded):
            yield from judge(check, resource.properties, int(settings["replicationFactor"]))


def _replicated(topic: Properties, minimum: int) -> Iterator[str]:
    factor = int(topic.get("replicationFactor", 1))
    if factor < minimum:
        yield f"replicationFactor is {factor}: a lost broker loses records; set at least {minimum}"


def _in_sync(topic: Properties, _minimum: int) -> Iterator[str]:
    config: Properties = topic.get("config", {})
    factor = int(topic.get("replicationFactor", 1))
    in_sync = config.get("min.insync.replicas")
    if in_sync is not None and factor > 1 and int(in_sync) != factor - 1:
        yield f"min.insync.replicas is {in_sync}; with {factor} replicas it must be {factor - 1}"
    if config.get("unclean.leader.election.enable", "false") == "true":
        yield "unclean.leader.election.enable is true: a stale replica can become leader; set false"


def _bounded(topic: Properties, _minimum: int) -> Iterator[str]:
    config: Properties = topic.get("config", {})
    if "compact" not in config.get("cleanup.policy", "delete") and "retention.ms" not in config:
        yield "retention.ms is not set; set it, or cleanup.policy to compact"


def durable_configuration(resource: Resource, settings: Settings) -> Iterator[Finding]:
    """Refuse broker and Connect worker files in ConfigMaps with settings that can lose records."""
    if not resource.is_kind("ConfigMap"):
        return
    minimum = int(settings["replicationFactor"])
    for name in resource.properties.get("data", {}):
        yield from judge(_file, name, resource.properties["data"], minimum)


def _file(name: str, files: Properties, minimum: int) -> Iterator[str]:
    if not name.endswith(".properties"):
        return
    given = parse_properties(files[name])
    if any(mark in given for mark in BROKER_MARKS) and "listeners" in given:
        yield from (f"{name}: {wrong}" for wrong in _broker(given, minimum))
    elif WORKER_MARK in given:
        yield from (f"{name}: {wrong}" for wrong in _factors(given, WORKER_FACTORS, minimum, "3"))


def _broker(given: Mapping[str, str], minimum: int) -> Iterator[str]:
    stated = {**BROKER_DEFAULTS, **given}
    yield from _factors(stated, BROKER_FACTORS, minimum, "1")
    for setting, factor in BROKER_IN_SYNC.items():
        replicas = int(stated[factor])
        if replicas > 1 and int(stated[setting]) != replicas - 1:
            expected = replicas - 1
            yield f"{setting} is {stated[setting]}; with {factor}={replicas} it must be {expected}"
    if stated["unclean.leader.election.enable"] != "false":
        yield (
            "unclean.leader.election.enable is not false: a stale replica can become leader; set it"
            " to false"
        )
    if stated["auto.create.topics.enable"] != "false":
        yield (
            "auto.create.topics.enable is not false: a mistyped name becomes a topic with the"
            " broker's defaults; set it to false and declare the topics"
        )


def _factors(
    stated: Mapping[str, str], names: tuple[str, ...], minimum: int, default: str
) -> Iterator[str]:
    for name in names:
        factor = int(stated.get(name, default))
        if 0 <= factor < minimum:  # -1 is the broker's default
            yield f"{name} is {factor}; must be at least {minimum}"


def parse_properties(text: str) -> dict[str, str]:
    """Parse a Java properties file, as far as Kafka's files use the format."""
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if line and line[0] not in "#!")
    return {key.strip(): value.strip() for key, _, value in pairs}
