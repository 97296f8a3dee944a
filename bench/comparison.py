"""Compares the archive with a load's account: every row by key, operation and all its values.

The account tells what was done, as ranges of keys; DuckDB computes each row's values from that and
compares a 64-bit hash of them with that of the archived row. What differs is counted; a few
examples are kept.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import duckdb
import pyarrow as pa

from bench.account import Account, Committed
from bench.content import COLUMNS, TIMESTAMPS, expected_columns

EXAMPLES = 5


@dataclass(frozen=True)
class TableComparison:
    """How a table's archive differs from what was committed, in rows."""

    table: str
    committed: int
    archived: int
    missing: int
    """committed and not archived"""
    duplicated: int
    """archived more often than committed"""
    altered: int
    """archived, but never committed with these values or in this operation"""
    examples: tuple[tuple[Any, ...], ...]
    """(key, operation, committed, archived) of some that differ"""

    @property
    def agrees(self) -> bool:
        """Whether each committed change was archived exactly once, and nothing else was."""
        return not (self.missing or self.duplicated or self.altered)


class Comparison:
    """A database in memory with the expected and the archived rows of one table after the other."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.database = duckdb.connect()
        self.database.execute("SET VARIABLE texts = ?", [account.content.texts])
        self.database.execute(
            "CREATE TABLE expected (tab VARCHAR, key BIGINT, op VARCHAR, digest UBIGINT,"
            " due DOUBLE, confirmed DOUBLE)"
        )
        self.database.execute(
            "CREATE TABLE archived (tab VARCHAR, key BIGINT, op VARCHAR, digest UBIGINT,"
            " lsn BIGINT, readable DOUBLE)"
        )

    def __enter__(self) -> "Comparison":
        for table in self._account.tables:
            self._expect(table)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.database.close()

    def add(self, table: str, rows: pa.Table, readable: float) -> None:
        """Take in archived rows of schema.table, readable since a time (seconds since 1970).

        Rows of others than this load are left out.
        """
        if not rows.num_rows:
            return
        first = self._account.first_keys[table]
        name = table.rsplit(".", maxsplit=1)[-1]
        digest = _digest([*COLUMNS[name], *TIMESTAMPS[name]])
        # __deleted says the same as __op, or the row counts as altered
        self.database.register("rows_read", rows)
        self.database.execute(
            f"INSERT INTO archived SELECT ?, id, CASE WHEN (__op = 'd') = (__deleted = 'true')"
            f" THEN __op ELSE __op || '?' END, {digest}, __source_lsn, ?"
            " FROM rows_read WHERE id >= ? AND id < ?",
            [table, readable, first, first + self._account.schedule.keys],
        )
        self.database.unregister("rows_read")

    def archived_rows(self) -> int:
        """Rows taken in so far."""
        return self._number("SELECT count(*) FROM archived")

    def tables(self) -> list[TableComparison]:
        """The result, table by table."""
        return [self._compare(table) for table in self._account.tables]

    def _compare(self, table: str) -> TableComparison:
        counts = (
            "WITH made AS (SELECT key, op, digest, count(*) AS n FROM expected WHERE tab = $table"
            " GROUP BY ALL), found AS (SELECT key, op, digest, count(*) AS n FROM archived"
            " WHERE tab = $table GROUP BY ALL), both_sides AS (SELECT key, op, coalesce(made.n, 0)"
            " AS made, coalesce(found.n, 0) AS found FROM made"
            " FULL JOIN found USING (key, op, digest)) "
        )
        (row,) = self.database.execute(
            f"{counts} SELECT coalesce(sum(made), 0), coalesce(sum(found), 0),"
            " coalesce(sum(greatest(made - found, 0)), 0),"
            " coalesce(sum(greatest(found - made, 0)) FILTER (made > 0), 0),"
            " coalesce(sum(found) FILTER (made = 0), 0) FROM both_sides",
            {"table": table},
        ).fetchall()
        examples = self.database.execute(
            f"{counts} SELECT key, op, made, found FROM both_sides WHERE made <> found"
            f" ORDER BY key LIMIT {EXAMPLES}",
            {"table": table},
        ).fetchall()
        committed, archived, missing, duplicated, altered = map(int, row)
        return TableComparison(
            table, committed, archived, missing, duplicated, altered, tuple(examples)
        )

    def _expect(self, table: str) -> None:
        """Each row's operation and values, from the ranges of keys in the account.

        A delete carries what the row's last insert or update left; created_at is its insert's.
        """
        schema, _, name = table.partition(".")
        columns = expected_columns(self._account.content, name, self._account.parents(schema))
        batches = _batches(self._account.of_table(table), self._account.first_keys[table])
        self.database.register("batches", batches)
        self.database.execute(
            "INSERT INTO expected WITH changes AS (SELECT unnest(range(first, first + count)) AS"
            " key, number, operation AS op, version, written_us, due, confirmed FROM batches),"
            " states AS (SELECT key, op, version, due, confirmed,"
            " first_value(written_us) OVER life AS created_at,"
            " CASE WHEN op = 'd' THEN lag(written_us) OVER life ELSE written_us END AS updated_at"
            " FROM changes WINDOW life AS (PARTITION BY key ORDER BY number))"
            f" SELECT ?, key, op, {_digest(columns)}, due, confirmed FROM states",
            [table],
        )
        self.database.unregister("batches")

    def _number(self, query: str) -> int:
        ((number,),) = self.database.execute(query).fetchall()
        return int(number)


def _digest(columns: Sequence[str]) -> str:
    """SQL for a hash of a row's values as text; NULL is told apart from every text."""
    texts = ", ".join(f"coalesce(({column})::VARCHAR, chr(0))" for column in columns)
    return f"hash(concat_ws(chr(31), {texts}))"


def _batches(committed: Iterable[Committed], first_key: int) -> pa.Table:
    columns: dict[str, list[Any]] = {
        name: []
        for name in (
            "first",
            "count",
            "number",
            "operation",
            "version",
            "written_us",
            "due",
            "confirmed",
        )
    }
    for each in committed:
        values = (
            first_key + each.batch.first,
            each.batch.rows,
            each.number,
            each.batch.operation,
            each.batch.version,
            each.written_us,
            each.due,
            each.at,
        )
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
    types = [pa.int64(), pa.int64(), pa.int64(), pa.string(), pa.int64(), pa.int64()]
    types += [pa.float64(), pa.float64()]
    return pa.table(
        {
            name: pa.array(values, kind)
            for (name, values), kind in zip(columns.items(), types, strict=True)
        }
    )
