"""What of an existing server keeps the pipeline from working, or from working right."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from components.config.existing_source import ExistingSource
from components.source.existing.problem import Problem
from components.source.existing.quoting import identifier, literal
from components.source.existing.reach import Connection
from components.source.existing.settings import setting
from components.source.existing.statements import SESSION_SETTINGS

# What Debezium 2.4.2 was tried with here, from the first to the last.
VERSIONS = range(12, 18)
# The first with the setting max_slot_wal_keep_size.
SLOT_LIMIT_VERSION = 13
# The first whose slots can follow a failover.
FAILOVER_VERSION = 17
# Twice Debezium's status.update.interval.ms, by which the server knows that it is alive.
SHORTEST_SENDER_TIMEOUT_MS = 20_000
# Between the database's clock and this machine's; the archive has times of both.
LARGEST_SKEW_SECONDS = 10.0
# WAL that a slot may keep, as the remedy suggests it.
SLOT_LIMIT = "50GB"


@dataclass(frozen=True)
class Server:
    """A server that answers, asked as the account that captures."""

    name: str
    source: ExistingSource
    connection: Connection
    clock: Callable[[], float] = time.time

    @property
    def version(self) -> int:
        """The major version."""
        return self.connection.info.server_version // 10000

    @property
    def slot(self) -> str:
        """The name of the source's replication slot."""
        return self.source.slot_name(self.name)

    def value(self, query: str, *parameters: object) -> Any:
        """Return the first column of the first row; None without a row."""
        row = self.connection.execute(query.encode(), parameters or None).fetchone()
        return row[0] if row else None

    def setting(self, name: str) -> str:
        """Return a setting of the session in its own unit, as text."""
        found = self.value("SELECT setting FROM pg_settings WHERE name = %s", name)
        return str(found)


def version_problems(server: Server) -> Iterator[Problem]:
    """Yield that Debezium can't capture from this version."""
    first, last = VERSIONS[0], VERSIONS[-1]
    if server.version < first:
        yield Problem(
            f"PostgreSQL {server.version} is too old: versions {first} to {last} are captured",
            f"upgrade the server to PostgreSQL {last}",
        )
    elif server.version > last:
        yield Problem(
            f"PostgreSQL {server.version} is too new for Debezium 2.4.2: versions {first} to"
            f" {last} are captured",
            f"capture from a server of PostgreSQL {last}",
        )


def server_problems(server: Server) -> Iterator[Problem]:
    """Yield what is wrong with the server's role, settings, slots and clock."""
    if server.value("SELECT pg_is_in_recovery()"):
        yield Problem(
            f"{server.source.host} is a standby, which can't be written to",
            f"set datapipe:sources.{server.name}.host to the primary or the writer's endpoint",
        )
        return
    yield from _encoding(server)
    yield from _wal_level(server)
    yield from _slots(server)
    yield from _slot_limit(server)
    yield from _failover(server)
    yield from _timeouts(server)
    yield from _superuser(server)
    yield from _clock(server)


def _encoding(server: Server) -> Iterator[Problem]:
    """SQL_ASCII takes any bytes, so no reader knows its characters."""
    if server.value("SHOW server_encoding") == "SQL_ASCII":
        yield Problem(
            f"the database {server.source.database} has the encoding SQL_ASCII, whose text has no"
            " known characters",
            "restore a dump of it into a database with ENCODING 'UTF8'",
        )


def _wal_level(server: Server) -> Iterator[Problem]:
    level = server.setting("wal_level")
    if level != "logical":
        yield Problem(
            f"wal_level is {level}, but must be logical",
            setting(server.source, "wal_level", "logical", restart=True),
        )


