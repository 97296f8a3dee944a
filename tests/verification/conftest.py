"""A database of its own in a real PostgreSQL 15, and the comparison of its tables."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import psycopg
import pyarrow as pa
import pytest
from psycopg.rows import dict_row

from clients.database import Row
from tests.unit.postgres_server import PostgresServer, running_server
from tests.verification.memory_archive import CATALOG, KnownPosition, MemoryTable
from verification.compare import compare_all
from verification.options import Options
from verification.pipeline import Pipeline
from verification.position import ArchivePosition
from verification.result import TableResult

QUICK = Options(wait_seconds=20, poll_seconds=0.01)


@contextmanager
def connected(server: PostgresServer) -> Iterator[psycopg.Connection[Row]]:
    """Connect to the server's database `postgres`, with rows as the clients have them."""
    with server.connect("postgres", dbname="postgres") as connection:
        rows = cast(psycopg.Connection[Row], connection)
        rows.row_factory = dict_row
        yield rows


class Database:
    """A database, and archives of its tables in memory."""

    def __init__(self, server: PostgresServer, connection: psycopg.Connection[Row]) -> None:
        self.server, self.connection = server, connection
        self.archive: dict[str, MemoryTable] = {}

    def execute(self, statement: str, parameters: Any = None) -> None:
        self.connection.execute(statement.encode(), parameters)

    def lsn(self) -> int:
        """Return the present WAL position."""
        row = self.connection.execute(
            "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint AS lsn"
        ).fetchone()
        assert row is not None
        return int(row["lsn"])

    def archived(self, table: str, kinds: Mapping[str, pa.DataType]) -> MemoryTable:
        """Return a new, empty archive of public.table."""
        self.archive[f"public.{table}"] = MemoryTable(kinds)
        return self.archive[f"public.{table}"]

    def open(self, table: str, from_lsn: int) -> MemoryTable | None:
        """Return the archive of a table with all its files."""
        assert from_lsn >= 0
        return self.archive.get(table)

    @contextmanager
    def connect(self) -> Iterator[psycopg.Connection[Row]]:
        with connected(self.server) as connection:
            yield connection

    def compare(
        self,
        *tables: str,
        options: Options = QUICK,
        position: ArchivePosition | None = None,
        excluded: Mapping[str, Collection[str]] | None = None,
    ) -> TableResult:
        """Compare tables; return the last result."""
        pipeline = Pipeline(self.connect, self.open, position or KnownPosition(), excluded or {})
        *_, last = compare_all(pipeline, tables, options, lambda _: None)
        return last


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    with running_server() as running:
        yield running


@pytest.fixture(scope="session")
def connection(server: PostgresServer) -> Iterator[psycopg.Connection[Row]]:
    with connected(server) as connection:
        for statement in CATALOG["setup"]:
            connection.execute(statement)
        yield connection


@pytest.fixture
def database(server: PostgresServer, connection: psycopg.Connection[Row]) -> Database:
    for row in connection.execute(
        "SELECT oid::regclass::text AS name FROM pg_class WHERE relkind IN ('r', 'p')"
        " AND relnamespace = 'public'::regnamespace AND NOT relispartition"
    ).fetchall():
        connection.execute(f"DROP TABLE IF EXISTS {row['name']} CASCADE".encode())
    return Database(server, connection)
