"""Athena's statements are in its grammar, whatever the names, and refuse what they don't know."""

import json
from dataclasses import replace

import duckdb
import pyarrow as pa
import pytest
from sqlglot import exp
from sqlglot.errors import ParseError

from archive_views.athena import (
    LONGEST_STATEMENT,
    AthenaTable,
    StatementTooLongError,
    statements,
)
from archive_views.table import StoredColumn
from archive_views.targets import Target
from archive_views.trino_dialect import TrinoDialect
from tests.archive_views.athena_in_duckdb import MACROS, athena, in_duckdb, managed, parsed
from tests.archive_views.memory_files import change, in_memory

EVENTS = "s3_cdc_events"
ODD = (
    "a b",
    'a"b',
    "it's",
    "SELECT",
    "100%",
    "a;b",
    "a--b",
    "what?",
    "/*",
    "$1",
    "{x}",
    "back\\slash",
    "a`b",
    "ümläut",
    "year",
)
ALL_KINDS = (
    ("n", "numeric(10,2)"),
    ("u", "uuid"),
    ("d", "date"),
    ("h", "time without time zone"),
    ("s", "timestamp without time zone"),
    ("z", "timestamp with time zone"),
    ("b", "bit(12)"),
    ("p", "point"),
    ("m", "money"),
    ("y", "bytea"),
    ("f", "double precision"),
    ("j", "jsonb"),
    ("i", "interval"),
    ("a", "integer[]"),
)


def table(*columns: tuple[str, str], key: tuple[str, ...] | None = ("id",)) -> AthenaTable:
    return AthenaTable("public.t", "t", "t", (("id", "integer"), *columns), key, milliseconds=True)


@pytest.mark.parametrize("key", [("id",), (), None])
@pytest.mark.parametrize("milliseconds", [True, False])
@pytest.mark.parametrize("guarded", [True, False])
def test_every_statement_is_one_of_athenas(
    key: tuple[str, ...] | None, milliseconds: bool, guarded: bool
) -> None:
    whole = replace(table(*ALL_KINDS, key=key), milliseconds=milliseconds, guarded=guarded)
    other = replace(whole, title="sales.t", name="sales_t", archived_name="sales_t")
    made = statements([managed(whole, other)])
    names = [one.name for one in made]
    assert names == ["t_changes", "t", "t_at", "sales_t_changes", "sales_t", "sales_t_at", EVENTS]
    for one in made:
        kind = exp.Query if one.name.endswith("_at") else exp.Create
        assert isinstance(parsed(one.sql), kind)


def test_no_constant_is_cast_to_a_timestamp() -> None:
    """Trino 405 makes literals of such casts, and refused that of the earliest timestamp."""
    for one in statements([managed(table(*ALL_KINDS))]):
        for cast in parsed(one.sql).find_all(exp.Cast):
            constant = isinstance(cast.this, exp.Literal)
            assert not (constant and cast.to.this == exp.DataType.Type.TIMESTAMP), cast.sql()


def test_the_grammar_is_not_one_that_takes_anything() -> None:
    with pytest.raises(ParseError):
        parsed("CREATE OR REPLACE VIEW v AS SELECT FROM WHERE (")


@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_columns_of_the_views(name: str) -> None:
    columns = {"id": pa.int32(), name: pa.string()}
    files = in_memory([change("c", 1, {"id": 1, name: "x"})], columns)
    with athena([(table((name, "text")), files)]) as (database, made):
        at = in_duckdb(made["t_at"].sql)
        for query, parameters in (
            ("SELECT * FROM cdc_views.t", []),
            (at, ["2026-11-27 10:00:00"]),
        ):
            rows = database.execute(query, parameters)
            assert [column[0] for column in rows.description or ()] == ["id", name]
            assert rows.fetchall() == [(1, "x")]
        [(after,)] = database.execute("SELECT after_data FROM cdc_views.s3_cdc_events").fetchall()
        assert json.loads(after) == {"id": 1, name: "x"}


