"""Reads a load's rows from the archive into a comparison, and waits until all have arrived."""

import time
from collections.abc import Iterator, Mapping
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
) -> None:
    """Add archived rows of schema.table to a comparison, without those that the load did not make.

    `readable` is since when they are, in seconds since 1970.
    """
    comparison.add_archived(table, rows.filter(of_load(journal, table, rows)), readable)


def of_load(journal: BatchJournal, table: str, rows: pa.Table) -> pa.ChunkedArray:
    """Return which rows of schema.table the load has made; NULL for a TRUNCATE."""
    first, compute = journal.first_keys[table], pyarrow.compute
    keys = rows.column("id")
    return compute.and_(
        compute.greater_equal(keys, first), compute.less(keys, first + journal.schedule.keys)
    )


@contextmanager
def archived_rows(
    files: IcebergFiles, journal: BatchJournal, timeouts: Timeouts
) -> Iterator[Comparison]:
    """Give a comparison with everything that the archive holds of a load.

    It is complete if everything has arrived within the timeouts.
    """
    with expected_rows(journal) as comparison:
        reader = _Reader(files, journal, comparison)
        if wait_for_archive(reader.is_complete, timeouts) is not None:
            time.sleep(timeouts.settle)
            reader.read()
        yield comparison


def wait_for_rows(files: IcebergFiles, journal: BatchJournal, timeouts: Timeouts) -> None:
    """Wait until as many rows are readable as were committed; only metadata is read."""

    def is_complete() -> bool:
        return sum(commit.rows for commit in commits_of(files, journal)) >= journal.rows

    wait_for_archive(is_complete, timeouts)


def commits_of(files: IcebergFiles, journal: BatchJournal) -> list[ArchiveCommit]:
    """Return the archive's commits since the load's first row; earlier ones are of its warm-up."""
    return [each for table in journal.tables for each in files.commits(table, journal.began)]


class _Reader:
    """Reads each data file once, when it has become readable."""

    def __init__(self, files: IcebergFiles, journal: BatchJournal, comparison: Comparison) -> None:
        self._files, self._journal, self._comparison = files, journal, comparison
        self._read: set[DataFile] = set()
        self._since = journal.began - CLOCK_SKEW

    def is_complete(self) -> bool:
        self.read()
        return self._comparison.archived_rows() >= self._journal.rows

    def read(self) -> None:
        for table in self._journal.tables:
            columns = compared_columns(table)
            for file in self._files.files(table, self._since):
                if file not in self._read:
                    self._read.add(file)
                    rows = self._files.rows(table, file, columns)
                    add_archived(self._comparison, self._journal, table, rows, file.readable)


def _name(table: str) -> str:
    return table.rsplit(".", maxsplit=1)[-1]
