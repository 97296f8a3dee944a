"""Results of queries as a table, CSV, JSON or Parquet."""

import shutil
import sys
import tempfile
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table
from rich.text import Text

from clients.stack import StackError

# Rows that a table shows.
SHOWN_ROWS = 1000
# DuckDB's types whose values are aligned on the right.
NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL")


class Format(StrEnum):
    """How a result is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


OPTIONS = {
    Format.CSV: "FORMAT csv, HEADER",
    Format.JSON: "FORMAT json, ARRAY true",
    Format.PARQUET: "FORMAT parquet, COMPRESSION zstd",
}


def print_query(
    connection: duckdb.DuckDBPyConnection, text: str, form: Format, screen: Console
) -> None:
    """Run statements; print the result of the last one.

    Raises duckdb.Error for a statement that fails, and StackError for Parquet on a terminal.
    """
    statements = duckdb.extract_statements(text)
    if not statements:
        raise StackError("the query is empty")
    for statement in statements[:-1]:
        connection.execute(statement).fetchall()
    if form is Format.TABLE:
        print_table(connection, statements[-1], screen)
    elif form is Format.PARQUET and sys.stdout.isatty():
        raise StackError("Parquet is binary: redirect the output to a file")
    else:
        _copy(connection, statements[-1].query, OPTIONS[form])


def _copy(connection: duckdb.DuckDBPyConnection, query: str, options: str) -> None:
    """Print the whole result of a query by way of a file, which is complete or not printed."""
    with tempfile.TemporaryDirectory(prefix="datapipe-sql-") as folder:
        file = Path(folder) / "result"
        plain = query.strip().removesuffix(";")
        connection.execute(f"COPY ({plain}\n) TO '{file}' ({options})").fetchall()
        sys.stdout.flush()
        with file.open("rb") as result:
            shutil.copyfileobj(result, sys.stdout.buffer)
        sys.stdout.buffer.flush()


def print_table(
    connection: duckdb.DuckDBPyConnection, statement: duckdb.Statement, screen: Console
) -> None:
    """Run a statement and print the first rows of its result, if it has one."""
    names, types, rows = _result(connection, statement)
    if statement.type != duckdb.StatementType.SELECT and not rows:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for name, kind in zip(names, types, strict=True):
        is_number = kind.split("(")[0] in NUMBERS and not kind.endswith("]")
        table.add_column(Text(name), justify="right" if is_number else "left", overflow="fold")
    for row in rows[:SHOWN_ROWS]:
        table.add_row(*(Text("NULL" if value is None else str(value)) for value in row))
    screen.print(table)
    print(_summary(len(rows)), file=sys.stderr)


def _summary(rows: int) -> str:
    if rows > SHOWN_ROWS:
        return f"the first {SHOWN_ROWS:,} rows; FORMAT=csv, json or parquet prints all"
    return f"{rows:,} {'row' if rows == 1 else 'rows'}"


def _result(
    connection: duckdb.DuckDBPyConnection, statement: duckdb.Statement
) -> tuple[Sequence[str], Sequence[str], list[tuple[Any, ...]]]:
    """Return names, types and one row more than is shown at most, of a query as DuckDB's texts."""
    if statement.type != duckdb.StatementType.SELECT:
        result = connection.execute(statement)
        columns = result.description or []
        return [each[0] for each in columns], [str(each[1]) for each in columns], result.fetchall()
    query = connection.sql(statement)
    texts = ", ".join(f"CAST(#{number} AS VARCHAR)" for number in range(1, len(query.columns) + 1))
    rows = query.limit(SHOWN_ROWS + 1).project(texts).fetchall()
    return query.columns, [str(kind) for kind in query.types], rows
