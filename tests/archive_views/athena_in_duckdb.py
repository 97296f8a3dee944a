"""Statements of Athena, parsed by sqlglot as Athena's SQL and run in DuckDB."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp

from archive_views.athena import AthenaSource, AthenaTable, Statement, statements
from archive_views.table import SourceDatabase
from clients.sql.files import ArchivedFiles

# Functions of Trino that DuckDB has not, or has with other arguments.
MACROS = (
    "CREATE MACRO from_base(digits, radix) AS CAST('0x' || digits AS INTEGER)",
    "CREATE MACRO json_text(value) AS to_json(value)",
    "CREATE MACRO is_finite(value) AS isfinite(value)",
)


def managed(*tables: AthenaTable) -> AthenaSource:
    """Return the managed database with these tables."""
    return AthenaSource(SourceDatabase("postgres", "shop"), "cdc", "cdc_views", tables)


def parsed(sql: str) -> exp.Expr:
    """Return the one statement. Raises sqlglot's ParseError where Athena's grammar has none."""
    found = sqlglot.parse(sql, read="athena", error_level=sqlglot.ErrorLevel.RAISE)
    assert len(found) == 1 and found[0] is not None
    assert not isinstance(found[0], exp.Command), "sqlglot took the statement as it is"
    return found[0]


@cache
def in_duckdb(sql: str) -> str:
    """Return the statement in DuckDB's SQL.

    Trino divides integers by integers, and a text that is cast to JSON is a string in it.
    """
    tree = parsed(sql)
    for division in list(tree.find_all(exp.Div)):
        division.replace(exp.IntDiv(this=division.this, expression=division.expression))
    for cast in list(tree.find_all(exp.Cast)):
        if cast.to.this == exp.DataType.Type.JSON:
            cast.replace(exp.Anonymous(this="json_text", expressions=[cast.this]))
    return tree.sql("duckdb")


@contextmanager
def athena(
    tables: Sequence[tuple[AthenaTable, ArchivedFiles]],
) -> Iterator[tuple[duckdb.DuckDBPyConnection, dict[str, Statement]]]:
    """Return a database with the tables and the views, and all statements by their names."""
    made = {one.name: one for one in statements([managed(*(table for table, _ in tables))])}
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        for setup in (*MACROS, "CREATE SCHEMA cdc", "CREATE SCHEMA cdc_views"):
            database.execute(setup)
        for table, files in tables:
            rows: pa.Table = files.layouts[0].dataset.to_table()
            database.register("archived_rows", rows)
            database.execute(f'CREATE TABLE cdc."{table.archived_name}" AS FROM archived_rows')
            database.unregister("archived_rows")
        for statement in made.values():
            if statement.sql.startswith("CREATE"):
                database.execute(in_duckdb(statement.sql))
        yield database, made
