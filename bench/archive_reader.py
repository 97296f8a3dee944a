"""Reads a load's rows from the archive into a comparison, and waits until all have arrived."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import inf

import pyarrow as pa
import pyarrow.compute

from bench.iceberg_files import DataFile, IcebergFiles
from bench.journal import BatchJournal
from bench.row_values import COLUMNS, TIMESTAMPS, expected_columns
from clients.archive import ArchiveCommit
from workload.changes import CapturedTable
from workload.comparison import Comparison
from workload.timeouts import Timeouts, wait_for_archive

# Seconds by which the sink's clock may be behind the generator's.
CLOCK_SKEW = 5.0

# Each row's operation and values follow from the journal's ranges of keys. A delete has the values
# of the row's last insert or update; created_at is that of its insert.
EXPECTED = """
WITH changes AS (SELECT unnest(range(first, first + count)) AS __key, number, operation AS __op,
    version, written_us, due AS __due, confirmed AS __confirmed FROM batches)
SELECT __key, __op, version, __due, __confirmed,
    first_value(written_us) OVER life AS created_at,
    CASE WHEN __op = 'd' THEN lag(written_us) OVER life ELSE written_us END AS updated_at
FROM changes WINDOW life AS (PARTITION BY __key ORDER BY number)
"""


def expected_rows(journal: BatchJournal) -> Comparison:
    """Return a comparison that expects what a load has committed."""
    comparison = Comparison(
        CapturedTable(table, compared_columns(table)) for table in journal.tables
    )
    expect(comparison, journal)
    return comparison


def compared_columns(table: str) -> tuple[str, ...]:
    """Return the columns of schema.table whose values the load determines."""
    return (*COLUMNS[_name(table)], *TIMESTAMPS[_name(table)])


def expect(
    comparison: Comparison,
    journal: BatchJournal,
    until: float = inf,
    ignored: Mapping[str, str] | None = None,
) -> None:
    """Add what a load has committed until then (time.time()) to a comparison.

    `ignored` is by table a column that the comparison does not have.
    """
    comparison.database.execute("SET VARIABLE texts = ?", [journal.values.texts])
    query = EXPECTED if until == inf else f"FROM ({EXPECTED}) WHERE __confirmed <= {until!r}"
    for table in journal.tables:
        parents = journal.parents(table.partition(".")[0])
        values = expected_columns(journal.values, _name(table), parents)
        columns = dict(zip(compared_columns(table), values, strict=True))
        columns.pop((ignored or {}).get(table, ""), None)
        comparison.database.register("batches", journal.batches(table))
        comparison.expect_query(table, query, tuple(columns.values()))
        comparison.database.unregister("batches")


def add_archived(
    comparison: Comparison, journal: BatchJournal, table: str, rows: pa.Table, readable: float
) -> int:
    """Add archived rows of schema.table to a comparison, without those that the load did not make.

    `readable` is since when they are, in seconds since 1970. Return how many were added.
    """
    own = rows.filter(of_load(journal, table, rows))
    comparison.add_archived(table, own, readable)
    return int(own.num_rows)


def of_load(journal: BatchJournal, table: str, rows: pa.Table) -> pa.ChunkedArray:
    """Return which rows of schema.table the load has made; NULL for a TRUNCATE."""
    first, compute = journal.first_keys[table], pyarrow.compute
    keys = rows.column("id")
    return compute.and_(
        compute.greater_equal(keys, first), compute.less(keys, first + journal.schedule.keys)
    )


@contextmanager
def archived_rows(
    files: IcebergFiles,
    journal: BatchJournal,
    timeouts: Timeouts,
    settle: Callable[[float], None] = time.sleep,
) -> Iterator[Comparison]:
    """Give a comparison with everything that the archive holds of a load.

    It is complete if everything has arrived within the timeouts. `settle` gets the seconds that
    pass before the last reading, and may use them.
    """
    with expected_rows(journal) as comparison:
        reader = _Reader(files, journal, comparison)
        if wait_for_archive(reader.is_complete, timeouts) is not None:
            settle(timeouts.settle)
        reader.read()
        yield comparison


def wait_for_rows(
    files: IcebergFiles, journal: BatchJournal, timeouts: Timeouts
) -> Mapping[str, int]:
    """Wait until as many rows of each table are readable as were committed; only metadata is read.

    A table that is complete is not read again: with hundreds of tables, reading all of them every
    time would take more of the catalog's time than the sink's commits.

    Return the rows that each table still lacks when the time is over; none if all have arrived.
    """
    missing = journal.rows_by_table()

    def lacking(table: str) -> int:
        rows = sum(commit.rows for commit in files.commits(table, journal.began))
        return missing[table] - rows

    def is_complete() -> bool:
        for table in list(missing):
            if lacking(table) > 0:
                return False
            del missing[table]
        return True

    if wait_for_archive(is_complete, timeouts) is not None:
        return {}
    return {table: rows for table in missing if (rows := lacking(table)) > 0}


def commits_of(files: IcebergFiles, journal: BatchJournal) -> list[ArchiveCommit]:
    """Return the archive's commits since the load's first row; earlier ones are of its warm-up."""
    return [each for table in journal.tables for each in files.commits(table, journal.began)]


class _Reader:
    """Reads each data file once, when it has become readable."""

    def __init__(self, files: IcebergFiles, journal: BatchJournal, comparison: Comparison) -> None:
        self._files, self._journal, self._comparison = files, journal, comparison
        self._read: set[DataFile] = set()
        self._missing = journal.rows_by_table()
        self._since = journal.began - CLOCK_SKEW

    def is_complete(self) -> bool:
        """Read tables until one lacks rows; those that are complete are not read again."""
        for table in list(self._missing):
            self._missing[table] -= self._new_rows(table)
            if self._missing[table] > 0:
                return False
            del self._missing[table]
        return True

    def read(self) -> None:
        """Read what is new in any table."""
        for table in self._journal.tables:
            self._new_rows(table)

    def _new_rows(self, table: str) -> int:
        columns = compared_columns(table)
        added = 0
        for file in self._files.files(table, self._since):
            if file not in self._read:
                self._read.add(file)
                rows = self._files.rows(table, file, columns)
                added += add_archived(self._comparison, self._journal, table, rows, file.readable)
        return added


def _name(table: str) -> str:
    return table.rsplit(".", maxsplit=1)[-1]
