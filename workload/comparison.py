"""Compares the archive with what was committed: by table, key, operation and every value.

DuckDB holds a 64-bit hash of each change's values, so that millions of rows can be compared. An
integer and a text with the same digits differ; integers of different widths do not.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from clients.database import Row
from workload.changes import CapturedTable, Change, Commit
from workload.differences import Example, RowDifference, TableComparison

# How many of each kind of difference are kept as examples.
EXAMPLES = 5
# The counts of a table without rows.
NOTHING = (0, 0, 0, 0, 0)
# Debezium's __op of a row that a snapshot has read.
READ = "r"

TABLES = """
CREATE TABLE expected (tab VARCHAR, key BIGINT, op VARCHAR, digest UBIGINT,
    due DOUBLE, confirmed DOUBLE);
CREATE TABLE archived (tab VARCHAR, key BIGINT, op VARCHAR, digest UBIGINT,
    lsn BIGINT, readable DOUBLE);
CREATE TABLE contents (digest UBIGINT PRIMARY KEY, content VARCHAR);
"""

# How often each change was committed (made) and archived (found).
COUNTED = """
WITH made AS (SELECT tab, key, op, digest, count(*) AS n FROM expected GROUP BY ALL),
found AS (SELECT tab, key, op, digest, count(*) AS n FROM archived
    WHERE NOT $ignore_reads OR op IS NULL OR op NOT IN ('r', 't') GROUP BY ALL),
counted AS (SELECT tab, key, op, digest, coalesce(made.n, 0) AS made, coalesce(found.n, 0) AS found
    FROM made FULL JOIN found USING (tab, key, op, digest))
"""
TOTALS = (
    COUNTED
    + """
SELECT tab, coalesce(sum(made), 0), coalesce(sum(found), 0),
    coalesce(sum(greatest(made - found, 0)), 0),
    coalesce(sum(greatest(found - made, 0)) FILTER (made > 0), 0),
    coalesce(sum(found) FILTER (made = 0), 0)
FROM counted GROUP BY tab
"""
)
DIFFERENT = (
    COUNTED
    + """
SELECT tab, CASE WHEN made > found THEN 'missing' WHEN made > 0 THEN 'duplicated' ELSE 'altered' END
    AS kind, key, op, content
FROM counted LEFT JOIN contents USING (digest) WHERE made <> found
QUALIFY row_number() OVER (PARTITION BY tab, kind ORDER BY key, op) <= $examples
ORDER BY tab, kind, key, op
"""
)

# Every change of a new reading is readable since the reading in which it was first seen; equal
# changes are numbered.
KEEP_FIRST_SIGHT = """
CREATE OR REPLACE TABLE archived AS
SELECT reading.* EXCLUDE (n) REPLACE (coalesce(before.readable, reading.readable) AS readable)
FROM (SELECT *, row_number() OVER (PARTITION BY tab, key, op, digest ORDER BY lsn) AS n
    FROM archived) AS reading
LEFT JOIN (SELECT tab, key, op, digest, readable,
    row_number() OVER (PARTITION BY tab, key, op, digest ORDER BY readable) AS n FROM before)
    AS before USING (tab, key, op, digest, n)
"""
DELAYS = """
WITH made AS (SELECT tab, key, op, digest, confirmed,
    row_number() OVER (PARTITION BY tab, key, op, digest ORDER BY confirmed) AS n FROM expected),
found AS (SELECT tab, key, op, digest, readable,
    row_number() OVER (PARTITION BY tab, key, op, digest ORDER BY readable) AS n FROM archived)
SELECT tab, list(readable - confirmed ORDER BY confirmed)
FROM made JOIN found USING (tab, key, op, digest, n) GROUP BY tab
"""

# The last archived change since the table was emptied of each key that was committed, in the order
# of the WAL, unless it is a delete, against the row that PostgreSQL has.
STATE = """
WITH emptied AS (SELECT tab, max(lsn) AS lsn FROM archived WHERE op = 't' GROUP BY tab),
final AS (SELECT tab, key, last(op ORDER BY lsn, archived.rowid) AS op,
    last(digest ORDER BY lsn, archived.rowid) AS digest
    FROM archived SEMI JOIN expected USING (tab, key)
    WHERE lsn >= $complete_from
        AND lsn > coalesce((SELECT lsn FROM emptied WHERE emptied.tab = archived.tab), -1)
    GROUP BY tab, key),
kept AS (SELECT tab, key, digest FROM final WHERE op[1] <> 'd')
SELECT tab, key, present.digest IS NOT NULL, in_database.content,
    kept.digest IS NOT NULL, in_archive.content
