"""Kafka: no acknowledged record is lost with a broker, and no topic comes or goes by accident."""

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
        "description": "the fewest replicas of every topic",
    },
}

TOPIC = "kafka:index/topic:Topic"
BROKER_MARKS = ("process.roles", "broker.id", "zookeeper.connect")
"""Settings that only a broker's file has."""
WORKER_MARK = "config.storage.topic"
"""A setting that only the file of a distributed Connect worker has."""

BROKER_FACTORS = (
    "default.replication.factor",
    "offsets.topic.replication.factor",
    "transaction.state.log.replication.factor",
)
BROKER_IN_SYNC = {
    "min.insync.replicas": "default.replication.factor",
    "transaction.state.log.min.isr": "transaction.state.log.replication.factor",
}
"""Each with the factor that it must be one below: one broker may fail, and no record is lost."""
WORKER_FACTORS = (
    "config.storage.replication.factor",
    "offset.storage.replication.factor",
    "status.storage.replication.factor",
)
BROKER_DEFAULTS = {
    "default.replication.factor": "1",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "min.insync.replicas": "1",
    "transaction.state.log.min.isr": "2",
    "unclean.leader.election.enable": "false",
    "auto.create.topics.enable": "true",
}
"""Kafka 3.9's"""


def durable_topics(resource: Resource, settings: Settings) -> Iterator[Finding]:
    """Topics have replicas enough and a bound on what they keep."""
    if resource.type == TOPIC:
        for check in (_replicated, _in_sync, _bounded):
            yield from judge(check, resource.properties, int(settings["replicationFactor"]))


def _replicated(topic: Properties, least: int) -> Iterator[str]:
    factor = int(topic.get("replicationFactor", 1))
    if factor < least:
        yield f"replication factor {factor}: records die with a broker; give at least {least}"


def _in_sync(topic: Properties, _least: int) -> Iterator[str]:
    config: Properties = topic.get("config", {})
    factor = int(topic.get("replicationFactor", 1))
    in_sync = config.get("min.insync.replicas")
    if in_sync is not None and factor > 1 and int(in_sync) != factor - 1:
        yield f"min.insync.replicas is {in_sync}; with {factor} replicas it must be {factor - 1}"
    if config.get("unclean.leader.election.enable", "false") == "true":
        yield "unclean.leader.election.enable is true: a stale replica may take over; set false"


def _bounded(topic: Properties, _least: int) -> Iterator[str]:
    config: Properties = topic.get("config", {})
    if "compact" not in config.get("cleanup.policy", "delete") and "retention.ms" not in config:
        yield "no retention is set; give retention.ms, or cleanup.policy compact"


def durable_configuration(resource: Resource, settings: Settings) -> Iterator[Finding]:
    """The configuration files of brokers and Connect workers, in ConfigMaps, keep records safe."""
    if not resource.is_kind("ConfigMap"):
        return
    least = int(settings["replicationFactor"])
    for name in resource.properties.get("data", {}):
        yield from judge(_file, name, resource.properties["data"], least)


def _file(name: str, files: Properties, least: int) -> Iterator[str]:
    if not name.endswith(".properties"):
        return
    given = parse_properties(files[name])
    if any(mark in given for mark in BROKER_MARKS) and "listeners" in given:
        yield from (f"{name}: {wrong}" for wrong in _broker(given, least))
    elif WORKER_MARK in given:
        yield from (f"{name}: {wrong}" for wrong in _factors(given, WORKER_FACTORS, least, "3"))


def _broker(given: Mapping[str, str], least: int) -> Iterator[str]:
    stated = {**BROKER_DEFAULTS, **given}
    yield from _factors(stated, BROKER_FACTORS, least, "1")
    for setting, factor in BROKER_IN_SYNC.items():
        replicas = int(stated[factor])
        if replicas > 1 and int(stated[setting]) != replicas - 1:
            yield f"{setting} is {stated[setting]}; with {factor} {replicas} give {replicas - 1}"
    if stated["unclean.leader.election.enable"] != "false":
        yield "unclean.leader.election.enable: a stale replica may take over; set it to false"
    if stated["auto.create.topics.enable"] != "false":
        yield (
            "auto.create.topics.enable is not false: a mistyped name becomes a topic with the"
            " broker's defaults; set it to false and declare topics"
        )


def _factors(
    stated: Mapping[str, str], names: tuple[str, ...], least: int, default: str
) -> Iterator[str]:
    for name in names:
        factor = int(stated.get(name, default))
        if 0 <= factor < least:  # -1: the broker's default
            yield f"{name} is {factor}; give at least {least}"


def parse_properties(text: str) -> dict[str, str]:
    """The settings of a Java properties file, as far as Kafka's files use the format."""
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if line and line[0] not in "#!")
    return {key.strip(): value.strip() for key, _, value in pairs}
