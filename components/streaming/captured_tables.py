"""The list of captured tables as a resource: a preview says what a changed list means.

A table that leaves the list takes its topic with it, records that no sink has read included, so it
needs an explicit yes (`topics.delete`). One that joins it takes disk space from the other topics.

A table of the database whose objects have short names is listed as schema.table, and of another as
source.schema.table (CapturedDatabase.entry).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi import dynamic

from components.config.existing_source import MANAGED
from components.config.load import contradiction
from components.config.tables import source_and_table
from components.dynamic_provider import Provider
from components.streaming.connectors import progress
from components.streaming.kafka.configuration import KafkaNetwork
from components.streaming.topic_names import TopicNames
from components.streaming.topics import MEBIBYTE, TopicsArgs, retention_of_rows, shortage
from components.streaming.unread import COUNT_SECONDS, unread_records

# The provider's process imports this module, and declares nothing.
if TYPE_CHECKING:
    from components.config import StackConfig
    from components.streaming.access.layer import Identity
    from components.streaming.sinks.declared import Sinks

# Bytes of a compressed row as in the benchmark (docs/LIMITS.md), and the design's rate.
ROW_BYTES = 130
ROWS_PER_SECOND = 10_000
# Counting what was not read of more topics takes seconds.
ANNOUNCED_TOPICS = 10

Properties = dict[str, Any]


class CapturedTablesProvider(Provider):
    """Changes nothing: its check allows or refuses another list."""

    def check(self, olds: Properties, news: Properties) -> dynamic.CheckResult:
        """Refuse that a table leaves without a yes; show what the others lose by a new list."""
        reasons = [*renamed(olds, news), *removed_sources(olds, news)]
        failures = [dynamic.CheckFailure("", reason) for reason in reasons]
        leave = leaving(olds, news)
        allowed, stays = _may_leave(news), _sources(news)
        unread = _unread(leave, olds)
        for table in leave:
            consequence = _consequence(table, olds, news, stays, unread)
            if reason := _why_not(table, olds, news, allowed):
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
        changed = _topics(olds) != _topics(news) or _on_removal(olds) != _on_removal(news)
        return dynamic.DiffResult(changes=changed)

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
    """captured"""
    topic_prefix: str | None
    """of the tables that are listed as schema.table; None: none is"""
    may_delete: tuple[str, ...]
    """tables whose topic may be deleted, or <source>.* for all of a source"""
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
    on_removal: dict[str, str]
    """what happens to the slot of each existing database that is removed; empty: not said yet"""
    deletes_catalogs: bool
    """whether the catalog's database of a source that leaves is deleted"""

    @classmethod
    def from_config(
        cls, config: StackConfig, sinks: Sinks, client: Identity | None = None
    ) -> CapturedTablesArgs:
        """Return the arguments for a stack. Raises ConfigError if its topics contradict it."""
        network = KafkaNetwork(config.kafka, config.cluster, config.security.namespace)
        try:
            topics = TopicsArgs.from_config(config, sinks)
        except ValueError as error:
            raise contradiction(error) from None
        databases = config.databases
        captured = [(one, table) for one in databases for table in one.tables]
        return cls(
            tables=tuple(one.entry(table) for one, table in captured),
            topic_prefix=next((one.name for one in databases if one.object_names == "short"), None),
            may_delete=config.topics.delete,
            protected=tuple(one.entry(table) for one, table in captured if one.protects(table)),
            archived={
                one.entry(table): archived
                for one in databases
                for table, archived in sinks.archive.archived_tables(one).items()
            },
            retention=retention_of_rows(topics),
            shortage=shortage(topics),
            partitions=config.topics.partitions,
            brokers=tuple(network.external_bootstrap),
            sinks=tuple(connector.name for connector in sinks.connectors.values()),
            client=client,
            on_removal={
                one.name: one.existing.on_removal or "" for one in databases if one.existing
            },
            deletes_catalogs=sinks.archive.needs_catalog and not config.archive.retain,
        )

    def inputs(self) -> Properties:
        """Return the inputs of the resource."""
        return {
            "tables": list(self.tables),
            "topic_prefix": self.topic_prefix or "",
            "may_delete": list(self.may_delete),
            "on_removal": self.on_removal,
            "protected": list(self.protected),
            "archived": self.archived,
            "retention": self.retention,
            "shortage": self.shortage,
            "partitions": self.partitions,
            "brokers": list(self.brokers),
            "sinks": list(self.sinks),
            **({} if self.client is None else {"login": self.client.login()}),
            **({"deletes_catalogs": True} if self.deletes_catalogs and self._qualified else {}),
        }

    @property
    def _qualified(self) -> bool:
        return any(
            _source_of(table, self.topic_prefix) != self.topic_prefix for table in self.tables
        )


