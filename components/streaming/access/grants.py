"""What each account may do on the brokers, as data; all else is denied."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from components.config.streaming import ConnectSettings, RegistrySettings
from components.streaming.access.accounts import Account
from components.streaming.topic_names import (
    CONNECT_DEAD_LETTERS,
    TopicNames,
)

# Kinds and operations as pulumi-kafka names them. Read, Write, Delete and Alter imply Describe;
# AlterConfigs implies DescribeConfigs.
Kind = Literal["Topic", "Group", "TransactionalID"]

# Consumer groups and the transactional id of bin/datapipe.
CLIENT_GROUPS = "datapipe-"
# The topic that the benchmark makes to measure the brokers alone.
BENCH_TOPIC = "bench-ceiling"
# Schema Registry's default of schema.registry.group.id, by which it elects its leader.
REGISTRY_GROUP = "schema-registry"


@dataclass(frozen=True)
class Grant:
    """Operations that an account may do on something."""

    account: Account
    kind: Kind
    name: str
    operations: tuple[str, ...]
    prefixed: bool = False
    """whether all names that begin with `name` are meant"""

    @property
    def pattern(self) -> str:
        """The type of the resource pattern, as Kafka names it."""
        return "Prefixed" if self.prefixed else "Literal"


@dataclass(frozen=True)
class SinkAccess:
    """What a sink connector uses on the brokers, in addition to the tables' topics."""

    connector: str
    dead_letter_topic: str
    control_topics: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    """prefixes of consumer groups, in addition to that of its tasks"""
    transactional_ids: tuple[str, ...] = ()
    """prefixes"""

    @property
    def group(self) -> str:
        """The consumer group of its tasks."""
        return f"connect-{self.connector}"


@dataclass(frozen=True)
class AccessArgs:
    """What the grants follow from."""

    connect: ConnectSettings
    registry: RegistrySettings | None
    """None: no registry in the stack"""
    names: Collection[TopicNames]
    """of the sources; one grant is for the topics of all tables of a source, whatever their number
    """
    topics: Collection[str]
    """that the program declares"""
    sources: Collection[str]
    """what the names of each source's connectors begin with"""
    sinks: Collection[SinkAccess]


def grants(args: AccessArgs) -> list[Grant]:
    """Return every grant of a stack, none twice."""
    found = [
        *_worker(args.connect),
        *_sources(args),
        *(grant for sink in args.sinks for grant in _sink(sink, args.names)),
        *_registry(args.registry),
        *_topics(args.topics, args.names),
        *_clients(args.sinks, args.names),
    ]
    return list(dict.fromkeys(found))


def _worker(settings: ConnectSettings) -> Iterator[Grant]:
    """Yield what the workers need for themselves."""
    account = Account.CONNECT
    for topic in (settings.config_topic, settings.offset_topic, settings.status_topic):
        yield Grant(account, "Topic", topic, ("Create", "DescribeConfigs", "Read", "Write"))
    yield Grant(account, "Group", settings.group_id, ("Read",))
    if settings.exactly_once:
        # By which the leader alone writes the connectors' configuration.
        leader = f"connect-cluster-{settings.group_id}"
        yield Grant(account, "TransactionalID", leader, ("Write",))


def _sources(args: AccessArgs) -> Iterator[Grant]:
    account, settings = Account.CONNECT, args.connect
    for names in args.names:
        # The tables' topics, and that of the transactions. How much they keep is asked by
        # WaitingReads.
        yield Grant(account, "Topic", names.tables, ("DescribeConfigs", "Write"), prefixed=True)
        yield Grant(account, "Topic", names.heartbeat, ("Write",))
    if settings.exactly_once:
        for source in args.sources:
            tasks = f"{settings.group_id}-{source}"
            yield Grant(account, "TransactionalID", tasks, ("Write",), prefixed=True)


def _sink(sink: SinkAccess, names: Collection[TopicNames]) -> Iterator[Grant]:
    account = Account.CONNECT
    for each in names:
        yield Grant(account, "Topic", each.tables, ("Read",), prefixed=True)
    # Read: a worker's WaitingRecords does not count dead letters.
    yield Grant(account, "Topic", sink.dead_letter_topic, ("Read", "Write"))
    yield Grant(account, "Group", sink.group, ("Read",))
    for topic in sink.control_topics:
        yield Grant(account, "Topic", topic, ("Read", "Write"))
    for group in sink.groups:
        yield Grant(account, "Group", group, ("Read",), prefixed=True)
    for identifier in sink.transactional_ids:
        yield Grant(account, "TransactionalID", identifier, ("Write",), prefixed=True)


def _registry(settings: RegistrySettings | None) -> Iterator[Grant]:
    if settings is not None:
        account, operations = Account.REGISTRY, ("Create", "DescribeConfigs", "Read", "Write")
        yield Grant(account, "Topic", settings.topic, operations)
        yield Grant(account, "Group", REGISTRY_GROUP, ("Read",))


def _topics(declared: Iterable[str], names: Collection[TopicNames]) -> Iterator[Grant]:
    """Yield what Pulumi needs to create, change and delete the topics that it declares."""
    operations = ("Create", "Alter", "AlterConfigs", "Delete")
    prefixes = tuple(each.tables for each in names)
    for prefix in prefixes:
        yield Grant(Account.TOPICS, "Topic", prefix, operations, prefixed=True)
    for name in declared:
        if not name.startswith(prefixes):
            yield Grant(Account.TOPICS, "Topic", name, operations)


def _clients(sinks: Collection[SinkAccess], names: Collection[TopicNames]) -> Iterator[Grant]:
    """Yield what status, demo, bench, chaos and the dead letters' commands need."""
    account = Account.CLIENTS
    for each in names:
        # Dead letters are replayed to where they came from.
        yield Grant(account, "Topic", each.tables, ("Read", "Write"), prefixed=True)
    yield Grant(account, "Topic", BENCH_TOPIC, ("Create", "Read", "Write", "Delete"))
    yield Grant(account, "Group", CLIENT_GROUPS, ("Read",), prefixed=True)
    yield Grant(account, "TransactionalID", CLIENT_GROUPS, ("Write",), prefixed=True)
    for topic in (CONNECT_DEAD_LETTERS, *(sink.dead_letter_topic for sink in sinks)):
        yield Grant(account, "Topic", topic, ("Read", "Delete"))
    for sink in sinks:
        yield Grant(account, "Group", sink.group, ("Describe",))
