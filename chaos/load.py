"""The load under which faults are injected: the demo's shop, through the database's deaths."""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass

import psycopg
from demo.changes import Captured, Change
from demo.shop import Commit, Shop, wal_position

from chaos.pipeline import FaultError
from clients.database import Row
from clients.stack import StackError

RETRY_SECONDS = 0.5
START_SECONDS = 60
Connect = Callable[[], AbstractContextManager[psycopg.Connection[Row]]]


@dataclass(frozen=True)
class Outage:
    """A time in which the database did not answer the writer, time.time()."""

    since: float
    until: float


class Load:
    """Writes on a thread of its own from `with` on, and knows exactly what was committed.

    Where a connection breaks in COMMIT, the server is asked afterwards how it ended, so the account
    is exact through crashes too.
    """

    def __init__(
        self, connect: Connect, tables: Mapping[str, Captured], rate: float, seed: int
    ) -> None:
        """`rate` is in row changes per second."""
        self._connect, self._tables = connect, tables
        self._rate, self._seed = rate, seed
        self._stop = threading.Event()
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._guarded, name="load", daemon=True)
        self._broken_since: float | None = None
        self.first_lsn = 0
        """where the WAL ended before the first change"""
        self.last_lsn: int | None = None
        """where it ended after the last; None until stop()"""
        self.commits: list[Commit] = []
        self.outages: list[Outage] = []

    def __enter__(self) -> "Load":
        self._thread.start()
        if not self._started.wait(START_SECONDS):
            raise FaultError("the load could not start: the database does not answer")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def broken_since(self) -> float | None:
        """Since when the database has not answered; None where it does."""
        return self._broken_since

    def stop(self, seconds: float = 120) -> None:
        """End the writing. Raises FaultError where the database is not back in time."""
        self._stop.set()
        self._thread.join(timeout=seconds)
        if self._thread.is_alive():
            raise FaultError("the load could not end: the database does not answer")
        if self._failure is not None:
            raise FaultError(f"the load failed: {self._failure}") from self._failure

    def changes(self) -> list[Change]:
        """What was committed so far."""
        return [change for commit in list(self.commits) for change in commit.changes]

    def _guarded(self) -> None:
        try:
            self._write()
        except BaseException as error:  # told by stop()
            self._failure = error
        finally:
            self._started.set()

    def _write(self) -> None:
        shop: Shop | None = None
        with ExitStack() as connections:
            while not (self._stop.is_set() and self._broken_since is None):
                try:
                    connection = connections.enter_context(self._connect())
                    # The server re-plans after a schema change; a prepared statement would fail.
                    connection.prepare_threshold = None
                    shop = self._begin(shop, connection)
                    self._until_stopped(shop)
                    self.last_lsn = wal_position(connection)
                except (psycopg.OperationalError, psycopg.InterfaceError, StackError):
                    self._broken_since = self._broken_since or time.time()
                    connections.close()
                    time.sleep(RETRY_SECONDS)

    def _begin(self, shop: Shop | None, connection: psycopg.Connection[Row]) -> Shop:
        """A shop, or the one that goes on with a new connection."""
        if shop is None:
            self.first_lsn = wal_position(connection)
            shop = Shop(connection, self._tables, self._seed)
            self._started.set()
        elif commit := shop.reconnect(connection):
            self.commits.append(commit)
        if self._broken_since is not None:
            self.outages.append(Outage(self._broken_since, time.time()))
            self._broken_since = None
        return shop

    def _until_stopped(self, shop: Shop) -> None:
        """Commit at the rate; after a pause nothing is made up for."""
        due = time.monotonic()
        while not self._stop.is_set():
            commit = shop.transaction()
            if commit is None:
                continue
            self.commits.append(commit)
            due = max(due, time.monotonic() - 1) + len(commit.changes) / self._rate
            self._stop.wait(max(0.0, due - time.monotonic()))
