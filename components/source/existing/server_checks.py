"""What of an existing server keeps the pipeline from working, or from working right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from components.config.existing_source import ExistingSource
from components.postgres_memory import SESSIONS_PER_CONNECTOR
from components.source.existing.login import Connection
from components.source.existing.problem import Problem
from components.source.existing.quoting import identifier, literal
from components.source.existing.reach import Way
from components.source.existing.settings import setting
from components.source.existing.statements import SESSION_SETTINGS

# What Debezium 2.4.2 was tried with here, from the first to the last.
VERSIONS = range(12, 19)
# Twice Debezium's status.update.interval.ms, by which the server knows that it is alive.
SHORTEST_SENDER_TIMEOUT_MS = 20_000
# Between the database's clock and the worker's; the archive has times of both.
LARGEST_SKEW_SECONDS = 10.0
# In its own unit, and as SHOW prints it.
_SETTINGS = """
SELECT name, setting, current_setting(name) FROM pg_settings WHERE name = ANY(%s)
"""
_ACCOUNT = """
SELECT rolsuper, rolconnlimit, rolvaliduntil::timestamp(0)::text,
    rolvaliduntil < now() + interval '30 days'
FROM pg_roles WHERE rolname = current_user
"""


@dataclass(frozen=True)
class Server:
    """A server that answers, asked as the account that captures."""

    way: Way
    connection: Connection

    @property
    def name(self) -> str:
        """The source's name."""
        return self.way.name

    @property
    def source(self) -> ExistingSource:
        """The source as the stack file has it."""
        return self.way.source

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
        row = self.row(query, *parameters)
        return row[0] if row else None

    def row(self, query: str, *parameters: object) -> tuple[Any, ...] | None:
        """Return the first row; None without one."""
        return self.connection.execute(query.encode(), parameters or None).fetchone()

    def setting(self, name: str) -> str:
        """Return a setting of the session in its own unit, as text."""
        return str(self.value("SELECT setting FROM pg_settings WHERE name = %s", name))

    def shown(self, name: str) -> str | None:
        """Return a setting as SHOW prints it; None where this version does not have it."""
        found: str | None = self.value("SELECT current_setting(%s, true)", name)
        return found

    @cached_property
    def is_standby(self) -> bool:
        """Whether it can't be written to, as it follows another."""
        return bool(self.value("SELECT pg_is_in_recovery()"))


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
    """Yield what is wrong with the server's settings and clock, and with the account."""
    if server.is_standby:
        yield Problem(
            f"{server.source.host} is a standby, which can't be written to",
            f"set datapipe:sources.{server.name}.host to the primary or the writer's endpoint",
        )
        return
    yield from _encoding(server)
    yield from _wal_level(server)
    yield from _session_settings(server)
    yield from _account(server)
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


def _session_settings(server: Server) -> Iterator[Problem]:
    """Yield settings with which a session of the account can't capture."""
    account = identifier(server.source.user)
    rows = server.connection.execute(_SETTINGS, [list(SESSION_SETTINGS)]).fetchall()
    found = {name: (plain, shown) for name, plain, shown in rows}
    for name, (value, consequence) in SESSION_SETTINGS.items():
        # Older versions do not have all of them.
        plain, shown = found.get(name, ("0", ""))
        if _is_harmless(name, plain):
            continue
        yield Problem(
            f"{name} is {shown} for {server.source.user}, {consequence}",
            f"ALTER ROLE {account} SET {name} = {literal(value)};",
        )


def _is_harmless(name: str, setting: str) -> bool:
    if name == "wal_sender_timeout":
        return int(setting) == 0 or int(setting) >= SHORTEST_SENDER_TIMEOUT_MS
    return setting in ("0", "off")


def _account(server: Server) -> Iterator[Problem]:
    account = identifier(server.source.user)
    is_superuser, limit, end, ends_soon = server.row(_ACCOUNT) or (False, -1, None, False)
    if is_superuser:
        yield Problem(
            f"the account {server.source.user} is a superuser, which capture does not need",
            f"ALTER ROLE {account} NOSUPERUSER;",
            "warning",
        )
    if 0 <= limit < SESSIONS_PER_CONNECTOR:
        yield Problem(
            f"the account {server.source.user} may have {limit} sessions, but the connector needs"
            f" {SESSIONS_PER_CONNECTOR}",
            f"ALTER ROLE {account} CONNECTION LIMIT -1;",
        )
    if ends_soon:
        yield Problem(
            f"the password of {server.source.user} is valid until {end}",
            f"ALTER ROLE {account} VALID UNTIL 'infinity';",
            "warning",
        )


def _clock(server: Server) -> Iterator[Problem]:
    before = server.way.vantage.clock()
    theirs = float(server.value("SELECT extract(epoch FROM clock_timestamp())::float8"))
    skew = theirs - (before + server.way.vantage.clock()) / 2
    if abs(skew) > LARGEST_SKEW_SECONDS:
        yield Problem(
            f"the database's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'}"
            f" that of {server.way.vantage.name}, and the archive has times of both",
            "synchronize both clocks by NTP",
            "warning",
        )
