"""Runs a schedule against PostgreSQL over many connections."""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import psycopg
from psycopg import sql

from bench.journal import BatchJournal, CommittedBatch
from bench.row_values import TABLES, RowValues
from bench.schedule import Batch, Schedule
from bench.session import Session
from clients.database import Row
from workload.schema import CHILDREN
from workload.source import Connect, wal_position

# Foreign keys. The design's schema has no index on them, so each delete of a user, product or
# order would read the whole table of its children. The load creates the indexes and drops them.
INDEXES = [(child, column) for children in CHILDREN.values() for child, column in children]


class Load:
    """Runs a schedule. A context manager: the end of the block stops what still runs.

    Nobody else may change the rows that it inserts.
    """

    def __init__(self, connect: Connect, schedule: Schedule, width: int = 120) -> None:
        """Reserve the keys, and insert the rows that other rows refer to."""
        self._connect, self._schedule = connect, schedule
        self._stopping = threading.Event()
        self._threads = ThreadPoolExecutor(schedule.connections, thread_name_prefix="load")
        self._running: list[Future[None]] = []
        self._finished: list[list[CommittedBatch]] = [[] for _ in range(schedule.connections)]
        with connect() as connection:
            self.journal = prepare(connection, schedule, width)
        session = Session(connect, self.journal, lambda: True)
        for batch in schedule.parents():
            self._execute(self.journal.committed, session, batch, time.time())
        session.close()

    def __enter__(self) -> "Load":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._threads.shutdown()
        with self._connect() as connection:
            drop_indexes(connection, self._schedule)

    def start(self) -> None:
        """Begin the schedule now."""
        self.journal.started = time.time()
        self._running = [
            self._threads.submit(self._run, number) for number in range(self._schedule.connections)
        ]

    def stop(self) -> None:
        """Let no further batch begin."""
        self._stopping.set()

    def wait(self) -> BatchJournal:
        """Return the whole journal when the schedule is over or stopped.

        Raises psycopg.Error or StackError if a connection failed for good.
        """
        for each in self._running:
            each.result()
        self.journal.finished = time.time()
        self.journal.committed += [each for own in self._finished for each in own]
        self._finished = []
        return self.journal

    def rows(self) -> int:
        """Return how many rows were committed so far."""
        return sum(each.batch.rows for own in self._finished for each in own)

    @property
    def running(self) -> bool:
        """Whether a connection still has batches to run."""
        return not all(each.done() for each in self._running)

    def _run(self, number: int) -> None:
        cpu = time.thread_time()
        session = Session(self._connect, self.journal, lambda: not self._stopping.is_set())
        start, own = self.journal.started, self._finished[number]
        for batch in self._schedule.batches(number):
            due = start + batch.due
            if self._schedule.rate is None:
                due = time.time()
            if self._stopping.wait(max(0.0, due - time.time())) or self._is_over():
                break
            self._execute(own, session, batch, due)
        session.close()
        self.journal.retried += session.retried
        self.journal.cpu_seconds += time.thread_time() - cpu

    def _is_over(self) -> bool:
        """Return whether the time of a load without a rate is over."""
        elapsed = time.time() - self.journal.started
        return self._schedule.rate is None and elapsed >= self._schedule.seconds

    @staticmethod
    def _execute(
        committed: list[CommittedBatch], session: Session, batch: Batch, due: float
    ) -> None:
        if (done := session.execute(batch, due)) is not None:
            committed.append(done)


def prepare(connection: psycopg.Connection[Row], schedule: Schedule, width: int) -> BatchJournal:
    """Reserve keys that no other run uses, and create the indexes."""
    lsn = wal_position(connection)
    first_keys: dict[str, int] = {}
    for schema in schedule.schemas:
        for table in TABLES:
            name = f"{schema}.{table}"
            sequence = sql.Literal(f"{schema}.{table}_id_seq")
            row = connection.execute(
                sql.SQL("SELECT setval({0}, nextval({0}) + {1}) - {1} AS first").format(
                    sequence, sql.Literal(schedule.keys)
                )
            ).fetchone()
            first_keys[name] = int((row or {})["first"])
        for index, child, column in _indexes(schema):
            connection.execute(
                sql.SQL("CREATE INDEX IF NOT EXISTS {} ON {} ({})").format(
                    index, child, sql.Identifier(column)
                )
            )
    values = replace(RowValues(run=f"{lsn:x}"), width=width, seed=schedule.seed)
    return BatchJournal(schedule, values, first_keys, lsn)


def drop_indexes(connection: psycopg.Connection[Row], schedule: Schedule) -> None:
    """Drop the indexes that prepare() creates, if they exist."""
    for schema in schedule.schemas:
        for index, _, _ in _indexes(schema):
            name = sql.SQL(".").join([sql.Identifier(schema), index])
            connection.execute(sql.SQL("DROP INDEX IF EXISTS {}").format(name))


def _indexes(schema: str) -> list[tuple[sql.Identifier, sql.Identifier, str]]:
    return [
        (sql.Identifier(f"bench_{table}_{column}"), sql.Identifier(schema, table), column)
        for table, column in INDEXES
    ]
