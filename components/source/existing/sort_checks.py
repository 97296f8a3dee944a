"""Tables that the server sorts in temporary files before it sends the first of their rows.

The connector reads existing rows in the order of their key. Where that is random, such as a uuid,
and the table is large, the planner prefers a sort to the index (docs/TUNING.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.settings import MEBIBYTE
from components.source.existing.captured import Tables
from components.source.existing.problem import Level, Problem
from components.source.existing.quoting import identifier, table_name
from components.source.existing.server_checks import Server
from components.source.existing.settings import TEMPORARY_FILES

GIBIBYTE = 1024 * MEBIBYTE
# Of temporary files: a smaller sort needs no warning where nothing limits it.
LARGE_SORT_BYTES = GIBIBYTE
# By how much a table may need less than the planner estimates, by old statistics or dead rows.
OVERESTIMATE = 2
# Of a row in a sort, in addition to its columns.
ROW_OVERHEAD_BYTES = 16

# What TableKey of java/values adds to the query of a table whose rows are in the order of its key.
BY_INDEX = " LIMIT (SELECT 9223372036854775807)"

# The captured columns, the key's, and the size of each table that is read in the order of its key:
# of types for which java/values has literals (KeyLiterals); and whether its rows are in that order,
# by the condition of TableKey.
_ORDERED = """
SELECT captured.name,
    (SELECT string_agg(quote_ident(attname), ', ') FROM captured_columns
        WHERE captured_columns.relation = captured.relation),
    (SELECT string_agg(quote_ident(attname), ', ' ORDER BY place)
        FROM unnest(indkey) WITH ORDINALITY AS part (number, place)
        JOIN pg_attribute ON attrelid = indrelid AND attnum = number
        WHERE place <= indnkeyatts),
    (SELECT sum(pg_relation_size(relid))::bigint FROM (
        SELECT captured.relation::oid UNION SELECT relid FROM pg_partition_tree(captured.relation)
        ) AS parts (relid)),
    (SELECT abs(correlation) > 0.9 AND 1000 * CASE WHEN n_distinct < 0
            THEN -n_distinct * greatest(reltuples, 1) ELSE n_distinct END >= reltuples
        FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
        JOIN pg_stats ON schemaname = nspname AND tablename = relname
            AND pg_stats.attname = pg_attribute.attname AND inherited = (relkind = 'p')
        WHERE pg_class.oid = indrelid)
FROM captured JOIN pg_index ON indrelid = relation AND indisprimary
WHERE NOT EXISTS (
    SELECT FROM unnest(indkey) WITH ORDINALITY AS part (number, place)
    JOIN pg_attribute ON attrelid = indrelid AND attnum = number
    JOIN pg_type ON pg_type.oid = atttypid
    WHERE place <= indnkeyatts AND coalesce(nullif(typbasetype, 0), pg_type.oid) NOT IN (
        'bool'::regtype, 'int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype,
        'text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, 'uuid'::regtype, 'date'::regtype,
        'timestamp'::regtype, 'timestamptz'::regtype))
"""


@dataclass(frozen=True)
class Sort:
    """What a server needs to read a table in the order of its key."""

    table: str
    bytes: int
    """of temporary files, as the planner estimates it"""


def sort_problems(tables: Tables, readable: list[str]) -> Iterator[Problem]:
    """Yield sorts of tables whose rows were not read yet that need much room, or too much."""
    server = tables.server
    limit = int(server.setting("temp_file_limit"))
    for sort in _sorts(tables, readable):
        if 0 <= limit * 1024 < sort.bytes:
            is_certain = limit * 1024 * OVERESTIMATE < sort.bytes
            yield _above_limit(server, sort, "refused" if is_certain else "warning")
        elif sort.bytes >= LARGE_SORT_BYTES:
            yield Problem(
                f"{_of(sort)}, for which the server must have room",
                f"see that it has ({TEMPORARY_FILES[server.source.service]}). Where it has not, let"
                f" the account read by the index, which is slower: {_by_index(server)}",
                "warning",
            )


def _above_limit(server: Server, sort: Sort, level: Level) -> Problem:
    consequence = "fails" if level == "refused" else "may fail"
    return Problem(
        f"{_of(sort)}, but temp_file_limit is {server.shown('temp_file_limit')} for"
        f" {server.source.user}, so the reading of its rows {consequence}",
        f"let a superuser raise it, or let the account read by the index, which is slower:"
        f" {_by_index(server)}",
        level,
    )


def _of(sort: Sort) -> str:
    return (
        f"{sort.table}: the order of its key is not that of its rows, so the server sorts it in"
        f" about {_shown(sort.bytes)} of temporary files before it sends the first row"
    )


def _by_index(server: Server) -> str:
    return f"ALTER ROLE {identifier(server.source.user)} SET enable_sort = off;"


def _sorts(tables: Tables, readable: list[str]) -> Iterator[Sort]:
    server = tables.server
    in_memory = int(server.setting("work_mem")) * 1024
    for name, columns, key, size, is_followed in tables.rows(_ORDERED):
        if name in tables.entries or name not in readable or columns is None:
            continue
        # All of them are of the catalog, and quoted.
        query = f"SELECT {columns} FROM {table_name(name)} ORDER BY {key}"  # noqa: S608
        if is_followed:
            query += BY_INDEX
        [plan] = server.value(f"EXPLAIN (FORMAT JSON) {query}")
        needed = min(size, sum(_sorted_bytes(plan["Plan"])))
        if needed > in_memory:
            yield Sort(name, needed)


def _sorted_bytes(plan: Mapping[str, Any]) -> Iterator[int]:
    """Yield the bytes that each sort of a plan takes; those of partitions are there together."""
    if plan["Node Type"] == "Sort":
        yield int(plan["Plan Rows"]) * (int(plan["Plan Width"]) + ROW_OVERHEAD_BYTES)
    for part in plan.get("Plans", ()):
        yield from _sorted_bytes(part)


def _shown(size: int) -> str:
    if size >= GIBIBYTE:
        return f"{size / GIBIBYTE:.1f} GiB"
    return f"{size / MEBIBYTE:.1f} MiB"
