"""The keys and columns of captured tables, as PostgreSQL has them now or had them at an update."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import psycopg

from clients import database
from clients.column_queries import BASE_TYPES, KEY_POSITIONS
from clients.database import Row
from clients.stack import StackError, StackOutputs

# components/source/described.sql has the same for the stack's outputs.
COLUMNS = f"""
SELECT attname::text AS name, base.type, coalesce(position, 0) AS key_position
FROM pg_attribute
JOIN pg_class ON pg_class.oid = attrelid AND relkind IN ('r', 'p')
JOIN pg_namespace ON pg_namespace.oid = relnamespace
CROSS JOIN LATERAL (
    {BASE_TYPES}
    SELECT format_type(oid, modifier) AS type FROM base ORDER BY depth DESC LIMIT 1) AS base
{KEY_POSITIONS}
WHERE nspname = %s AND relname = %s AND pg_attribute.attnum > 0 AND NOT attisdropped
ORDER BY pg_attribute.attnum
"""  # noqa: S608  of constants only


@dataclass(frozen=True)
class DescribedTable:
    """A captured table's key and columns."""

    key: tuple[str, ...] | None
    """empty: it has none; None: not known"""
    columns: tuple[tuple[str, str], ...]
    """names and types; empty: not known"""


def described_tables(
    outputs: StackOutputs, log: Callable[[str], None]
) -> dict[str, DescribedTable]:
    """Return the captured tables as PostgreSQL has them, by schema.table.

    A table that PostgreSQL no longer has is as in the stack's outputs, and so are all tables if
    PostgreSQL can't be asked; `log` gets the reason.
    """
    recorded = {
        table: DescribedTable(outputs.keys.get(table), outputs.columns.get(table, ()))
        for table in outputs.tables
    }
    try:
        with database.connect(outputs) as connection:
            present = present_tables(connection, outputs.tables, outputs.excluded_columns)
    except (StackError, psycopg.Error) as error:
        log(f"PostgreSQL was not asked: {error}. Keys and types are those of the last make up")
        return recorded
    for table in sorted(recorded.keys() - present.keys()):
        log(f"PostgreSQL no longer has {table}; its key and types are those of the last make up")
    return recorded | present


def present_tables(
    connection: psycopg.Connection[Row],
    tables: Sequence[str],
    excluded: Mapping[str, Sequence[str]],
) -> dict[str, DescribedTable]:
    """Return the tables that PostgreSQL has; `excluded` are columns that are not captured."""
    found = {}
    for table in tables:
        schema, _, name = table.partition(".")
        rows = connection.execute(COLUMNS, [schema, name]).fetchall()
        if rows:
            key = sorted((row["key_position"], row["name"]) for row in rows if row["key_position"])
            left_out = excluded.get(table, ())
            columns = [(row["name"], row["type"]) for row in rows if row["name"] not in left_out]
            found[table] = DescribedTable(tuple(name for _, name in key), tuple(columns))
    return found
