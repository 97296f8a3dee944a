"""The writer knows what was committed, also where the server dies during a COMMIT."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql

from clients.stack import StackError
from polling import poll_until
from workload.changes import CapturedTable
from workload.schema import CHILDREN
from workload.writer import Writer

TABLES = {name: CapturedTable(f"public.{name}", ("id",)) for name in CHILDREN}
DONE, UNDONE = "committed", "aborted"


class Server:
    """A database that remembers transactions by their number, and may die in a COMMIT."""

    def __init__(self, deaths: Mapping[int, str], refused: int = 2) -> None:
        """`deaths`: the commits in which the connection breaks, and how the transactions end.

        Afterwards so many connections are refused.
        """
        self.refused = refused
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
            server.away = server.refused
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


def run(connect: Callable[[], AbstractContextManager[Any]], until: Callable[[], bool]) -> Writer:
    """Run a writer until something is true."""
    with Writer(connect, TABLES, rate=100_000, seed=3) as writer:
        poll_until(until, timeout=20, interval=0.01, description="the writer")
    return writer


@pytest.mark.parametrize("end", [DONE, UNDONE])
def test_a_commit_in_doubt_counts_as_the_server_says(end: str) -> None:
    server = Server({3: end, 5: end})
    writer = run(server.connect, lambda: server.commits > 40)
    made = [(change.operation, change.key) for change in writer.journal.changes()]
    assert made == server.committed
    assert len(writer.outages) == 2
    assert all(outage > 0 for outage in writer.outages)
    assert writer.broken_since is None
    assert writer.last_lsn == 7


def test_it_ends_by_itself_when_enough_rows_are_changed() -> None:
    with Writer(Server({2: DONE}).connect, TABLES, seed=3, changes=200) as writer:
        poll_until(writer.finished, timeout=20, interval=0.01, description="the writer")
        assert writer.journal.rows >= 200
        assert writer.last_lsn == 7


def test_a_writer_without_a_database_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workload.writer.START_SECONDS", 0.2)
    server = Server({})
    server.away = 1_000
    with (
        pytest.raises(StackError, match=r"did not answer the writer within 0\.2 s"),
        Writer(server.connect, TABLES, seed=1),
    ):
        pass


def test_a_database_that_stays_away_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workload.writer.RETRY_SECONDS", 0.05)
    server = Server({3: DONE}, refused=1_000)
    with (
        pytest.raises(StackError, match="refused"),
        Writer(server.connect, TABLES, seed=3, longest_outage=0.1) as writer,
    ):
        poll_until(writer.finished, timeout=20, interval=0.01, description="the error")


def test_an_unexpected_error_is_raised() -> None:
    def connect() -> AbstractContextManager[Any]:
        raise ZeroDivisionError("our own mistake")

    with pytest.raises(StackError, match="our own mistake"), Writer(connect, TABLES, seed=1):
        pass


def test_a_paused_writer_commits_nothing_until_it_goes_on() -> None:
    server = Server({})
    with Writer(server.connect, TABLES, rate=100_000, seed=3) as writer:
        poll_until(lambda: server.commits > 5, timeout=20, interval=0.01, description="commits")
        writer.pause()
        paused = server.commits
        time.sleep(0.1)
        assert server.commits == paused
        writer.resume()
        poll_until(
            lambda: server.commits > paused, timeout=20, interval=0.01, description="commits"
        )
        writer.pause()  # the end does not wait for resume()


def test_a_writer_that_has_ended_can_be_paused() -> None:
    with Writer(Server({}).connect, TABLES, seed=3, changes=10) as writer:
        poll_until(writer.finished, timeout=20, interval=0.01, description="the writer")
        writer.pause(seconds=0)
