"""Finds what may explain the differences of a table, as far as PostgreSQL and the archive know."""

from collections.abc import Iterator

import duckdb
import psycopg

from clients.database import Row
from verification.result import ColumnDifference, TableResult
from verification.source_table import SourceColumn, SourceTable

# What Debezium writes for a large value that an update did not change, under another replica
# identity than FULL.
UNCHANGED = "__debezium_unavailable_value"
# What earlier versions archived for numbers that are not finite.
NOT_FINITE = {"NaN", "Infinity", "-Infinity"}
EARLIER_TEXTS = {"NAN", "POSITIVE_INFINITY", "NEGATIVE_INFINITY"}
EARLIER_VERSIONS = (
    "earlier versions archived such values inexactly; rows that change from now on are exact"
    " (docs/TYPES.md)"
)
CAPTURE = """
SELECT EXISTS (SELECT FROM pg_publication_tables WHERE format('%%s.%%s', schemaname, tablename)
        = %(table)s) AS published,
    EXISTS (SELECT FROM pg_publication WHERE NOT pubviaroot) AS leaves_only,
    (SELECT relrowsecurity FROM pg_class WHERE oid = to_regclass(%(quoted)s)) AS row_security,
    (SELECT relpersistence = 'u' FROM pg_class WHERE oid = to_regclass(%(quoted)s)) AS unlogged,
    (SELECT relkind = 'r' AND EXISTS (SELECT FROM pg_inherits WHERE inhparent = pg_class.oid)
        FROM pg_class WHERE oid = to_regclass(%(quoted)s)) AS has_children,
    (SELECT string_agg(format('%%s (%%s)', slot_name, wal_status), ', ') FROM pg_replication_slots
        WHERE database = current_database() AND wal_status = 'lost') AS lost_slots,
    EXISTS (SELECT FROM pg_replication_slots WHERE database = current_database()) AS has_slots
"""
READINGS = """
SELECT count(DISTINCT position), max(position) // 2 FROM changes WHERE op = 'r'
"""
# Whether all rows that are too many are older than all rows that are right.
EMPTIED = """
SELECT max(found.position) // 2 FROM found WHERE in_database IS NULL
HAVING count(*) > 1 AND max(found.position) < coalesce((SELECT min(position) FROM
    (SELECT key, max(position) AS position FROM changes WHERE key IS NOT NULL GROUP BY key)
    ANTI JOIN found USING (key)), 9223372036854775807)
"""


def explain(
    connection: psycopg.Connection[Row],
    database: duckdb.DuckDBPyConnection,
    table: SourceTable,
    result: TableResult,
) -> Iterator[str]:
    """Yield what is known; the differences may have other causes too."""
    yield from _of_capture(connection, table)
    yield from _of_history(database, table, result)
    columns = {column.name: column for column in table.columns}
    told: dict[str, None] = {}
    for example in result.examples:
        for part in example.columns:
            told |= dict.fromkeys(_of_column(columns[part.name], part))
    yield from told


def _of_capture(connection: psycopg.Connection[Row], table: SourceTable) -> Iterator[str]:
    row = connection.execute(CAPTURE, {"table": table.name, "quoted": table.relation}).fetchone()
    if row is None:
        return
    if not row["published"]:
        yield (
            "the table is in no publication, so its changes are not captured: it was dropped and"
            " created again, swapped by a rename, or taken off the list"
        )
    if table.is_partitioned and row["leaves_only"]:
        yield (
            "the publication does not publish changes of partitions as the table's own"
            " (publish_via_partition_root)"
        )
    if row["has_children"]:
        yield "the table has child tables by inheritance, whose changes are not captured as its own"
    if row["row_security"]:
        yield "row level security hides rows from a first read without BYPASSRLS"
    if row["unlogged"]:
        yield "the table is unlogged, so its changes are not in the WAL"
    if row["lost_slots"]:
        yield f"changes are lost with the replication slot {row['lost_slots']}; run make recover"
    elif not row["has_slots"]:
        yield "the database has no replication slot, so no change is captured; run make recover"


def _of_history(
    database: duckdb.DuckDBPyConnection, table: SourceTable, result: TableResult
) -> Iterator[str]:
    readings, last = database.execute(READINGS).fetchone() or (0, None)
    if readings > 1:
        yield (
            f"the table was read {readings} times, last at {last}: deletes between two readings"
            f" are not archived. The state from the last one on: --from-lsn {last}"
        )
    if table.key and result.extra > 1:
        emptied = database.execute(EMPTIED).fetchone()
        if emptied is not None:
            yield (
                f"every row that is too many was archived up to {emptied[0]}, and every row that is"
                " right after it, as if the table had been emptied without a record (TRUNCATE, or"
                " dropped and created again)"
            )
    if result.missing and result.missing == result.rows:
        yield "the archive has no row of the table"


def _of_column(column: SourceColumn, part: ColumnDifference) -> Iterator[str]:
    name = column.name
    if part.is_lost:
        yield (
            f"{name} is NULL in rows that were too large and were let through without it"
            " (make recover ROW=)"
        )
    elif part.archived_in is not None:
        yield (
            f"{name} changed its type: rows that have not changed since are archived in"
            f" {part.archived_in}, with the value of before"
        )
    elif part.in_archive == UNCHANGED:
        yield (
            f"{name} holds Debezium's placeholder for a large value that an update did not change;"
            " source.replicaIdentity full archives such values"
        )
    elif part.in_archive is None and column.filled_in:
        yield (
            f"{name} was added with a default: PostgreSQL shows it in rows of before without a"
            " change, which the archive has as NULL"
        )
    elif part.in_archive is None and column.is_generated:
        yield f"{name} is generated, and PostgreSQL leaves generated columns out of changes"
    elif part.in_database in NOT_FINITE or part.in_archive in EARLIER_TEXTS:
        yield f"{name} holds numbers that are not finite: {EARLIER_VERSIONS}"
