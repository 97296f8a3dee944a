"""Compares what a writer has committed with what the archive holds, reading after reading."""

import time
from collections.abc import Iterable
from math import inf

import pyarrow as pa
import pyarrow.compute

from clients.archive import Archive
from workload.changes import CapturedTable
from workload.comparison import READ, Comparison
from workload.differences import RowDifference, TableComparison
from workload.source import Connect, present_rows
from workload.writer import Writer


class ArchiveReader:
    """Reads all archived changes of a writer's time. A context manager: the end frees the memory.

    The tables' differences, counts and delays are those of the last reading.
    """

    def __init__(
        self,
        archive: Archive,
        tables: Iterable[CapturedTable],
        writer: Writer,
        *,
        keep_values: bool = False,
        ignore_snapshots: bool = False,
    ) -> None:
        """`keep_values` as in Comparison.

        With `ignore_snapshots` the rows that a snapshot has read meanwhile or later are no changes,
        but show the rows' state.
        """
        self._archive, self._tables = archive, tuple(tables)
        self._writer, self._ignore_snapshots = writer, ignore_snapshots
        self._comparison = Comparison(
            self._tables, keep_values=keep_values, ignore_reads=ignore_snapshots
        )
        self._expected = 0
        self.tables: list[TableComparison] = []

    def __enter__(self) -> "ArchiveReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._comparison.close()

    @property
    def committed(self) -> int:
        """Rows that were committed before the last reading."""
        return sum(table.committed for table in self.tables)

    @property
    def missing(self) -> int:
        """Rows that were committed and are not archived."""
        return sum(table.missing for table in self.tables)

    def read(self, until: float = inf) -> None:
        """Read the archive again; compare it with what was committed until then (time.time())."""
        last_lsn = self._writer.last_lsn
        archived = {
            table.name: self._archive.changes(table.name, since_lsn=self._writer.first_lsn)
            for table in self._tables
        }
        if last_lsn is not None:
            archived = {name: self._until(rows, last_lsn) for name, rows in archived.items()}
        self._comparison.replace_archived(archived, time.time())
        commits = self._writer.journal.until(until)[self._expected :]
        self._comparison.expect(commits)
        self._expected += len(commits)
        self.tables = self._comparison.tables()

    def is_complete(self, until: float = inf) -> bool:
        """Read the archive again and return whether nothing is missing of what was committed."""
        self.read(until)
        return not self.missing

    def delays(self) -> dict[str, list[float]]:
        """Return the seconds from commit to the first reading of what has arrived, by table."""
        return self._comparison.delays()

    def row_differences(self, connect: Connect, complete_from: int = 0) -> list[RowDifference]:
        """Compare the rows that the writer has changed with those that PostgreSQL has now.

        Archived changes before the WAL position `complete_from` are left out.
        """
        with connect() as connection:
            present = present_rows(connection, self._tables, self._writer.journal.keys())
        return self._comparison.row_differences(present, complete_from)

    def _until(self, rows: pa.Table, last_lsn: int) -> pa.Table:
        """Leave out what others have changed since the writer's end."""
        kept = pyarrow.compute.less(rows.column("__source_lsn"), last_lsn)
        if self._ignore_snapshots:
            kept = pyarrow.compute.or_(kept, pyarrow.compute.equal(rows.column("__op"), READ))
        return rows.filter(kept)
