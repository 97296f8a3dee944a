"""Rows that are changed without a pause while something else happens to the pipeline."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from clients import database
from clients.archive import Archive
from clients.stack import StackOutputs
from workload.archive import ArchiveReader
from workload.changes import CapturedTable, Change
from workload.differences import TableComparison
from workload.source import require_replication, sample_tables
from workload.timeouts import Timeouts, wait_for_archive
from workload.writer import Writer

# Rows per second, so that the pipeline gets the CPU.
RATE = 100


@dataclass(frozen=True)
class Flow:
    """A writer and the tables that it changes."""

    writer: Writer
    tables: tuple[CapturedTable, ...]

    def changes(self) -> list[Change]:
        """Return what was committed so far."""
        return self.writer.journal.changes()

    def compared(self, archive: Archive, timeouts: Timeouts) -> list[TableComparison]:
        """Compare what was committed with what is archived, once it is or the time is over."""
        with ArchiveReader(archive, self.tables, self.writer) as reader:
            if wait_for_archive(reader.is_complete, timeouts) is not None:
                time.sleep(timeouts.settle)
                reader.read()
            return reader.tables


@contextmanager
def flowing(outputs: StackOutputs, seed: int = 7) -> Iterator[Flow]:
    """Rows flow until the end of the block. A lost connection is an error where it stays lost."""
    with database.connect(outputs) as connection:
        require_replication(connection)
        tables = sample_tables(connection, outputs.tables)
    with Writer(lambda: database.connect(outputs), tables, seed=seed, rate=RATE) as writer:
        yield Flow(writer, tuple(tables.values()))
