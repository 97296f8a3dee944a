"""Which server a host leads to: the one that was captured, or another after a failover."""

from __future__ import annotations

from collections.abc import Iterator

from components.source.existing.login import Connection
from components.source.existing.problem import Problem
from components.source.existing.server_checks import Server

# The system identifier, which initdb gives and which standbys and backups share, and the timeline,
# which each promotion of a standby and each restored backup raises.
_IDENTITY = (
    b"SELECT system_identifier::text || '/'"
    b" || ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int"
    b" FROM pg_control_system()"
)


def identity(connection: Connection) -> str:
    """Return a primary's system identifier and timeline, as RecoveredServer.server has them."""
    row = connection.execute(_IDENTITY).fetchone()
    assert row is not None  # noqa: S101  the function has one row
    return str(row[0])


def identity_problems(server: Server, captured: str | None) -> Iterator[Problem]:
    """Yield that a primary is another server than the one that was `captured`.

    A higher timeline is accepted: the connector finds out whether a promoted standby has all that
    was captured, and refuses to go on otherwise.
    """
    if captured is None:
        return
    (was, timeline), (now, current) = _parts(captured), _parts(identity(server.connection))
    address = f"{server.source.host}:{server.source.port}"
    remedy = (
        f"correct datapipe:sources.{server.name}.host, or, where this server is to be captured from"
        f" now on, make recover SOURCE={server.name}"
    )
    if now != was:
        yield Problem(
            f"{address} is another server than the one that was captured: its system identifier is"
            f" {now} instead of {was}, so its changes do not continue what is archived",
            remedy,
        )
    elif current < timeline:
        yield Problem(
            f"{address} is on timeline {current}, but was captured on timeline {timeline}: it is a"
            " primary of before a failover, or a restored backup",
            remedy,
        )
    if not server.value(
        "SELECT count(*) FROM pg_replication_slots WHERE slot_name = %s", server.slot
    ):
        yield Problem(
            f"the slot {server.slot} does not exist; if the connector has run before, changes are"
            " missing, and it refuses to go on",
            f"make recover SOURCE={server.name}",
            "warning",
        )


def _parts(server: str) -> tuple[str, int]:
    system, _, timeline = server.partition("/")
    return system, int(timeline)
