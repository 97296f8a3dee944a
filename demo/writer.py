"""Writes the demo's load in the background, and keeps the account of what was committed."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import psycopg

from clients.database import Row
from demo.changes import Captured, Change
from demo.shop import Commit, Shop, wal_position


class Writer:
    """Runs the shop on a thread of its own, so that the archive can be watched meanwhile."""

    def __init__(
        self,
        connection: psycopg.Connection[Row],
        tables: Mapping[str, Captured],
        changes: int,
        seed: int,
    ) -> None:
        """Start writing; the connection is the writer's until it has finished."""
        self._connection = connection
        self._shop = Shop(connection, tables, seed)
        self.first_lsn = wal_position(connection)
        """where the WAL ended before the first change"""
        self.last_lsn: int | None = None
        """where it ended after the last commit; None until then"""
        self.commits: list[Commit] = []
        self._writing = ThreadPoolExecutor(max_workers=1).submit(self._write, changes)

    def finished(self) -> bool:
        """Whether all is written. Raises what went wrong in the writing."""
        if self._writing.done():
            self._writing.result()
        return self._writing.done()

    def changes(self) -> list[Change]:
        """The changes committed so far."""
        return [change for commit in list(self.commits) for change in commit.changes]

    def _write(self, changes: int) -> None:
        for commit in self._shop.transactions(changes):
            self.commits.append(commit)
        self.last_lsn = wal_position(self._connection)
