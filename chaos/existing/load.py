"""Rows that are inserted into the sample database shop, each with a path of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from chaos.pipeline import FaultError
from sample_databases.server import SampleServer
from workload.background import Background

ROWS = 5
PAUSE_SECONDS = 0.1
# The table has no primary key, so a row that arrives twice is seen in it twice.
INSERT = "INSERT INTO page_views (at, path) VALUES (clock_timestamp(), %s)"
COMMITTED = "SELECT path FROM page_views WHERE path LIKE %s"


class VisitLoad:
    """Inserts about 50 rows a second on a thread, and connects again where the server was away."""

    def __init__(self, server: SampleServer, run: str) -> None:
        """`run` is what the paths begin with."""
        self.server, self._run = server, run
        self._written = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Insert rows until the end of the block.

        Raises FaultError if the load failed, or the server does not answer its last transaction.
        """
        with Background(self._write, name="the load of visits", error=FaultError):
            yield

    def committed(self) -> list[str]:
        """Return the paths that the server has now."""
        with self.server.connect() as connection:
            return [str(path) for (path,) in connection.execute(COMMITTED, [f"{self._run}/%"])]

    def _write(self, stop: threading.Event) -> None:
        while not stop.wait(PAUSE_SECONDS):
            try:
                self._insert(stop)
            except psycopg.OperationalError:
                # The server is away: what it has committed is asked at the end.
                continue

    def _insert(self, stop: threading.Event) -> None:
        with self.server.connect() as connection:
            while not stop.wait(PAUSE_SECONDS):
                # No number is used again: a commit in doubt is not repeated.
                first, self._written = self._written, self._written + ROWS
                with connection.transaction(), connection.cursor() as cursor:
                    cursor.executemany(INSERT, [[f"{self._run}/{first + n}"] for n in range(ROWS)])
