"""The sample schema under other names: more captured tables, or some that nobody captures."""

from collections.abc import Iterable

import psycopg
from psycopg import sql

from bench.content import TABLES
from clients.database import Row
from clients.stack import PROJECT, StackError

SAMPLE_SCHEMA = PROJECT / "components/source/schema.sql"


def sample_schemas(tables: Iterable[str]) -> tuple[str, ...]:
    """The schemas of which all four sample tables are among these, given as schema.table.

    Raises StackError where there is none.
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
            f"the load needs the sample schema; this stack captures {', '.join(sorted(captured))}"
        )
    return found


def create(connection: psycopg.Connection[Row], schema: str) -> None:
    """Make the sample tables in a schema of their own, where they are not yet."""
    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
    _run_script(connection, SAMPLE_SCHEMA.read_text().replace("public.", f"{schema}."))
    for table in TABLES:
        name = sql.Identifier(schema, table)
        connection.execute(sql.SQL("ALTER TABLE {} REPLICA IDENTITY FULL").format(name))


def _run_script(connection: psycopg.Connection[Row], script: str) -> None:
    """As psql does, with its gexec: what the query before it returns are statements to execute."""
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
    """Remove such a schema with everything in it."""
    connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
