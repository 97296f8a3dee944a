"""Everything that is wrong with an existing database, as `make doctor` and the preview say it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from components.config.existing_source import ExistingSource
from components.source.existing.identity import identity_problems
from components.source.existing.problem import Problem, UnreachableError
from components.source.existing.reach import connected, replication_problem
from components.source.existing.server_checks import Server, server_problems, version_problems
from components.source.existing.table_checks import Tables, table_problems


def problems(
    name: str,
    source: ExistingSource,
    *,
    avro_names: bool,
    entries: Mapping[str, Any],
    captured: str | None = None,
    clock: Callable[[], float] = time.time,
) -> list[Problem]:
    """Ask the database, and return what is wrong; where it can't be reached, which hop failed.

    `entries` are what the archive has of its tables, and `captured` is the server of which it has
    them (identity). It changes nothing in the database.
    """
    try:
        return examine(
            name, source, avro_names=avro_names, entries=entries, captured=captured, clock=clock
        )
    except UnreachableError as error:
        return [error.problem]


def examine(
    name: str,
    source: ExistingSource,
    *,
    avro_names: bool,
    entries: Mapping[str, Any],
    captured: str | None = None,
    clock: Callable[[], float] = time.time,
) -> list[Problem]:
    """Return what is wrong with a database that answers. Raises UnreachableError."""
    with connected(name, source) as connection:
        tables = Tables(Server(name, source, connection, clock), avro_names, entries)
        return list(_found(tables, captured))


def _found(tables: Tables, captured: str | None) -> Iterator[Problem]:
    """Yield the problems. A wrong version or a standby may not have what later checks ask for."""
    server = tables.server
    version = list(version_problems(server))
    yield from version
    if version:
        return
    yield from server_problems(server)
    if server.value("SELECT pg_is_in_recovery()"):
        return
    yield from identity_problems(server, captured)
    if problem := replication_problem(server.name, server.source):
        yield problem
    yield from table_problems(tables)