def removed_sources(olds: Properties, news: Properties) -> Iterator[str]:
    """Yield why an existing database must not leave the stack yet: its slot would stay."""
    for name, choice in _on_removal(olds).items():
        if name not in _on_removal(news) and not choice:
            yield (
                f"{name} is no longer in datapipe:sources, and its server would keep all WAL for"
                " its replication slot, until its disk is full. Put it back with"
                f" sources.{name}.onRemoval: drop (the slot is dropped with it) or keep, run up,"
                " and then remove it. Nothing was changed."
            )


def _on_removal(props: Properties) -> dict[str, str]:
    """Return the choice for each existing database; none of before there was one."""
    found: dict[str, str] = props.get("on_removal") or {}
    return found


def leaving(olds: Properties, news: Properties) -> list[str]:
    """Return the tables that are captured now and not listed any more, as they were listed."""
    captured = frozenset(_topics(news))
    return [table for table in olds.get("tables", []) if _topic(table, olds) not in captured]


def renamed(olds: Properties, news: Properties) -> Iterator[str]:
    """Yield why the names of databases' objects would change, which would replace the objects."""
    if not olds:
        return
    before, after = _prefix(olds), _prefix(news)
    stays = _sources(olds) & _sources(news)
    if before == after:
        return
    if before in stays:
        yield _wanted(before, "short")
    elif after in stays:
        yield _wanted(after, "qualified")
    elif before and after:
        yield _wanted(after, "qualified", f", as {before} has objects of the same names")


def _wanted(source: str | None, names: str, why: str = "") -> str:
    section = "source" if source == MANAGED else f"sources.{source}"
    return (
        f"the objects of {source} would be replaced by others with other names{why}: set"
        f" datapipe:{section}.objectNames to {names}. Nothing was changed."
    )


def _prefix(props: Properties) -> str | None:
    """Return the database with short names; a resource from before other sources has MANAGED."""
    return props.get("topic_prefix", MANAGED) or None


def _source_of(table: str, short: str | None) -> str | None:
    return source_and_table(table, short)[0]


def _sources(props: Properties) -> set[str | None]:
    return {_source_of(table, _prefix(props)) for table in props.get("tables", [])}


def _topic(table: str, props: Properties) -> str:
    source, name = source_and_table(table, _prefix(props))
    return TopicNames(str(source)).of(name)


def _topics(props: Properties) -> list[str]:
    return [_topic(table, props) for table in props.get("tables", [])]


def _listed_in(source: str | None) -> str:
    return "datapipe:tables" if source == MANAGED else f"datapipe:sources.{source}.tables"


