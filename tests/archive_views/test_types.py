"""A value in a view is PostgreSQL's value, for every value of every type of docs/types.json."""

from collections.abc import Iterator
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pytest

from archive_views.postgres_types import PostgresType
from archive_views.table import StoredColumn
from clients.database import Row
from clients.described_tables import DescribedTable
from clients.sql.files import ArchivedFiles
from tests.archive_views.memory_files import change, in_memory, query, session
from tests.unit.postgres_server import running_server
from tests.verification.conftest import connected
from tests.verification.memory_archive import ARROW, CATALOG, archived_value

pytestmark = pytest.mark.postgresql

# What a type of the views does not hold; the query fails and says so.
REFUSED = {
    ("numeric(10,2)", "NaN"),
    ("amount", "NaN"),
    ("timestamptz", "294276-12-31 23:59:59.999999+00"),
}
TYPES = [pytest.param(each, id=each["type"]) for each in CATALOG["types"]]


@pytest.fixture(scope="module")
def connection() -> Iterator[psycopg.Connection[Row]]:
    with running_server(sample_schema=False) as server, connected(server) as connection:
        for statement in CATALOG["setup"]:
            connection.execute(statement)
        yield connection


def described(connection: psycopg.Connection[Row], type_: str, value: str) -> tuple[str, str]:
    """Return what format_type() and PostgreSQL print of a type, a domain's base, and a value."""
    connection.execute(b"DROP TABLE IF EXISTS v")
    connection.execute(f"CREATE TEMPORARY TABLE v (c {type_})".encode())
    connection.execute(f"INSERT INTO v VALUES (%s::text::{type_})".encode(), [value])
    row = connection.execute(
        b"SELECT format('%s', c) AS printed, (SELECT format_type(coalesce(nullif(typbasetype, 0),"
        b" pg_type.oid), CASE WHEN typbasetype = 0 THEN atttypmod ELSE typtypmod END)"
        b" FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid"
        b" WHERE attrelid = 'v'::regclass AND attname = 'c') AS type FROM v",
        prepare=False,
    ).fetchone()
    assert row is not None
    return row["type"], row["printed"]


def same(
    connection: psycopg.Connection[Row], type_: str, in_view: str, value: str
) -> tuple[Any, Any]:
    """Return what PostgreSQL prints of the view's text and of the value."""
    if type_ == "hstore":
        shown = ["(%s)::jsonb", "hstore_to_jsonb((%s)::text::hstore)"]
    else:
        shown = [f"format('%%s', (%s)::text::{type_})"] * 2
    row = connection.execute(
        f"SELECT {shown[0]} AS view, {shown[1]} AS database".encode(), [in_view, value]
    ).fetchone()
    assert row is not None
    return row["view"], row["database"]


def readable(text: str, kind: str) -> str:
    """Return DuckDB's text in a form that PostgreSQL reads."""
    if kind == "binary":
        return "\\x" + text
    if kind == "point":
        return text.replace("{'x': ", "(").replace(" 'y': ", "").replace("}", ")")
    if " (BC)" in text:
        return text.replace(" (BC)", "") + " BC"
    return {"true": "1", "false": "0"}.get(text, text) if kind == "bit" else text


def archived(
    connection: psycopg.Connection[Row], each: dict[str, Any], values: list[dict[str, str]]
) -> tuple[dict[str, ArchivedFiles | None], dict[str, DescribedTable], str]:
    """Return an archive of a table with a column of a type, the table, and the values' kind."""
    rows, type_ = [], ""
    for number, value in enumerate(values):
        type_, printed = described(connection, each["type"], value["value"])
        content = archived_value(each["archive"], value.get("archived", printed))
        rows.append(change("c", 1 + number, {"id": number, "c": content}))
    kind = PostgresType.parse(type_).kind
    columns = {"id": pa.int32(), "c": ARROW[each["archive"]]}
    stored = [StoredColumn("id", "id", "integer"), StoredColumn("c", "c", kind)]
    table = DescribedTable(("id",), (("id", "integer"), ("c", type_)))
    return {"public.t": in_memory(rows, columns, stored)}, {"public.t": table}, kind


@pytest.mark.parametrize("each", TYPES)
def test_values_are_postgresqls(connection: psycopg.Connection[Row], each: dict[str, Any]) -> None:
    values = [one for one in each["values"] if (each["type"], one["value"]) not in REFUSED]
    files, tables, kind = archived(connection, each, values)
    shown = "lower(hex(c))" if kind == "binary" else "c"
    with session(files, tables) as opened:
        present = query(opened, f"SELECT {shown} FROM t ORDER BY id")
        history = query(opened, f"SELECT {shown} FROM t_changes ORDER BY id")
    assert present == history
    for (text,), value in zip(present, values, strict=True):
        readable_kind = "bit" if each["type"] == "bit" else kind
        in_view, in_database = same(
            connection, each["type"], readable(text, readable_kind), value["value"]
        )
        assert in_view == in_database


@pytest.mark.parametrize(("type_", "value"), sorted(REFUSED))
def test_a_value_that_the_type_does_not_hold_fails_the_query(
    connection: psycopg.Connection[Row], type_: str, value: str
) -> None:
    each = next(one for one in CATALOG["types"] if one["type"] == type_)
    files, tables, _ = archived(connection, each, [{"value": value}])
    with session(files, tables) as opened, pytest.raises(duckdb.ConversionException):
        query(opened, "SELECT c FROM t")
    with session(files, tables, as_archived=True) as opened:
        assert len(query(opened, "SELECT c FROM t")) == 1
