"""The sample schema under other names: for more captured tables, or for uncaptured ones."""

from collections.abc import Iterable

import psycopg
from psycopg import sql

from bench.row_values import TABLES
from clients.database import Row
from clients.stack import PROJECT, StackError

SAMPLE_SCHEMA = PROJECT / "components/source/schema.sql"


def sample_schemas(tables: Iterable[str]) -> tuple[str, ...]:
    """Return the schemas of which all four sample tables are among these (schema.table).

    Raises StackError if no schema has all four.
    """
    captured = set(tables)
    schemas = dict.fromkeys(table.split(".")[0] for table in captured)
    found = tuple(
        sorted(
            schema for schema in schemas if {f"{schema}.{table}" for table in TABLES} <= captured
        )
    )
    if not found:
        raise StackError(
            f"the load needs the sample schema's tables {', '.join(TABLES)}; this stack captures"
            f" {', '.join(sorted(captured))}"
        )
    return found


def create(connection: psycopg.Connection[Row], schema: str) -> None:
    """Create the sample tables in a schema, unless they exist."""
    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
    _run_script(connection, SAMPLE_SCHEMA.read_text().replace("public.", f"{schema}."))
    for table in TABLES:
        name = sql.Identifier(schema, table)
        connection.execute(sql.SQL("ALTER TABLE {} REPLICA IDENTITY FULL").format(name))


def _run_script(connection: psycopg.Connection[Row], script: str) -> None:
    r"""Run a script as psql does: \gexec executes what the query before it returns."""
    *before, last = script.split("\\gexec")
    for part in before:
        query = connection.execute(part.encode())
        while query.nextset():
            pass
        for row in query.fetchall():
            for statement in row.values():
                connection.execute(str(statement).encode())
    if last.strip():
        connection.execute(last.encode())


def drop(connection: psycopg.Connection[Row], schema: str) -> None:
    """Drop such a schema with everything in it."""
    connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
