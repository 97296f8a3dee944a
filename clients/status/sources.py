"""The state of each captured database: its slots, and its tables that have changed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.table import Table

from clients import database
from clients.captured_tables import Finding, findings, findings_of_metrics
from clients.cluster import Cluster
from clients.metrics import Metrics
from clients.stack import StackOutputs
from clients.status.archive import size
from clients.status.tables import NOTHING, mark, new_table
from clients.status.unknown import Unknown, ask
from clients.table_reference import qualified

# PostgreSQL 12 has no wal_status, and never removes WAL that a slot needs. A standby has no current
# position of its own.
SLOTS = """
SELECT asked.name, slot_name IS NOT NULL AS exists, coalesce(active, false) AS active,
    to_jsonb(slots) ->> 'wal_status' AS wal_status, confirmed_flush_lsn::text AS position,
    pg_wal_lsn_diff(lsn, confirmed_flush_lsn)::bigint AS behind,
    pg_wal_lsn_diff(lsn, restart_lsn)::bigint AS kept, pg_is_in_recovery() AS on_standby
FROM unnest(%s::text[]) WITH ORDINALITY AS asked (name, number)
CROSS JOIN LATERAL (
    SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
        ELSE pg_current_wal_lsn() END AS lsn
) AS present
LEFT JOIN pg_replication_slots AS slots ON slot_name = asked.name
ORDER BY number
"""


@dataclass(frozen=True)
class Slot:
    """A replication slot of a source connector."""

    name: str
    connector: str
    exists: bool
    active: bool
    """whether the connector reads it now"""
    wal_status: str | None
    """PostgreSQL's: reserved, extended, unreserved or lost"""
    position: str | None
    """up to which the connector has confirmed the WAL, as PostgreSQL writes it"""
    behind: int | None
    """bytes of WAL after it"""
    kept: int | None
    """bytes of WAL that PostgreSQL keeps for it"""
    on_standby: bool

    @property
    def is_usable(self) -> bool:
        """Whether capture goes on with it, and will."""
        return self.exists and not self.on_standby and self.wal_status not in {"lost", "unreserved"}


@dataclass(frozen=True)
class SourceState:
    """A captured database; Unknown for what it did not answer."""

    name: str
    is_only: bool
    """whether the stack has no other"""
    address: str
    topic_prefix: str
    label: str | None
    """in the metrics"""
    tables: int
    connectors: tuple[str, ...]
    slots: Sequence[Slot] | Unknown
    """none where the database is not reachable from outside the cluster"""
    changed: Sequence[Finding] | Unknown
    """the tables that are not what is captured"""


def source_states(
    outputs: StackOutputs, cluster: Cluster, metrics: Metrics | Unknown
) -> list[SourceState]:
    """Ask each database; one that does not answer hides no other."""
    return [_state(own, cluster, metrics) for own in outputs.each()]


def _state(own: StackOutputs, cluster: Cluster, metrics: Metrics | Unknown) -> SourceState:
    is_only, place = len(own.sources) == 1, own.database
    part = "PostgreSQL" if is_only else f"PostgreSQL of {own.source}"
    is_reachable = place.port is not None
    slots: Sequence[Slot] | Unknown = ask(part, lambda: _slots(own)) if is_reachable else []
    changed: Sequence[Finding] | Unknown = (
        slots if isinstance(slots, Unknown) else ask(part, lambda: _changed(own, cluster, metrics))
    )
    return SourceState(
        name=own.source,
        is_only=is_only,
        address=f"{place.host}:{place.port}/{place.name}" if is_reachable else place.name,
        topic_prefix=own.topic_prefix,
        label=own.label,
        tables=len(own.tables),
        connectors=own.source_connectors,
        slots=slots,
        changed=changed,
    )


def _slots(own: StackOutputs) -> list[Slot]:
    with database.connect(own) as connection:
        rows = connection.execute(SLOTS, [list(own.slots)]).fetchall()
    return [
        Slot(connector=connector, **row)
        for connector, row in zip(own.source_connectors, rows, strict=True)
    ]


def _changed(own: StackOutputs, cluster: Cluster, metrics: Metrics | Unknown) -> list[Finding]:
    """Ask the database, or the worker where the database is not reachable from outside."""
    if own.database.port is not None:
        found = findings(own, cluster)
    elif isinstance(metrics, Unknown):
        found = []
    else:
        found = findings_of_metrics(metrics.of_source(own.label))
    return [each.renamed(lambda table: qualified(own, table)) for each in found]


def problems_of_sources(sources: Sequence[SourceState]) -> Iterator[str]:
    """Yield what keeps a database from being captured."""
    for source in sources:
        if isinstance(source.slots, Unknown):
            continue
        prefix = "" if source.is_only else f"{source.name}: "
        choice = "" if source.is_only else f" SOURCE={source.name}"
        for slot in source.slots:
            if problem := _problem(slot, f"make recover{choice}"):
                yield f"{prefix}{problem}"
        if not isinstance(source.changed, Unknown):
            yield from map(str, source.changed)


def _problem(slot: Slot, recover: str) -> str | None:
    """Return what is wrong with a slot; None if nothing is."""
    if slot.on_standby:
        return (
            f"{slot.connector} can't read from a standby; name the primary in the stack file, or"
            " promote the server"
        )
    if not slot.exists:
        return (
            f"the replication slot {slot.name} does not exist; {recover} creates it and reads the"
            " tables again"
        )
    if slot.wal_status == "lost":
        return (
            f"PostgreSQL has removed WAL that the replication slot {slot.name} needs; {recover}"
            " recreates it and reads the tables again"
        )
    if slot.wal_status == "unreserved":
        return (
            f"PostgreSQL removes WAL that the replication slot {slot.name} needs at its next"
            f" checkpoint: {slot.connector} is {size(slot.behind or 0)} behind, above"
            " max_slot_wal_keep_size"
        )
    return None


def sources_table(sources: Sequence[SourceState]) -> Table:
    """Return a row for each slot: how far its connector has read, and what is kept for it."""
    shown = new_table(
        "sources",
        *("", "source", "database", ">tables", "connector", "slot", "state"),
        *(">behind", ">WAL kept", "position"),
    )
    for source in sources:
        about = (source.name, source.address, str(source.tables))
        if isinstance(source.slots, Unknown):
            shown.add_row(mark(False), *about, ", ".join(source.connectors), NOTHING, "not reached")
        elif not source.slots:
            shown.add_row("", *about, ", ".join(source.connectors), NOTHING, "not asked")
        else:
            for slot in source.slots:
                shown.add_row(mark(slot.is_usable), *about, *_cells(slot))
    return shown


def _cells(slot: Slot) -> list[str]:
    state = "missing" if not slot.exists else slot.wal_status or "reserved"
    numbers = [NOTHING if count is None else size(count) for count in (slot.behind, slot.kept)]
    use = state if slot.active or not slot.exists else f"{state}, not read"
    return [slot.connector, slot.name, use, *numbers, slot.position or NOTHING]