def _unread(tables: Collection[str], olds: Properties) -> dict[str, str]:
    """Return by table how many records of its topic the sinks have not read, in words."""
    if not tables:
        return {}
    topics = [_topic(table, olds) for table in tables]
    if len(topics) > ANNOUNCED_TOPICS:
        progress.info(
            f"counting the records that are not read yet in {len(topics)} topics, for up to"
            f" {COUNT_SECONDS} s for each sink"
        )
    of_sinks = {
        sink: unread_records(_client(olds), f"connect-{sink}", topics) for sink in olds["sinks"]
    }
    return {
        table: " and ".join(
            f"{counted[topic]} that {sink} has not read" for sink, counted in of_sinks.items()
        )
        for table, topic in zip(tables, topics, strict=True)
    }


def _consequence(
    table: str,
    olds: Properties,
    news: Properties,
    stays: Collection[str | None],
    unread: Mapping[str, str],
) -> str:
    """Say what is deleted with a table that leaves the list, and what stays.

    `stays`: the sources of which tables are still captured. `unread`: what no sink has read.
    """
    source, topic = _source_of(table, _prefix(olds)), _topic(table, olds)
    return (
        f"{table} is no longer in {_listed_in(source)}: up ends its capture and deletes its topic"
        f" {topic} with {unread[table]}. Dead letters of it can't be replayed afterwards."
        f" {_what_stays(table, olds, news, stays)} Listed"
        " again later, or under another name, it is a new table whose rows are all read again."
    )


def _what_stays(
    table: str, olds: Properties, news: Properties, stays: Collection[str | None]
) -> str:
    source, archived = _source_of(table, _prefix(olds)), olds["archived"][table]
    leaves = source not in stays
    if leaves and (olds.get("deletes_catalogs") or news.get("deletes_catalogs")):
        archive = (
            f"Its source leaves, and the catalog's database of {archived} is deleted, too, as"
            " archive.retain is false; the files stay, and"
        )
    else:
        archive = f"What is archived ({archived}) stays, and"
    if leaves and source == MANAGED:
        return f"{archive} PostgreSQL's pod is deleted; its volume stays."
    return f"{archive} the table in PostgreSQL is not touched."


def _client(props: Properties) -> dict[str, str]:
    return {"bootstrap.servers": ",".join(props["brokers"]), **props.get("login", {})}


def _may_leave(news: Properties) -> set[tuple[str | None, str]]:
    """Return the entries of topics.delete: sources, each with a table or *."""
    return {source_and_table(one, _prefix(news)) for one in news["may_delete"]}


def _why_not(
    table: str, olds: Properties, news: Properties, allowed: Collection[tuple[str | None, str]]
) -> str | None:
    """Return why a table must not leave; None where the stack file allows it."""
    source, name = source_and_table(table, _prefix(olds))
    entry = name if source == _prefix(news) else f"{source}.{name}"
    listed = _listed_in(source)
    if (source, name) not in allowed and (source, "*") not in allowed:
        return (
            f"To confirm, add {entry} to datapipe:topics.delete; to keep capturing it, put it back"
            f" into {listed}. No table and no topic was changed."
        )
    if table in olds["protected"]:
        return (
            "Its topic is protected (datapipe:topics.protect). First run up with the table in both"
            f" {listed} and datapipe:topics.delete, which removes the protection of this"
            f" topic alone; then remove it from {listed}. No table and no topic was changed."
        )
    return None


def _less_retention(olds: Properties, news: Properties) -> Iterator[str]:
    """Say by how much the topics keep less than before, for example because of a new table."""
    if not olds or int(news["retention"]) >= int(olds["retention"]):
        return
    before, after = _minutes(olds), _minutes(news)
    captured = frozenset(_topics(news))
    others = [table for table in olds["tables"] if _topic(table, olds) in captured]
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
    prefix = _prefix(news)
    known = {
        source_and_table(table, _prefix(props))
        for props in (olds, news)
        for table in props.get("tables", [])
    }
    known |= {(source, "*") for source, _ in known}
    gone = [entry for entry in news["may_delete"] if source_and_table(entry, prefix) not in known]
    if gone:
        yield (
            f"datapipe:topics.delete has {', '.join(gone)}, which is not captured: remove the entry"
        )