def test_a_wide_rows_data_is_whole() -> None:
    names = [f"c{number}" for number in range(450)]
    columns = {"id": pa.int32(), **dict.fromkeys(names, pa.string())}
    row = {"id": 1, **{name: name.upper() for name in names}}
    wide = table(*((name, "text") for name in names))
    with athena([(wide, in_memory([change("c", 1, row)], columns))]) as (database, made):
        [(after,)] = database.execute("SELECT after_data FROM cdc_views.s3_cdc_events").fetchall()
    assert json.loads(after) == row
    arrays = parsed(made["s3_cdc_events"].sql).find_all(exp.Array)
    assert max(len(array.expressions) for array in arrays) <= 254


def test_a_column_that_the_views_do_not_know_fails_them() -> None:
    files = in_memory([change("c", 1, {"id": 1})], {"id": pa.int32()})
    with athena([(table(), files)]) as (database, _):
        assert database.execute("SELECT id FROM cdc_views.t").fetchall() == [(1,)]
        database.execute("ALTER TABLE cdc.t ADD COLUMN amount__float DOUBLE")
        for view in ("t", "t_changes", "s3_cdc_events"):
            with pytest.raises(duckdb.ConversionException, match="columns that this query"):
                database.execute(f"SELECT * FROM cdc_views.{view}").fetchall()


def test_values_of_an_earlier_type_are_shown() -> None:
    columns = {"id": pa.int32(), "v": pa.int32(), "v__float": pa.float64()}
    rows = [
        change("c", 1, {"id": 1, "v": 7, "v__float": None}),
        change("c", 2, {"id": 2, "v": None, "v__float": 7.9}),
    ]
    stored = (
        StoredColumn("id", "id", "integer"),
        StoredColumn("v", "v", "integer"),
        StoredColumn("v__float", "v", "float"),
    )
    changed = replace(table(("v", "double precision")), stored=stored)
    with athena([(changed, in_memory(rows, columns, stored))]) as (database, _):
        found = database.execute("SELECT id, v FROM cdc_views.t ORDER BY id").fetchall()
    assert found == [(1, 7.0), (2, 7.9)]


def test_a_table_whose_key_is_not_known_has_no_present() -> None:
    files = in_memory([change("c", 1, {"id": 1})], {"id": pa.int32()})
    with athena([(table(key=None), files)]) as (database, _):
        with pytest.raises(duckdb.ConversionException, match=r"key of public\.t is not known"):
            database.execute("SELECT * FROM cdc_views.t").fetchall()
        assert len(database.execute("SELECT * FROM cdc_views.t_changes").fetchall()) == 1


def test_a_statement_that_athena_does_not_take_is_refused() -> None:
    wide = table(*((f"column_{number:0100}", "text") for number in range(1600)))
    with pytest.raises(StatementTooLongError, match=f"at most {LONGEST_STATEMENT:,}"):
        statements([managed(wide)])


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        (2**63 - 1, "294247-01-10 04:00:54.775807"),
        (-62135596800000001, "0001-12-31 (BC) 23:59:59.999999"),
        (-1, "1969-12-31 23:59:59.999999"),
        (0, "1970-01-01 00:00:00"),
    ],
)
def test_the_text_of_a_timestamp_at_the_ends_of_the_range(microseconds: int, text: str) -> None:
    """DuckDB has no such timestamps, so the text is compared that Trino casts to one."""
    column = StoredColumn("v", "v", "timestamp")
    query = f"SELECT {TrinoDialect().typed('v', column, Target('timestamp'))} FROM t"
    cast = parsed(query).find(exp.Cast)
    assert cast is not None
    with duckdb.connect() as database:
        for macro in MACROS:
            database.execute(macro)
        database.execute("CREATE TABLE t AS SELECT $1::BIGINT AS v", [microseconds])
        shown = database.execute(in_duckdb(f"SELECT {cast.this.sql('athena')} FROM t")).fetchall()
    assert shown == [(text,)]
