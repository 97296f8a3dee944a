"""Everything that is wrong with an existing database, as `make doctor` and the preview say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from components.source.existing.captured import Tables
from components.source.existing.certificate_checks import certificate_problems
from components.source.existing.identity import identity_problems
from components.source.existing.problem import Problem
from components.source.existing.reach import Way, replication_problem
from components.source.existing.server_checks import Server, server_problems, version_problems
from components.source.existing.shared_servers import SharedServers
from components.source.existing.slot_checks import slot_problems
from components.source.existing.table_checks import table_problems


def examine(
    way: Way,
    *,
    avro_names: bool,
    entries: Mapping[str, Any],
    captured: str | None = None,
    servers: SharedServers | None = None,
) -> list[Problem]:
    """Ask a database, and return what is wrong. It changes nothing in it.

    `entries` are what the archive has of its tables; empty where they are not captured yet.
    `captured` is the server of which it has them (identity). `servers` are those of the stack's
    other sources. Raises UnreachableError where the database does not let the account in, or stops
    answering.
    """
    servers = servers or SharedServers()
    if problem := servers.account_problem(way):
        return [problem]
    with servers.connected(way) as connection:
        tables = Tables(Server(way, connection), avro_names, entries)
        return list(problems(tables, captured, servers))


def problems(tables: Tables, captured: str | None, servers: SharedServers) -> Iterator[Problem]:
    """Yield what is wrong with a database, as examine() does, on a connection that is open.

    A wrong version or a standby may not have what later checks ask for.
    """
    server = tables.server
    version = list(version_problems(server))
    yield from version
    if version:
        return
    yield from certificate_problems(server.way)
    yield from server_problems(server)
    if server.is_standby:
        return
    yield from slot_problems(server, is_captured=bool(tables.entries))
    yield from identity_problems(server, captured)
    yield from servers.problems(server)
    if problem := replication_problem(server.way):
        yield problem
    yield from table_problems(tables)
