"""One run of the demo: writes, reads the archive meanwhile, and compares in the end."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from clients.archive import Archive
from workload.archive import ArchiveReader
from workload.changes import Change
from workload.differences import RowDifference, TableComparison
from workload.progress import Log
from workload.source import Connect, require_replication, sample_tables
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
    not committed. Raises StackError if the stack cannot run the demo.
    """
    with connect() as connection:
        tables = sample_tables(connection, captured)
        require_replication(connection)
    writer = Writer(
        connect, tables, seed=load.seed, changes=load.changes, longest_outage=timeouts.arrival
    )
    with ArchiveReader(archive, tables.values(), writer, keep_values=True) as reader, writer:

        def is_complete(doing: str = "waiting for the archive") -> bool:
            complete = reader.is_complete()
            archived = reader.committed - reader.missing
            report(f"{doing}: {reader.committed} changes committed, {archived} archived")
            return complete

        while not writer.finished():
            is_complete("changing rows")
            time.sleep(timeouts.poll)
        if wait_for_archive(is_complete, timeouts) is not None:
            time.sleep(timeouts.settle)
            reader.read()
        return Result(
            changes=tuple(writer.journal.changes()),
            tables=tuple(reader.tables),
            row_differences=tuple(reader.row_differences(connect)),
            delays=reader.delays(),
        )
