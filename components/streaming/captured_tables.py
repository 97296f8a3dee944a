"""The list of captured tables as a resource: a preview says what a changed list means.

A table that leaves the list takes its topic with it, records that no sink has read included, so it
needs an explicit yes (`topics.delete`). One that joins it takes disk space from the other topics.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi import dynamic

from components.config import StackConfig
from components.config.existing_source import MANAGED
from components.dynamic_provider import Provider
from components.streaming.access.layer import Identity
from components.streaming.connectors import progress
from components.streaming.kafka.configuration import KafkaNetwork
from components.streaming.sinks.declared import Sinks
from components.streaming.topic_names import TopicNames
from components.streaming.topics import MEBIBYTE, TopicsArgs, retention_of_rows, shortage
from components.streaming.unread import unread_records

# Bytes of a compressed row as in the benchmark (docs/LIMITS.md), and the design's rate.
ROW_BYTES = 130
ROWS_PER_SECOND = 10_000

Properties = dict[str, Any]


class CapturedTablesProvider(Provider):
    """Changes nothing: its check allows or refuses another list."""

    def check(self, olds: Properties, news: Properties) -> dynamic.CheckResult:
        """Refuse that a table leaves without a yes; show what the others lose by a new list."""
        failures = []
        for table in leaving(olds, news):
            consequence = _consequence(table, olds)
            if reason := _why_not(table, olds, news):
                failures.append(dynamic.CheckFailure("", f"{consequence} {reason}"))
            else:
                progress.warn(consequence)
        shortages = [news["shortage"]] if news["shortage"] else []
        for line in [*shortages, *_less_retention(olds, news), *_stale_permissions(olds, news)]:
            progress.warn(line)
        return dynamic.CheckResult(news, failures)

    def create(self, props: Properties) -> dynamic.CreateResult:
        return dynamic.CreateResult("tables", props)

    def diff(self, _id: str, olds: Properties, news: Properties) -> dynamic.DiffResult:
        return dynamic.DiffResult(changes=olds.get("tables") != news.get("tables"))

    def update(self, _id: str, _olds: Properties, news: Properties) -> dynamic.UpdateResult:
        return dynamic.UpdateResult(news)


class CapturedTables(dynamic.Resource, module="datapipe", name="CapturedTables"):
    """The captured tables. What changes with the list waits for this resource."""

    def __init__(
        self, name: str, args: CapturedTablesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(CapturedTablesProvider(), name, args.inputs(), opts)


@dataclass(frozen=True)
class CapturedTablesArgs:
    """What a changed list is judged by."""

    tables: tuple[str, ...]
    """captured, as schema.table"""
    topic_prefix: str
    may_delete: tuple[str, ...]
    """tables whose topic may be deleted"""
    protected: tuple[str, ...]
    """tables whose topic Pulumi refuses to delete"""
    archived: dict[str, str]
    """where each table's rows are archived"""
    retention: int
    """MiB that a partition of the topics keeps"""
    shortage: str
    """that the topics may fill the brokers' volumes; empty if they can't"""
    partitions: int
    """of a table's topic, unless the stack overrides them for it"""
    brokers: tuple[str, ...]
    """addresses for clients outside the cluster"""
    sinks: tuple[str, ...]
    """names of the connectors that read the topics"""
    client: Identity | None
    """by which the preview asks the brokers; None: connections are plaintext"""

    @classmethod
    def from_config(
        cls, config: StackConfig, sinks: Sinks, client: Identity | None = None
    ) -> CapturedTablesArgs:
        """Return the arguments for a stack. Raises pulumi.RunError if its topics contradict it."""
        network = KafkaNetwork(config.kafka, config.cluster, config.security.namespace)
        try:
            topics = TopicsArgs.from_config(config, sinks)
        except ValueError as error:
            raise pulumi.RunError(str(error)) from None
        return cls(
            tables=config.tables,
            topic_prefix=config.topic_prefix,
            may_delete=config.topics.delete,
            protected=tuple(table for table in config.tables if config.topics.protects(table)),
            archived=sinks.archive.archived_tables(),
            retention=retention_of_rows(topics),
            shortage=shortage(topics),
            partitions=config.topics.partitions,
            brokers=tuple(network.external_bootstrap),
            sinks=tuple(connector.name for connector in sinks.connectors.values()),
            client=client,
        )

    def inputs(self) -> Properties:
        """Return the inputs of the resource."""
        return {
            "tables": list(self.tables),
            "topic_prefix": self.topic_prefix,
            "may_delete": list(self.may_delete),
            "protected": list(self.protected),
            "archived": self.archived,
            "retention": self.retention,
            "shortage": self.shortage,
            "partitions": self.partitions,
            "brokers": list(self.brokers),
            "sinks": list(self.sinks),
            **({} if self.client is None else {"login": self.client.login()}),
        }


