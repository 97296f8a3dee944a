"""Writes the shop's load on a thread of its own, and survives lost connections."""

import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from math import inf

import psycopg

from clients.database import Row
from clients.stack import StackError
from workload.changes import CapturedTable, Commit, Journal
from workload.shop import Shop
from workload.source import Connect, wal_position

RETRY_SECONDS = 0.5
START_SECONDS = 60.0


class Writer:
    """Writes from the start of the block until its end, or until `changes` rows were changed.

    The journal has every committed transaction: if a connection breaks in COMMIT, the server is
    asked afterwards whether the transaction was committed.
    """

    def __init__(
        self,
        connect: Connect,
        tables: Mapping[str, CapturedTable],
        *,
        seed: int,
        changes: float = inf,
        rate: float = inf,
        longest_outage: float = inf,
    ) -> None:
        """Write at least `changes` rows, at most `rate` per second.

        A database that is away for `longest_outage` seconds is an error.
        """
        self._connect, self._tables, self._seed = connect, tables, seed
        self._changes, self._rate, self._longest_outage = changes, rate, longest_outage
        self._stop = threading.Event()
        self._goes_on = threading.Event()
        self._goes_on.set()
        self._rests = threading.Event()
        self._started = threading.Event()
        self._done = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._guarded, name="writer", daemon=True)
        self.journal = Journal()
        self.outages: list[float] = []
        """seconds for which the database did not answer"""
        self.broken_since: float | None = None
        """time.time() since which the database has not answered; None if it does"""
        self.first_lsn = 0
        """where the WAL ended before the first change"""
        self.last_lsn: int | None = None
        """where the WAL ended after the last commit; None until then"""

    def __enter__(self) -> "Writer":
        self._thread.start()
        if not self._started.wait(START_SECONDS):
            self._stop.set()
            raise StackError(f"PostgreSQL did not answer the writer within {START_SECONDS:g} s")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self, seconds: float = 120) -> None:
        """Stop writing.

        Raises StackError if the writer failed, or the database does not answer for so long.
        """
        self._stop.set()
        self._goes_on.set()
        self._thread.join(timeout=seconds)
        if self._thread.is_alive():
            raise StackError(f"PostgreSQL did not answer the writer's last commit in {seconds:g} s")
        self._raise_failure()

    def pause(self, seconds: float = 60) -> None:
        """Stop writing until resume(), and wait for the end of the transaction in progress.

        Raises StackError if that takes longer than `seconds`.
        """
        self._goes_on.clear()
        if not self._rests.wait(seconds) and not self._done.is_set():
            raise StackError(f"the writer did not pause within {seconds:g} s")

    def resume(self) -> None:
        """Go on after pause()."""
        self._goes_on.set()

    def finished(self) -> bool:
        """Return whether everything is written. Raises StackError if the writer failed."""
        done = self._done.is_set()
        self._raise_failure()
        return done

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise StackError(f"the writer failed: {self._failure}") from self._failure

    def _guarded(self) -> None:
        try:
            self._write()
        except BaseException as error:  # raised by stop() and finished()
            self._failure = error
        finally:
            self._started.set()
            self._done.set()

    def _write(self) -> None:
        shop: Shop | None = None
        with ExitStack() as connections:
            while self.last_lsn is None and not (self._stop.is_set() and shop is None):
                try:
                    connection = connections.enter_context(self._connect())
                    # The server re-plans after a schema change; a prepared statement would fail.
                    connection.prepare_threshold = None
                    shop = self._begin(shop, connection)
                    self._until_done(shop)
                    self.last_lsn = wal_position(connection)
                except (psycopg.OperationalError, psycopg.InterfaceError, StackError):
                    self.broken_since = self.broken_since or time.time()
                    if time.time() - self.broken_since > self._longest_outage:
                        raise
                    connections.close()
                    time.sleep(RETRY_SECONDS)

    def _begin(self, shop: Shop | None, connection: psycopg.Connection[Row]) -> Shop:
        """Open a shop, or go on with one over a new connection."""
        if shop is None:
            self.first_lsn = wal_position(connection)
            shop = Shop(connection, self._tables, self._seed)
            self._started.set()
        elif commit := shop.reconnect(connection):
            self.journal.commits.append(commit)
        if self.broken_since is not None:
            self.outages.append(time.time() - self.broken_since)
            self.broken_since = None
        return shop

    def _until_done(self, shop: Shop) -> None:
        """Commit at the rate. What an outage has delayed is not made up for."""
        due, written = time.monotonic(), self.journal.rows
        while written < self._changes and not self._stop.is_set():
            if not self._goes_on.is_set():
                self._rests.set()
                self._goes_on.wait()
                self._rests.clear()
                continue
            commit: Commit | None = shop.transaction()
            if commit is None:
                continue
            self.journal.commits.append(commit)
            written += len(commit.changes)
            due = max(due, time.monotonic() - 1) + len(commit.changes) / self._rate
            self._stop.wait(max(0.0, due - time.monotonic()))
