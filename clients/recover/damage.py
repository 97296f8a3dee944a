"""What keeps the connectors of a database from going on: a lost slot, another server, a gap."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from clients.database import Row
from clients.stack import StackError, StackOutputs
from kafka_connect.client import ConnectClient
from kafka_connect.positions import shift_of
from kafka_connect.snapshot import reads_again
from kafka_connect.status import Status

SLOT_SETTING = "slot.name"
PUBLICATION_SETTING = "publication.name"
# The property of a connector with the server that it captures.
SERVER_SETTING = "captured.server"
LOST = "lost"
# The sentence with which a connector refuses to go on (java/values, ContinuousSnapshotter).
REFUSAL = re.compile(r"ConnectException: (.+?)\. Run make recover SOURCE=")
# That of PostgreSQL for changes from before a publication was created again.
UNPUBLISHED = re.compile(r'publication "[^"]+" does not exist')

RECREATED = "the publication was created again, and PostgreSQL can't decode changes before it"

_PUBLICATION = "SELECT oid::text FROM pg_publication WHERE pubname = %s"
_SERVER = """
SELECT system_identifier::text || '/'
        || ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int AS server,
    (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint AS position
FROM pg_control_system()
"""
# PostgreSQL 12 has no wal_status, and never removes WAL that a slot needs.
_SLOT = """
SELECT to_jsonb(slot) ->> 'wal_status' AS wal_status, active FROM pg_replication_slots AS slot
WHERE slot_name = %s
"""


@dataclass(frozen=True)
class Server:
    """The server behind the database's host, as it is now."""

    # System identifier, a slash and timeline.
    name: str
    # Position in its WAL, in bytes.
    position: int


@dataclass(frozen=True)
class Damage:
    """A connector whose tables must be read again."""

    connector: str
    config: Mapping[str, str]
    reasons: tuple[str, ...]
    # The highest position that is archived, as __source_lsn; None where it is not known.
    archived: int | None
    # Whether an earlier recovery has begun to read the tables.
    begun: bool

    @property
    def slot(self) -> str:
        """The name of its replication slot."""
        return self.config[SLOT_SETTING]


def server_of(connection: psycopg.Connection[Row]) -> Server:
    """Return the server. Raises StackError where it is a standby."""
    standby = connection.execute("SELECT pg_is_in_recovery() AS standby").fetchone()
    if standby is not None and standby["standby"]:
        raise StackError(
            "the database's host is a standby; promote it, or name the primary in the stack file"
        )
    row = connection.execute(_SERVER).fetchone()
    assert row is not None  # noqa: S101  the function has one row
    return Server(str(row["server"]), int(row["position"]))


def damages(
    outputs: StackOutputs, client: ConnectClient, connection: psycopg.Connection[Row]
) -> tuple[Server, list[Damage]]:
    """Return the server, and the connectors of the database that can't go on.

    Raises StackError where the server is a standby, or a publication is missing, without which
    nothing can be read again.
    """
    # Before the server's position, which a running connector would otherwise be ahead of.
    offsets = {name: client.offsets(name) for name in outputs.source_connectors}
    server = server_of(connection)
    found = []
    for name in outputs.source_connectors:
        config = client.config(name)
        publication = _publication(connection, outputs, config[PUBLICATION_SETTING])
        slot = slot_row(connection, config[SLOT_SETTING])
        begun = reads_again(config)
        captured = _captured(offsets[name])
        reasons = [
            *(["an earlier recovery was interrupted"] if begun else []),
            *_of_slot(config[SLOT_SETTING], slot),
            *_of_publication(outputs, publication, slot),
            *_of_server(config, server),
            *_of_position(captured, server),
            *_of_task(Status.from_response(client.status(name))),
        ]
        # A recovery has reset what was captured, and has chosen the shift by it already.
        archived = None if begun or captured is None else captured + shift_of(config)
        if reasons:
            found.append(Damage(name, config, tuple(dict.fromkeys(reasons)), archived, begun))
    return server, found


def _publication(
    connection: psycopg.Connection[Row], outputs: StackOutputs, publication: str
) -> str:
    """Return the publication's OID. Raises StackError if it does not exist."""
    row = connection.execute(_PUBLICATION, [publication]).fetchone()
    if row is None:
        first = (
            "make up" if outputs.managed else f"the SQL of make source-sql SOURCE={outputs.source}"
        )
        raise StackError(f"the publication {publication} does not exist; run {first} first")
    return str(row["oid"])


def slot_row(connection: psycopg.Connection[Row], name: str) -> Row | None:
    """Return a slot's wal_status, and whether it is active; None if it does not exist."""
    return connection.execute(_SLOT, [name]).fetchone()


def is_lost(slot: Row | None) -> bool:
    """Return whether PostgreSQL has removed WAL that the slot needs, or has no such slot."""
    return slot is None or slot["wal_status"] == LOST


def _of_slot(name: str, slot: Row | None) -> Iterator[str]:
    if slot is None:
        yield f"the slot {name} does not exist"
    elif is_lost(slot):
        yield f"the slot {name} is lost: the server has removed WAL that it needs"


def _of_publication(outputs: StackOutputs, publication: str, slot: Row | None) -> Iterator[str]:
    """Yield that a publication was created again, where nobody has read the slot since.

    The connector tries again and again then, and its task stays RUNNING.
    """
    captured = {
        entry["publication"].partition("/")[0]
        for entry in json.loads(outputs.captured_entries).values()
        if entry.get("publication")
    }
    is_read = slot is not None and slot["active"]
    if captured and publication not in captured and not is_read:
        yield RECREATED


def _of_server(config: Mapping[str, str], server: Server) -> Iterator[str]:
    if SERVER_SETTING not in config:
        return
    captured, timeline = config[SERVER_SETTING].split("/")
    now, current = server.name.split("/")
    if now != captured:
        yield f"the server is another one: its system identifier is {now} instead of {captured}"
    elif int(current) < int(timeline):
        yield f"the server is on timeline {current}, and was captured on timeline {timeline}"


def _of_position(captured: int | None, server: Server) -> Iterator[str]:
    if captured is not None and server.position < captured:
        yield (
            f"the server is at {lsn(server.position)}, but changes were captured up to"
            f" {lsn(captured)}, so the archive has rows that it does not have"
        )


def _of_task(status: Status) -> Iterator[str]:
    for trace in status.traces:
        yield from REFUSAL.findall(trace)
        if UNPUBLISHED.search(trace):
            yield RECREATED


def _captured(offsets: list[dict[str, Any]]) -> int | None:
    """Return the position of the last captured change; None without one."""
    positions = [entry["offset"]["lsn"] for entry in offsets if (entry["offset"] or {}).get("lsn")]
    return max(positions, default=None)


def lsn(position: int) -> str:
    """Return a position in the WAL as PostgreSQL writes it."""
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"
