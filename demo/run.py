"""One run of the demo: writes, reads the archive meanwhile, and compares in the end."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from clients.archive import Archive
from workload.archive import read_changes
from workload.changes import CapturedTable, Change, Journal
from workload.comparison import Comparison, RowDifference, TableComparison
from workload.progress import Log
from workload.source import Connect, present_rows, require_replication, sample_tables
from workload.timeouts import Timeouts, wait_for_archive
from workload.writer import Writer


@dataclass(frozen=True)
class Load:
    """What is written."""

    changes: int
    """rows to change, at least"""
    seed: int


@dataclass(frozen=True)
class Result:
    """What a run has shown."""

    changes: tuple[Change, ...]
    """in the order in which they were committed"""
    tables: tuple[TableComparison, ...]
    row_differences: tuple[RowDifference, ...]
    """rows whose last archived change is not what PostgreSQL has"""
    delays: dict[str, list[float]]
    """seconds from commit to archive, by table"""

    @property
    def agrees(self) -> bool:
        """Whether the archive holds exactly what was committed."""
        return all(table.agrees for table in self.tables) and not self.row_differences


def run(
    connect: Connect,
    archive: Archive,
    captured: Iterable[str],
    *,
    load: Load,
    timeouts: Timeouts,
    report: Log,
) -> Result:
    """Change rows, wait until the archive holds the changes or the time is over, and compare.

    Nobody else may write to the tables meanwhile: the archive would hold changes that the demo has
    not committed. Raises StackError where the stack cannot run the demo.
    """
    with connect() as connection:
        tables = sample_tables(connection, captured)
        require_replication(connection)
    writer = Writer(
        connect, tables, seed=load.seed, changes=load.changes, longest_outage=timeouts.arrival
    )
    with Comparison(tables.values(), keep_values=True) as comparison, writer:
        reader = Reader(archive, tables.values(), writer, comparison, report)
        while not writer.finished():
            reader.read()
            time.sleep(timeouts.poll)
        if wait_for_archive(reader.is_complete, timeouts) is not None:
            time.sleep(timeouts.settle)
            reader.read()
        with connect() as connection:
            present = present_rows(connection, tables.values(), writer.journal.keys())
        return Result(
            changes=tuple(writer.journal.changes()),
            tables=tuple(comparison.tables()),
            row_differences=tuple(comparison.row_differences(present)),
            delays=comparison.delays(),
        )


class Reader:
    """Brings a comparison up to date with what a writer has committed and the archive holds."""

    def __init__(
        self,
        archive: Archive,
        tables: Iterable[CapturedTable],
        writer: Writer,
        comparison: Comparison,
        report: Log,
    ) -> None:
        self._archive, self._tables = archive, tuple(tables)
        self._writer, self._comparison, self._report = writer, comparison, report
        self._journal: Journal = writer.journal
        self._expected = 0
        """transactions that the comparison was given"""
        self._missing = 0

    def read(self) -> None:
        """Read the archive again, and report how much of what was committed it holds."""
        finished = self._writer.finished()
        reading = read_changes(
            self._archive, self._tables, self._writer.first_lsn, self._writer.last_lsn
        )
        self._comparison.replace_archived(reading, time.time())
        commits = self._journal.commits[self._expected :]
        self._comparison.expect(commits)
        self._expected += len(commits)
        doing = "waiting for the archive" if finished else "changing rows"
        compared = self._comparison.tables()
        committed = sum(table.committed for table in compared)
        self._missing = sum(table.missing for table in compared)
        archived = committed - self._missing
        self._report(f"{doing}: {committed} changes committed, {archived} archived")

    def is_complete(self) -> bool:
        """Read again and return whether nothing is missing."""
        self.read()
        return not self._missing