FROM present FULL JOIN kept USING (tab, key)
LEFT JOIN contents AS in_database ON in_database.digest = present.digest
LEFT JOIN contents AS in_archive ON in_archive.digest = kept.digest
WHERE present.digest IS DISTINCT FROM kept.digest ORDER BY tab, key
"""

LAST_COMMITTED = """
CREATE OR REPLACE TABLE present AS SELECT tab, key, digest FROM
    (SELECT tab, key, last(op ORDER BY confirmed) AS op, last(digest ORDER BY confirmed) AS digest
    FROM expected GROUP BY tab, key) WHERE op <> 'd'
"""


class Comparison:
    """Committed and archived changes in an in-memory database. A context manager: the end frees it.

    Make it, pass what was committed and what is archived, then ask for the differences.
    """

    def __init__(
        self,
        tables: Iterable[CapturedTable],
        *,
        keep_values: bool = False,
        ignore_reads: bool = False,
    ) -> None:
        """`keep_values` shows the values of differing rows, which takes memory for every row.

        With `ignore_reads` the rows that a snapshot has read are no changes, but count as state, as
        does the TRUNCATE that a snapshot may begin with.
        """
        self._tables = {table.name: table for table in tables}
        self._keep_values, self._ignore_reads = keep_values, ignore_reads
        self.database = duckdb.connect()
        self.database.execute(TABLES)

    def __enter__(self) -> "Comparison":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the memory."""
        self.database.close()

    def expect(self, commits: Iterable[Commit]) -> None:
        """Add what was committed."""
        changes: dict[str, list[Change]] = {}
        confirmed: dict[str, list[float]] = {}
        for commit in commits:
            for change in commit.changes:
                changes.setdefault(change.table, []).append(change)
                confirmed.setdefault(change.table, []).append(commit.at)
        for name, own in changes.items():
            table = self._tables[name]
            rows = table.records(own).append_column("__at", pa.array(confirmed[name]))
            with self._registered("changes", rows):
                self.expect_query(
                    name,
                    f"SELECT *, {_quoted(table.key)} AS __key, __at AS __due, __at AS __confirmed"
                    " FROM changes",
                    [_quoted(column) for column in table.columns],
                )

    def expect_query(self, table: str, query: str, columns: Sequence[str]) -> None:
        """Add the changes of schema.table that a query of DuckDB computes.

        The query has columns named __key, __op, __due and __confirmed (seconds since 1970);
        `columns` are expressions over its columns, in the order of the table's.
        """
        digest = self._digest(table, f"({query})", columns)
        self.database.execute(
            f"INSERT INTO expected SELECT ?, __key, __op, {digest}, __due, __confirmed"
            f" FROM ({query})",
            [table],
        )

    def add_archived(self, table: str, rows: pa.Table, readable: float) -> None:
        """Add archived rows of schema.table, readable since a time (seconds since 1970)."""
        if not rows.num_rows:
            return
        key, columns = _quoted(self._tables[table].key), self._columns_of(table, rows)
        with self._registered("rows_read", rows):
            digest = self._digest(table, "rows_read", columns)
            # An operation that __deleted contradicts equals none that was committed.
            self.database.execute(
                f"INSERT INTO archived SELECT ?, {key}, CASE WHEN (__op = 'd') = (__deleted ="
                f" 'true') THEN __op ELSE __op || '?' END, {digest}, __source_lsn, ?"
                " FROM rows_read",
                [table, readable],
            )

    def replace_archived(self, reading: Mapping[str, pa.Table], seen_at: float) -> None:
        """Replace the archived rows by a new, complete reading, made at a time (time.time()).

        What an earlier reading has seen stays readable since then.
        """
        self.database.execute("CREATE OR REPLACE TABLE before AS FROM archived")
        self.database.execute("DELETE FROM archived")
        for table, rows in reading.items():
            self.add_archived(table, rows, seen_at)
        self.database.execute(KEEP_FIRST_SIGHT)

    def archived_rows(self) -> int:
        """Return how many archived rows were added."""
        ((number,),) = self.database.execute("SELECT count(*) FROM archived").fetchall()
        return int(number)

    def tables(self) -> list[TableComparison]:
        """Return the result, by table."""
        totals = self.database.execute(TOTALS, {"ignore_reads": self._ignore_reads}).fetchall()
        counts = {
            table: (int(made), int(found), int(missing), int(duplicated), int(altered))
            for table, made, found, missing, duplicated, altered in totals
        }
        differ = any(any(numbers[2:]) for numbers in counts.values())
        examples = self._examples() if differ else {}
        return [
            TableComparison(name, *counts.get(name, NOTHING), examples.get(name, {}))
            for name in self._tables
        ]

    def _examples(self) -> dict[str, dict[str, tuple[Example, ...]]]:
        """Return some of the changes that differ, by table and kind of difference."""
        examples: dict[str, dict[str, tuple[Example, ...]]] = {}
        parameters = {"ignore_reads": self._ignore_reads, "examples": EXAMPLES}
        different = self.database.execute(DIFFERENT, parameters).fetchall()
        for table, kind, key, operation, content in different:
            own = examples.setdefault(table, {})
            own[kind] = (*own.get(kind, ()), Example(key, operation, content))
        return examples

    def delays(self) -> dict[str, list[float]]:
        """Return the seconds from commit to readable of what has arrived, by table."""
        return dict(self.database.execute(DELAYS).fetchall())

    def row_differences(
        self, present: Mapping[str, Sequence[Row]], complete_from: int = 0
    ) -> list[RowDifference]:
        """Compare the rows that PostgreSQL has now with the last archived change of each.

        `present` has all rows of the committed keys that exist, by table. Archived changes before
        the WAL position `complete_from` are left out.
        """
        self.database.execute(
            "CREATE OR REPLACE TABLE present (tab VARCHAR, key BIGINT, digest UBIGINT)"
        )
        for name, rows in present.items():
            table = self._tables[name]
            records = table.records(table.change(READ, row) for row in rows)
            if not records.num_rows:
                continue
            with self._registered("rows_now", records):
                digest = self._digest(name, "rows_now", self._columns_of(name, records))
                self.database.execute(
                    f"INSERT INTO present SELECT ?, {_quoted(table.key)}, {digest} FROM rows_now",
                    [name],
                )
        return self._state_differences(complete_from)

    def last_differences(self, complete_from: int = 0) -> list[RowDifference]:
        """Compare the last committed change of each row with the last archived one.

        It is row_differences() for rows that nobody else changes, without asking PostgreSQL.
        """
        self.database.execute(LAST_COMMITTED)
        return self._state_differences(complete_from)

    def _state_differences(self, complete_from: int) -> list[RowDifference]:
        found = self.database.execute(STATE, {"complete_from": complete_from}).fetchall()
        return [
            RowDifference(
                table,
                key,
                in_database or "" if is_in_database else None,
                in_archive or "" if is_in_archive else None,
            )
            for table, key, is_in_database, in_database, is_in_archive, in_archive in found
        ]

    @contextmanager
    def _registered(self, name: str, rows: pa.Table) -> Iterator[None]:
        """Let queries read an Arrow table under a name."""
        self.database.register(name, rows)
        try:
            yield
        finally:
            self.database.unregister(name)

    def _columns_of(self, table: str, rows: pa.Table) -> list[str]:
        """Return the table's columns, with NULL for those that the archive does not have (yet)."""
        known = set(rows.column_names)
        return [_quoted(name) if name in known else "NULL" for name in self._tables[table].columns]

    def _digest(self, table: str, source: str, columns: Sequence[str]) -> str:
        """Return SQL for the hash of a row's values; 0 for a delete that has only its key."""
        selected = ", ".join(columns)
        described = self.database.execute(f"DESCRIBE SELECT {selected} FROM {source}").fetchall()
        kinds = [_kind(str(kind)) for _, kind, *_ in described]
        cells = ", ".join(
            f"coalesce('{kind}' || ({column})::VARCHAR, chr(0))"
            for kind, column in zip(kinds, columns, strict=True)
        )
        digest = f"hash(concat_ws(chr(31), {cells}))"
        if not self._tables[table].keeps_deleted_values:
            digest = f"CASE WHEN __op = 'd' THEN 0 ELSE {digest} END"
        if self._keep_values:
            self.database.execute(
                f"INSERT OR IGNORE INTO contents SELECT {digest}, concat('(', concat_ws(', ',"
                f" {', '.join(map(_shown, columns))}), ')') FROM {source}"
            )
        return digest


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _shown(column: str) -> str:
    return f"coalesce(({column})::VARCHAR, 'NULL')"


def _kind(kind: str) -> str:
    """Return the kind of a DuckDB type: text, integer of any width, or the type itself."""
    if kind in {"TINYINT", "SMALLINT", "INTEGER", "BIGINT"}:
        return "i"
    return "s" if kind == "VARCHAR" else kind.replace("'", "''")
