"""The current state of a table from the archive's changes, as of a position in the WAL.

The state is the last change of each key in the order of the WAL, without deletes and without what
was archived before the last TRUNCATE. Only hashes of the rows are kept, with their keys.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from verification.archived_rows import ArchivedColumns, prepare
from verification.archived_table import OpenTable
from verification.database import SAMPLE_BITS, Buckets
from verification.source_table import SourceTable

# `position` orders the changes: twice the WAL position, and one more for all but deletes, because
# an update of a key is a delete and an insert at one position. Rows of a table without a primary
# key have an empty key, and their own hash as `bucket`.
TABLES = """
CREATE OR REPLACE TABLE changes (key VARCHAR, position BIGINT, op VARCHAR, digest UBIGINT,
    bucket UBIGINT, millisecond BIGINT)
"""
ADD = """
INSERT INTO changes
SELECT CASE WHEN op <> 't' THEN key END, 2 * lsn + (op <> 'd')::BIGINT, op, {digest}, bucket,
    millisecond
FROM (SELECT *, {hashed_key} AS bucket FROM (SELECT *, {key} AS key FROM chunk))
WHERE op = 't' OR {sampled}
"""
LATEST = """
SELECT key, max(position) AS position, arg_max(digest, position) AS digest,
    any_value(bucket) AS bucket, arg_max(millisecond, position) AS millisecond
FROM changes WHERE key IS NOT NULL AND position > $after AND position < $before GROUP BY key
"""
# Each row of a table without a primary key, as often as it was inserted and not deleted. An update
# adds the new row; the archive does not have the old one.
COUNTED = """
SELECT digest, sum(CASE op WHEN 'd' THEN -1 ELSE 1 END) AS rows, any_value(bucket) AS bucket
FROM changes WHERE key IS NOT NULL AND position > $after AND position < $before GROUP BY digest
"""


class ArchiveState:
    """The archived changes of one table, read file by file into a database of DuckDB."""

    def __init__(
        self,
        database: duckdb.DuckDBPyConnection,
        archive: OpenTable,
        table: SourceTable,
        buckets: Buckets,
        from_lsn: int = 0,
    ) -> None:
        """`from_lsn`: changes before this WAL position are left out."""
        self.database = database
        self.columns = ArchivedColumns(table, {})
        self._archive, self._table, self._from_lsn = archive, table, from_lsn
        self.buckets = buckets
        self._read: frozenset[str] = frozenset()
        database.execute(TABLES)

    def refresh(self, log: Callable[[str], None]) -> None:
        """Read the files that were added since; all of them if some were replaced since."""
        archived = self._archive(self._table.name, self._from_lsn)
        if archived is None:
            return
        if self._read - archived.paths:
            self.database.execute(TABLES)
            self._read = frozenset()
        self.columns = ArchivedColumns(self._table, archived.columns)
        count = 0
        for rows in archived.chunks(archived.paths - self._read, self.columns.needed):
            self._add(rows)
            count += rows.num_rows
            log(f"{count:,} archived changes read")
        self._read = archived.paths

    def _add(self, rows: pa.Table) -> None:
        chunk = prepare(self.columns, rows)
        with registered(self.database, "chunk", chunk.rows):
            digest = hashed(chunk.row)
            self.database.execute(
                ADD.format(
                    key=chunk.key,
                    digest=digest,
                    hashed_key=hashed("key") if self._table.key else digest,
                    sampled=_sampled(self.buckets),
                )
            )

    def after(self, lsn: int) -> int:
        """Return the position after which changes count as of a WAL position."""
        ((truncated,),) = self.database.execute(
            "SELECT coalesce(max(position), -1) FROM changes WHERE op = 't' AND position < $before",
            {"before": 2 * lsn + 2},
        ).fetchall()
        return max(int(truncated), 2 * self._from_lsn - 1)

    def bounds(self, lsn: int) -> dict[str, int]:
        """Return the parameters of LATEST and COUNTED for the state as of a WAL position.

        A table without a primary key counts from its last complete reading on: rows have no
        identity by which a second reading could replace the first.
        """
        after = self.after(lsn)
        if not self._table.key:
            ((read,),) = self.database.execute(
                "SELECT coalesce(max(position), 0) FROM changes"
                " WHERE op = 'r' AND position > $after AND position < $before",
                {"after": after, "before": 2 * lsn + 2},
            ).fetchall()
            after = max(after, int(read) - 2)
        return {"after": after, "before": 2 * lsn + 2}

    def bucket_digests(self, lsn: int) -> dict[int, tuple[int, int]]:
        """Return each bucket's number of rows and sum of hashes (modulo 2**64)."""
        state = f"SELECT digest, bucket, 1 AS rows FROM ({LATEST}) WHERE position % 2 = 1"
        found = self.database.execute(
            f"SELECT bucket & {self.buckets.count - 1} AS number, sum(rows),"
            f" sum(digest::HUGEINT * rows) FROM ({state if self._table.key else COUNTED})"
            " GROUP BY number",
            self.bounds(lsn),
        ).fetchall()
        return {int(bucket): (int(rows), int(digests) % 2**64) for bucket, rows, digests in found}

    def changed_keys(self, lsn: int, millisecond: int) -> list[str]:
        """Return the keys whose last change was committed since a time; 0: all."""
        found = self.database.execute(
            f"SELECT key FROM ({LATEST}) WHERE coalesce(millisecond, 0) >= $since",
            {**self.bounds(lsn), "since": millisecond},
        ).fetchall()
        return [key for (key,) in found]

    def updates(self, lsn: int) -> int:
        """Return how many updates were archived as of a WAL position."""
        ((count,),) = self.database.execute(
            "SELECT count(*) FROM changes"
            " WHERE op = 'u' AND position > $after AND position < $before",
            self.bounds(lsn),
        ).fetchall()
        return int(count)


def _sampled(buckets: Buckets) -> str:
    """Return DuckDB's condition for the rows of a sample."""
    return f"bucket >> {64 - SAMPLE_BITS} < {buckets.sampled}"


def hashed(text: str) -> str:
    """Return DuckDB's SQL for the hash that SourceTable.hashed() computes in PostgreSQL."""
    return f"('0x' || left(md5({text}), 16))::UBIGINT"


@contextmanager
def registered(database: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> Iterator[None]:
    """Let queries read an Arrow table under a name."""
    database.register(name, rows)
    try:
        yield
    finally:
        database.unregister(name)