def leaving(olds: Properties, news: Properties) -> list[str]:
    """Return the tables that are captured now and not listed any more."""
    return [table for table in olds.get("tables", []) if table not in news["tables"]]


def _consequence(table: str, olds: Properties) -> str:
    """Say what is deleted with a table that leaves the list, and what stays."""
    # A resource from before there were other sources has the managed database's.
    topic = TopicNames(olds.get("topic_prefix", MANAGED)).of(table)
    unread = " and ".join(
        f"{unread_records(_client(olds), f'connect-{sink}', topic)} that {sink} has not read"
        for sink in olds["sinks"]
    )
    return (
        f"{table} is no longer in datapipe:tables: up ends its capture and deletes its topic"
        f" {topic} with {unread}. Dead letters of it can't be replayed afterwards. What is archived"
        f" ({olds['archived'][table]}) stays, and the table in PostgreSQL is not touched. Listed"
        " again later, or under another name, it is a new table whose rows are all read again."
    )


def _client(props: Properties) -> dict[str, str]:
    return {"bootstrap.servers": ",".join(props["brokers"]), **props.get("login", {})}


def _why_not(table: str, olds: Properties, news: Properties) -> str | None:
    """Return why a table must not leave; None where the stack file allows it."""
    if table not in news["may_delete"]:
        return (
            f"To confirm, add {table} to datapipe:topics.delete; to keep capturing it, put it back"
            " into datapipe:tables. No table and no topic was changed."
        )
    if table in olds["protected"]:
        return (
            "Its topic is protected (datapipe:topics.protect). First run up with the table in both"
            " datapipe:tables and datapipe:topics.delete, which removes the protection of this"
            " topic alone; then remove it from datapipe:tables. No table and no topic was changed."
        )
    return None


def _less_retention(olds: Properties, news: Properties) -> Iterator[str]:
    """Say by how much the topics keep less than before, for example because of a new table."""
    if not olds or int(news["retention"]) >= int(olds["retention"]):
        return
    before, after = _minutes(olds), _minutes(news)
    others = [table for table in olds["tables"] if table in news["tables"]]
    yield (
        f"the topics of {', '.join(others)} keep less: retention.bytes of each partition falls from"
        f" {int(olds['retention'])} to {int(news['retention'])} MiB, as all topics share the"
        f" brokers' volumes. A table that gets {ROWS_PER_SECOND:,} rows of {ROW_BYTES} bytes a"
        f" second then keeps {after:.1f} minutes of them (before: {before:.1f}); what no sink has"
        " read by then is lost"
    )


def _minutes(props: Properties) -> float:
    """Return for how long a topic keeps rows that come at ROWS_PER_SECOND."""
    kept = int(props["retention"]) * MEBIBYTE * int(props["partitions"])
    return kept / ROW_BYTES / ROWS_PER_SECOND / 60


def _stale_permissions(olds: Properties, news: Properties) -> Iterator[str]:
    gone = [
        table
        for table in news["may_delete"]
        if table not in news["tables"] and table not in olds.get("tables", [])
    ]
    if gone:
        yield (
            f"datapipe:topics.delete has {', '.join(gone)}, which is not captured: remove the entry"
        )
