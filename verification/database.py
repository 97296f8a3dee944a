"""Reads checksums and rows of a table from PostgreSQL; it changes nothing."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from clients.database import Row
from verification.source_table import SourceTable

# The texts of values depend on these. A server or a role may have others.
SETTINGS = {
    "client_encoding": "UTF8",
    "TimeZone": "UTC",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    # For a table that ALTER TABLE is changing.
    "lock_timeout": "15s",
    # What the sums of all buckets need at most, so that none goes into temporary files.
    "work_mem": "32MB",
    # One process of the server, whatever its settings.
    "max_parallel_workers_per_gather": "0",
}
# Keys that one statement looks up.
LOOKED_UP = 5_000
# Of a hash's upper bits, by which a sample is chosen; the lower ones choose the bucket.
SAMPLE_BITS = 20
POSITION = "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint AS position"


@dataclass(frozen=True)
class Buckets:
    """How rows are divided by the hash of their key, and the share that is compared."""

    count: int
    """a power of two"""
    sampled: int = 1 << SAMPLE_BITS
    """of 2 ** SAMPLE_BITS"""

    @property
    def is_sample(self) -> bool:
        """Whether not all rows are compared."""
        return self.sampled < 1 << SAMPLE_BITS


@dataclass(frozen=True)
class FoundRow:
    """A row of PostgreSQL: its columns' texts, for comparison and for readers."""

    texts: tuple[str | None, ...]
    shown: tuple[str | None, ...]


def prepare_session(connection: psycopg.Connection[Row], statement_seconds: float) -> None:
    """Set what texts depend on, and how long a statement may take."""
    settings = {**SETTINGS, "statement_timeout": f"{round(statement_seconds * 1000)}"}
    for name, value in settings.items():
        connection.execute("SELECT set_config(%s, %s, false)", [name, value])


@contextmanager
def snapshot(connection: psycopg.Connection[Row]) -> Iterator[int]:
    """Open a read-only transaction with one snapshot; give the WAL position that contains it.

    Each change that the snapshot shows has a commit record before the position, because the
    position is read after the snapshot was taken.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        row = connection.execute(POSITION).fetchone()
        assert row is not None  # noqa: S101  a SELECT without FROM has one row
        yield int(row["position"])


def bucket_digests(
    connection: psycopg.Connection[Row], table: SourceTable, buckets: Buckets
) -> dict[int, tuple[int, int]]:
    """Return each bucket's number of rows and sum of hashes (modulo 2**64), in one pass.

    By the statistics of the key's columns the planner would expect as many buckets as rows, and
    sort them in temporary files. It has none of a subquery's expressions; OFFSET keeps it one.
    """
    query = (
        "SELECT bucket, count(*) AS rows, sum(digest) AS digests FROM ("
        f"SELECT {_number(table.key_digest)} & {buckets.count - 1} AS bucket,"
        f" {_number(table.digest)} AS digest FROM {table.relation}"
        f"{_where(_sampled(table, buckets))} OFFSET 0) AS hashed GROUP BY bucket"
    )
    return {
        row["bucket"]: (row["rows"], int(row["digests"]) % 2**64)
        for row in connection.execute(query.encode())
    }


def row_digests(
    connection: psycopg.Connection[Row],
    table: SourceTable,
    buckets: Buckets,
    chosen: Collection[int],
) -> Iterator[tuple[str, str]]:
    """Stream the key's text and the hash of each row in some buckets."""
    bucket = f"{_number(table.key_digest)} & {buckets.count - 1}"
    numbers = ",".join(map(str, chosen))
    conditions = [*_sampled(table, buckets), f"{bucket} = ANY ('{{{numbers}}}'::bigint[])"]
    key = table.key_text if table.key else "''"
    query = (
        f"COPY (SELECT {key}, {table.digest} FROM {table.relation}{_where(conditions)}) TO STDOUT"
    )
    with connection.cursor().copy(query.encode()) as copy:
        copy.set_types(["text", "text"])
        for key, digest in copy.rows():
            yield key, digest


def digests_of(
    connection: psycopg.Connection[Row], table: SourceTable, keys: Sequence[str]
) -> dict[str, str]:
    """Return the hashes of the rows with these keys, by the key's text."""
    found: dict[str, str] = {}
    for first in range(0, len(keys), LOOKED_UP):
        for row in _looked_up(connection, table, keys[first : first + LOOKED_UP], table.digest):
            found[row["key"]] = row["value"]
    return found


def rows_of(
    connection: psycopg.Connection[Row], table: SourceTable, keys: Sequence[str]
) -> Mapping[str, FoundRow]:
    """Return the rows with these keys, by the key's text."""
    texts = ", ".join(column.text for column in table.columns)
    shown = ", ".join(
        f"CASE WHEN num_nulls({column.quoted}) = 0 THEN format('%s', {column.quoted}) END"
        for column in table.columns
    )
    value = f"ARRAY[ARRAY[{texts}]::text[], ARRAY[{shown}]::text[]]"
    found = {}
    for first in range(0, len(keys), LOOKED_UP):
        for row in _looked_up(connection, table, keys[first : first + LOOKED_UP], value):
            of_comparison, of_reader = row["value"]
            found[row["key"]] = FoundRow(tuple(of_comparison), tuple(of_reader))
    return found


def _looked_up(
    connection: psycopg.Connection[Row], table: SourceTable, keys: Sequence[str], value: str
) -> list[Row]:
    """Find rows by the key's index where its type allows it, otherwise in a pass over the table."""
    columns, parts = table.found_by(keys)
    wanted = _array(connection, keys)
    if not columns:
        return connection.execute(
            f"SELECT {table.key_text} AS key, {value} AS value FROM {table.relation}"
            f" WHERE {table.key_text} = ANY ({wanted})".encode()
        ).fetchall()
    names = [f'"datapipe key {number}"' for number in range(len(columns))]
    arrays = ", ".join([wanted, *(_array(connection, part) for part in parts)])
    conditions = [
        f"{column.quoted} = {column.form.as_key(name)}"
        for column, name in zip(columns, names, strict=True)
    ]
    return connection.execute(
        f'SELECT "datapipe key" AS key, {value} AS value'
        f' FROM unnest({arrays}) AS wanted ("datapipe key", {", ".join(names)})'
        f" JOIN {table.relation} ON {' AND '.join(conditions)}"
        f' WHERE {table.key_text} = "datapipe key"'.encode()
    ).fetchall()


def _array(connection: psycopg.Connection[Row], texts: Sequence[str]) -> str:
    """Return an array of texts as a literal; names in the query may contain a parameter's sign."""
    return f"{sql.Literal(list(texts)).as_string(connection)}::text[]"


def _number(digest: str) -> str:
    return f"('x' || {digest})::bit(64)::bigint"


def _sampled(table: SourceTable, buckets: Buckets) -> list[str]:
    if not buckets.is_sample:
        return []
    mask = (1 << SAMPLE_BITS) - 1
    upper = f"(({_number(table.key_digest)} >> {64 - SAMPLE_BITS}) & {mask})"
    return [f"{upper} < {buckets.sampled}"]


def _where(conditions: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""
