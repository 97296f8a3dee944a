"""The load above what one connection can write: batches of rows over several connections."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from bench.journal import BatchJournal, CommittedBatch
from bench.load import drop_indexes, prepare
from bench.schedule import Batch, Operation, Schedule
from bench.session import Session
from clients.stack import StackError
from workload.source import Connect

CONNECTIONS = 4
# Characters of the text columns, as the benchmark's.
WIDTH = 120
# Keys are reserved for so long; no experiment takes longer.
LONGEST_SECONDS = 3600
# After an outage, a connection is at most so far behind its rate.
BEHIND_SECONDS = 1.0
# Rows of each kind, of 100. As many are deleted as inserted, so that the tables do not grow from
# fault to fault.
MIX: Mapping[tuple[Operation, str], int] = {
    ("c", "users"): 8,
    ("c", "products"): 8,
    ("c", "orders"): 9,
    ("c", "order_items"): 10,
    ("u", "users"): 7,
    ("u", "products"): 8,
    ("u", "orders"): 10,
    ("u", "order_items"): 5,
    ("d", "users"): 8,
    ("d", "products"): 8,
    ("d", "orders"): 9,
    ("d", "order_items"): 10,
}


class BulkLoad:
    """Writes from the start of the block until its end, at most `rate` rows per second.

    What an outage has delayed is not made up for. Nobody else may change its rows.
    """

    def __init__(self, connect: Connect, rate: float, seed: int) -> None:
        self._connect = connect
        self._schedule = Schedule(LONGEST_SECONDS, rate, CONNECTIONS, seed=seed, mix=MIX)
        self._stop, self._goes_on = threading.Event(), threading.Event()
        self._goes_on.set()
        self._prepared: BatchJournal | None = None
        self._parents: list[CommittedBatch] = []
        self._connections: list[_Connection] = []

    def __enter__(self) -> "BulkLoad":
        with self._connect() as connection:
            self._prepared = prepare(connection, self._schedule, WIDTH)
        session = Session(self._connect, self._prepared, lambda: True)
        for batch in self._schedule.parents():
            if (done := session.execute(batch, time.time())) is not None:
                self._parents.append(done)
        session.close()
        interval = self._schedule.batch * CONNECTIONS / (self._schedule.rate or 1)
        for number in range(CONNECTIONS):
            session = Session(self._connect, self._prepared, lambda: not self._stop.is_set())
            batches = self._schedule.batches(number)
            own = _Connection(session, batches, interval, self._stop, self._goes_on)
            self._connections.append(own)
            own.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        with suppress(StackError), self._connect() as connection:  # of a server that stayed away
            drop_indexes(connection, self._schedule)

    @property
    def journal(self) -> BatchJournal:
        """What was committed so far. Raises StackError before the start."""
        if self._prepared is None:
            raise StackError("the bulk load has not been started")
        committed = [each for own in self._connections for each in list(own.committed)]
        return replace(self._prepared, committed=[*self._parents, *committed])

    def stop(self, seconds: float = 150) -> None:
        """Stop writing. Raises StackError if a connection failed, or does not end in time."""
        self._stop.set()
        self._goes_on.set()
        for connection in self._connections:
            connection.join(seconds)

    def pause(self, seconds: float = 60) -> None:
        """Stop writing until resume(), and wait for the end of the batches in progress.

        Raises StackError if that takes longer than `seconds`.
        """
        self._goes_on.clear()
        if not all(each.rests.wait(seconds) for each in self._connections):
            raise StackError(f"the bulk load did not pause within {seconds:g} s")

    def resume(self) -> None:
        """Go on after pause()."""
        self._goes_on.set()


class _Connection:
    """One connection's batches, written on a thread of its own."""

    def __init__(
        self,
        session: Session,
        batches: Iterator[Batch],
        interval: float,
        stop: threading.Event,
        goes_on: threading.Event,
    ) -> None:
        """`interval` is between two batches, in seconds."""
        self._session, self._batches, self._interval = session, batches, interval
        self._stop, self._goes_on = stop, goes_on
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._guarded, name="bulk-load", daemon=True)
        self.rests = threading.Event()
        """whether no batch is in progress"""
        self.committed: list[CommittedBatch] = []

    def start(self) -> None:
        self._thread.start()

    def join(self, seconds: float) -> None:
        """Wait for the end. Raises StackError if the connection failed, or does not end."""
        self._thread.join(seconds)
        if self._thread.is_alive():
            raise StackError(f"PostgreSQL did not answer the bulk load within {seconds:g} s")
        if self._failure is not None:
            raise StackError(f"the bulk load failed: {self._failure}") from self._failure

    def _guarded(self) -> None:
        try:
            self._write()
        except BaseException as error:  # raised by join()
            self._failure = error
        finally:
            self._session.close()
            self.rests.set()

    def _write(self) -> None:
        due = time.time()
        for batch in self._batches:
            if not self._goes_on.is_set():
                self.rests.set()
                self._goes_on.wait()
                self.rests.clear()
            if self._stop.wait(max(0.0, due - time.time())):
                return
            if (done := self._session.execute(batch, due)) is not None:
                self.committed.append(done)
            due = max(due, time.time() - BEHIND_SECONDS) + self._interval
