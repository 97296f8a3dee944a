"""Reads the archive under a bulk load: each data file once, however often it is looked at."""

from collections.abc import Mapping
from math import inf

import pyarrow as pa
import pyarrow.compute

from bench.archive_reader import compared_columns, expect, of_load
from chaos.bulk_load import BulkLoad
from clients.archive import NO_CHANGES, Archive
from verification.archived_table import open_table
from workload.changes import CapturedTable
from workload.comparison import Comparison
from workload.differences import TableComparison

# The maintenance may delete a file between the listing and the reading.
ATTEMPTS = 3
COUNTS = "SELECT tab, count(*) FROM archived WHERE op NOT IN ('r', 't') GROUP BY tab"


class BulkArchive:
    """Compares the bulk load's rows, and is the archive of all other rows.

    A context manager: its end frees the memory.
    """

    def __init__(self, archive: Archive, load: BulkLoad, ignored: Mapping[str, str]) -> None:
        """`ignored` is by table a column that is not compared."""
        self._archive, self._load, self._ignored = archive, load, ignored
        self._comparison: Comparison | None = None
        self._read: dict[str, frozenset[str]] = {}
        self._others: dict[str, list[pa.Table]] = {}

    def __enter__(self) -> "BulkArchive":
        return self

    def __exit__(self, *_: object) -> None:
        if self._comparison is not None:
            self._comparison.close()

    def location(self, table: str) -> str:
        """Return the S3 address of the folder with the table's Parquet files."""
        return self._archive.location(table)

    def changes(
        self, table: str, since_lsn: int = 0, columns: tuple[str, ...] | None = None
    ) -> pa.Table:
        """Return the present changes of other rows of schema.table from a WAL position on."""
        self._refresh(table)
        if not (others := self._others.get(table)):
            return NO_CHANGES
        rows = pa.concat_tables(others, promote_options="permissive")
        rows = rows.filter(pyarrow.compute.greater_equal(rows.column("__source_lsn"), since_lsn))
        return rows if columns is None else rows.select(list(columns))

    def outstanding(self, until: float) -> int:
        """Return how many rows have not arrived of those that were committed until then.

        Rows are only counted, and those that changes() has read last.
        """
        due: dict[str, int] = {}
        for each in self._load.journal.committed:
            if each.at <= until:
                name = f"{each.batch.schema}.{each.batch.table}"
                due[name] = due.get(name, 0) + each.batch.rows
        found = dict(self._compared().database.execute(COUNTS).fetchall())
        return sum(max(0, rows - found.get(table, 0)) for table, rows in due.items())

    def tables(self, until: float = inf) -> list[TableComparison]:
        """Compare what changes() has read last with what was committed until then, by table."""
        comparison = self._compared()
        comparison.database.execute("DELETE FROM expected")
        expect(comparison, self._load.journal, until, self._ignored)
        return comparison.tables()

    def differing(self, complete_from: int) -> int:
        """Return how many rows' last archived change is not their last committed one.

        Archived changes before a WAL position are left out. Call tables() before.
        """
        return len(self._compared().last_differences(complete_from))

    def _compared(self) -> Comparison:
        """Return the comparison; the first call must come after the load's start."""
        if self._comparison is None:
            tables = [
                CapturedTable(
                    name,
                    tuple(
                        column
                        for column in compared_columns(name)
                        if column != self._ignored.get(name)
                    ),
                )
                for name in self._load.journal.tables
            ]
            self._comparison = Comparison(tables, ignore_reads=True)
        return self._comparison

    def _refresh(self, table: str) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._read_new_files(table)
            except FileNotFoundError:
                if attempt == ATTEMPTS:
                    raise
            else:
                return

    def _read_new_files(self, table: str) -> None:
        """Read the files that were added since; all of them if some were replaced since."""
        journal, comparison = self._load.journal, self._compared()
        archived = open_table(self._archive, table, journal.first_lsn)
        if archived is None:
            return
        read = self._read.get(table, frozenset())
        if read - archived.paths:
            read = frozenset()
        if not read:
            comparison.database.execute("DELETE FROM archived WHERE tab = ?", [table])
            self._others[table] = []
        # An attempt that fails is made again from the start.
        self._read[table] = frozenset()
        for rows in archived.chunks(archived.paths - read, None):
            self._add(table, rows)
        self._read[table] = archived.paths

    def _add(self, table: str, rows: pa.Table) -> None:
        """Add the load's rows to the comparison, others to changes(), and a TRUNCATE to both."""
        compute = pyarrow.compute
        rows = rows.filter(
            compute.greater_equal(rows.column("__source_lsn"), self._load.journal.first_lsn)
        )
        own = of_load(self._load.journal, table, rows)
        self._compared().add_archived(table, rows.filter(compute.fill_null(own, True)), 0)
        self._others[table].append(rows.filter(compute.invert(compute.fill_null(own, False))))