def _slots(server: Server) -> Iterator[Problem]:
    row = server.connection.execute(
        b"SELECT slot_type, plugin, database, to_jsonb(slot) ->> 'wal_status'"
        b" FROM pg_replication_slots AS slot WHERE slot_name = %s",
        [server.slot],
    ).fetchone()
    if row is None:
        yield from _free_slots(server)
        return
    kind, plugin, database, status = row
    drop = f"SELECT pg_drop_replication_slot({literal(server.slot)});"
    if (kind, plugin, database) != ("logical", "pgoutput", server.source.database):
        yield Problem(
            f"the slot {server.slot} is {kind}, of plugin {plugin or 'none'} and database"
            f" {database or 'none'}, so another program made it",
            f"give another name: datapipe:sources.{server.name}.slot",
        )
    elif status == "lost":
        yield Problem(
            f"the slot {server.slot} is lost: the server has removed WAL that it needs, and changes"
            " are missing from the archive",
            f"{drop} make recover",
        )


def _free_slots(server: Server) -> Iterator[Problem]:
    limit = int(server.setting("max_replication_slots"))
    used = int(server.value("SELECT count(*) FROM pg_replication_slots"))
    if used >= limit:
        yield Problem(
            f"all {limit} replication slots are in use (max_replication_slots)",
            "drop one that nobody needs (pg_replication_slots lists them), or "
            + setting(server.source, "max_replication_slots", str(limit + 2), restart=True),
        )


def _slot_limit(server: Server) -> Iterator[Problem]:
    if server.version < SLOT_LIMIT_VERSION:
        yield Problem(
            f"PostgreSQL {server.version} keeps WAL for a slot without a limit: while the connector"
            " is away, it may fill the disk",
            f"upgrade to {SLOT_LIMIT_VERSION} or newer, or watch the slot {server.slot}",
            "warning",
        )
    elif server.setting("max_slot_wal_keep_size") == "-1":
        yield Problem(
            "max_slot_wal_keep_size is -1, so the server keeps WAL for a slot without a limit:"
            " while the connector is away, it may fill the disk",
            setting(server.source, "max_slot_wal_keep_size", SLOT_LIMIT),
            "warning",
        )


def _failover(server: Server) -> Iterator[Problem]:
    standbys = server.value(
        "SELECT count(*) FROM pg_replication_slots WHERE slot_type = 'physical'"
    )
    if server.version < FAILOVER_VERSION or not standbys:
        return
    follows = server.value(
        "SELECT failover FROM pg_replication_slots WHERE slot_name = %s AND slot_type = 'logical'",
        server.slot,
    )
    if follows is False:
        yield Problem(
            f"the slot {server.slot} does not follow a failover: on a promoted standby changes"
            " would be missing",
            f"ALTER_REPLICATION_SLOT {identifier(server.slot)} (FAILOVER true), on a connection"
            " with replication=database while the connector is stopped, and on the standby"
            " sync_replication_slots = on",
            "warning",
        )


def _timeouts(server: Server) -> Iterator[Problem]:
    account = identifier(server.source.user)
    for name, value in SESSION_SETTINGS.items():
        given = int(server.setting(name))
        shortest = SHORTEST_SENDER_TIMEOUT_MS if name == "wal_sender_timeout" else None
        if given == 0 or (shortest is not None and given >= shortest):
            continue
        consequence = (
            "shorter than two of the connector's messages, so the server would end its connection"
            if shortest
            else "which would end the reading of a large table"
        )
        yield Problem(
            f"{name} is {given} ms for {server.source.user}, {consequence}",
            f"ALTER ROLE {account} SET {name} = {literal(value)};",
        )


def _superuser(server: Server) -> Iterator[Problem]:
    if server.value("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        yield Problem(
            f"the account {server.source.user} is a superuser, which capture does not need",
            f"ALTER ROLE {identifier(server.source.user)} NOSUPERUSER;",
            "warning",
        )


def _clock(server: Server) -> Iterator[Problem]:
    before = server.clock()
    theirs = float(server.value("SELECT extract(epoch FROM clock_timestamp())::float8"))
    skew = theirs - (before + server.clock()) / 2
    if abs(skew) > LARGEST_SKEW_SECONDS:
        yield Problem(
            f"the database's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} this"
            " machine's, and the archive has times of both",
            "synchronize both clocks by NTP",
            "warning",
        )
