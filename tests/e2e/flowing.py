"""Rows that are changed without a pause while something else happens to the pipeline."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import psycopg
from demo.changes import Captured, Change
from demo.comparison import Comparison, compare
from demo.shop import Commit, Shop, wal_position
from demo.watching import Patience, watch

from clients import database
from clients.archive import Archive
from clients.database import Row
from clients.stack import StackOutputs
from demo.run import read_archive, require_replication, sample_tables

PAUSE_SECONDS = 0.05
"""between two transactions: some 50 rows a second, so that others get the CPU"""


class Flow:
    """The demo's shop, open until it is told to close; keeps the account of what it committed."""

    def __init__(
        self, connection: psycopg.Connection[Row], tables: dict[str, Captured], seed: int
    ) -> None:
        self.tables = tables
        self.first_lsn = wal_position(connection)
        self.last_lsn: int | None = None
        self.commits: list[Commit] = []
        self._connection = connection
        self._closing = Event()
        self._writing = ThreadPoolExecutor(max_workers=1).submit(self._write, seed)

    def close(self) -> None:
        """Stop writing. Raises what went wrong in the writing."""
        self._closing.set()
        self._writing.result()

    def finished(self) -> bool:
        return self._writing.done()

    def changes(self) -> list[Change]:
        return [change for commit in list(self.commits) for change in commit.changes]

    def compared(self, archive: Archive, patience: Patience) -> Comparison:
        """What was committed against what is archived, once it is or the patience is over."""
        archived, _ = watch(
            lambda: read_archive(archive, self.tables.values(), self.first_lsn, self.last_lsn),
            self,
            patience,
            lambda *_: None,
        )
        return compare(self.changes(), [each.change for each in archived])

    def _write(self, seed: int) -> None:
        shop = Shop(self._connection, self.tables, seed)
        while not self._closing.wait(PAUSE_SECONDS):
            self.commits.extend(shop.transactions(1))
        self.last_lsn = wal_position(self._connection)


@contextmanager
def flowing(outputs: StackOutputs, seed: int = 7) -> Iterator[Flow]:
    """Rows flow until the end of the block."""
    with database.connect(outputs) as connection:
        require_replication(connection)
        flow = Flow(connection, sample_tables(connection, outputs.tables), seed)
        try:
            yield flow
        finally:
            flow.close()
