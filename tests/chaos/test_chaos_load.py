"""The load knows what was committed, also where the server dies while it commits."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psycopg
import pytest
from demo.changes import Captured
from demo.shop import CHILDREN
from psycopg import sql

from chaos.load import Load
from chaos.pipeline import FaultError
from clients.stack import StackError

TABLES = {name: Captured(f"public.{name}", ("id",), keeps_deleted_values=True) for name in CHILDREN}
DONE, UNDONE = "committed", "aborted"


class Server:
    """A database that remembers transactions by their number, and may die in a COMMIT."""

    def __init__(self, deaths: Mapping[int, str]) -> None:
        """`deaths`: in which commits the connection breaks, and what became of the transaction."""
        self.deaths = dict(deaths)
        self.away = 0
        """connections that will be refused"""
        self.commits = self.keys = 0
        self.ends: dict[str, str] = {}
        self.committed: list[tuple[str, int]] = []
        """operation and key of every change"""

    @contextmanager
    def connect(self) -> Iterator[Any]:
        if self.away:
            self.away -= 1
            raise StackError("refused")
        yield Session(self)


class Session:
    """A connection, as far as the shop uses one."""

    prepare_threshold: int | None = 5

    def __init__(self, server: Server) -> None:
        self._server = server
        self._made: list[tuple[str, int]] = []

    @contextmanager
    def transaction(self, force_rollback: bool) -> Iterator[None]:
        self._made = []
        yield
        if force_rollback:
            return
        server = self._server
        server.commits += 1
        end = server.deaths.pop(server.commits, None)
        server.ends[str(server.commits)] = end or DONE
        if end != UNDONE:
            server.committed += self._made
        if end:
            server.away = 2
            raise psycopg.OperationalError("the connection was lost")

    def execute(self, query: str | sql.Composed, parameters: Any = None) -> "Session":
        text = query if isinstance(query, str) else query.as_string(None)
        self._rows = self._answer(text, parameters)
        return self

    def _answer(self, text: str, parameters: Any) -> list[dict[str, Any]]:
        server = self._server
        if "pg_current_wal" in text:
            return [{"position": 7}]
        if "pg_current_xact_id" in text:
            return [{"id": str(server.commits + 1)}]
        if "pg_xact_status" in text:
            return [{"status": server.ends[parameters[0]]}]
        operation = {"I": "c", "U": "u", "D": "d"}.get(text[0])
        if operation is None:  # the rows that a delete would take along
            return []
        if operation == "c":
            server.keys += 1
        keys = [server.keys] if operation == "c" else parameters["keys"]
        self._made += [(operation, key) for key in keys]
        return [{"id": key} for key in keys]

    def fetchall(self) -> list[dict[str, Any]]:
        return self._rows

    def fetchone(self) -> dict[str, Any]:
        return self._rows[0]


def run(connect: Callable[[], AbstractContextManager[Any]], until: Callable[[], bool]) -> Load:
    """A load that is stopped once something is true."""
    with Load(connect, TABLES, rate=100_000, seed=3) as load:
        deadline = time.monotonic() + 20
        while not until():
            assert time.monotonic() < deadline
            time.sleep(0.01)
    return load


@pytest.mark.parametrize("end", [DONE, UNDONE])
def test_a_commit_in_doubt_counts_as_the_server_says(end: str) -> None:
    server = Server({3: end, 5: end})
    load = run(server.connect, lambda: server.commits > 40)
    made = [(change.operation, change.key) for change in load.changes()]
    assert made == server.committed
    assert len(load.outages) == 2
    assert all(outage.until > outage.since for outage in load.outages)
    assert load.last_lsn == 7


def test_a_load_without_a_database_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chaos.load.START_SECONDS", 0.2)
    server = Server({})
    server.away = 1_000
    with pytest.raises(FaultError, match="could not start"), Load(server.connect, TABLES, 1, 1):
        pass


def test_an_unforeseen_error_is_told() -> None:
    def connect() -> AbstractContextManager[Any]:
        raise ZeroDivisionError("a mistake of ours")

    with pytest.raises(FaultError, match="a mistake of ours"), Load(connect, TABLES, 1, 1):
        pass
