"""Runs a schedule against PostgreSQL over many connections."""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import psycopg
from psycopg import sql

from bench.account import Account, Committed
from bench.content import TABLES, Content
from bench.plan import Batch, Schedule
from bench.session import Connect, Session
from clients.database import Row
from demo.shop import CHILDREN, wal_position

INDEXES = [(child, column) for children in CHILDREN.values() for child, column in children]
"""Foreign keys. The design's schema has no index on them, so that each delete of a user, product or
order reads the whole table of its children; the load makes them for as long as it runs."""


class Load:
    """A schedule being run. Used as a context manager: the end of the block stops what still runs.

    Nobody else may change the rows that it inserts.
    """

    def __init__(self, connect: Connect, schedule: Schedule, width: int = 120) -> None:
        """Make ready: keys are reserved, and the rows that others refer to are inserted."""
        self._connect, self._schedule = connect, schedule
        self._stopping = threading.Event()
        self._threads = ThreadPoolExecutor(schedule.connections, thread_name_prefix="load")
        self._running: list[Future[None]] = []
        self._finished: list[list[Committed]] = [[] for _ in range(schedule.connections)]
        with connect() as connection:
            self.account = _prepare(connection, schedule, width)
        session = Session(connect, self.account, lambda: True)
        for batch in schedule.parents():
            self._keep(self.account.committed, session, batch, time.time())
        session.close()

    def __enter__(self) -> "Load":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._threads.shutdown()
        with self._connect() as connection:
            _drop_indexes(connection, self._schedule)

    def start(self) -> None:
        """Begin the schedule now."""
        self.account.started = time.time()
        self._running = [
            self._threads.submit(self._run, number) for number in range(self._schedule.connections)
        ]

    def stop(self) -> None:
        """Begin no further batch."""
        self._stopping.set()

    def wait(self) -> Account:
        """The whole account, when the schedule is over or stopped.

        Raises psycopg.Error or StackError where a connection could not go on.
        """
        for each in self._running:
            each.result()
        self.account.finished = time.time()
        self.account.committed += [each for those in self._finished for each in those]
        self._finished = []
        return self.account

    def rows(self) -> int:
        """Rows committed so far."""
        return sum(each.batch.rows for those in self._finished for each in those)

    @property
    def running(self) -> bool:
        """Whether a connection is still at work."""
        return not all(each.done() for each in self._running)

    def _run(self, number: int) -> None:
        cpu = time.thread_time()
        session = Session(self._connect, self.account, lambda: not self._stopping.is_set())
        start, own = self.account.started, self._finished[number]
        for batch in self._schedule.plan(number):
            due = start + batch.due
            if self._schedule.rate is None:
                due = time.time()
            if self._stopping.wait(max(0.0, due - time.time())) or self._is_over():
                break
            self._keep(own, session, batch, due)
        session.close()
        self.account.retried += session.retried
        self.account.cpu_seconds += time.thread_time() - cpu

    def _is_over(self) -> bool:
        """A load without a rate has no other end than the time's."""
        elapsed = time.time() - self.account.started
        return self._schedule.rate is None and elapsed >= self._schedule.seconds

    @staticmethod
    def _keep(account: list[Committed], session: Session, batch: Batch, due: float) -> None:
        if (committed := session.execute(batch, due)) is not None:
            account.append(committed)


def _prepare(connection: psycopg.Connection[Row], schedule: Schedule, width: int) -> Account:
    """Reserve the keys of a run, so that they tell its rows from all others."""
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
    content = replace(Content(run=f"{lsn:x}"), width=width, seed=schedule.seed)
    return Account(schedule, content, first_keys, lsn)


def _drop_indexes(connection: psycopg.Connection[Row], schedule: Schedule) -> None:
    for schema in schedule.schemas:
        for index, _, _ in _indexes(schema):
            name = sql.SQL(".").join([sql.Identifier(schema), index])
            connection.execute(sql.SQL("DROP INDEX IF EXISTS {}").format(name))


def _indexes(schema: str) -> list[tuple[sql.Identifier, sql.Identifier, str]]:
    return [
        (sql.Identifier(f"bench_{table}_{column}"), sql.Identifier(schema, table), column)
        for table, column in INDEXES
    ]
