"""A value in a view of Athena is DuckDB's, for every value of every type of docs/types.json."""

from typing import Any

import duckdb
import psycopg
import pytest

from archive_views.athena import AthenaTable
from clients.database import Row
from tests.archive_views.athena_in_duckdb import athena
from tests.archive_views.memory_files import query, session
from tests.archive_views.test_types import REFUSED, archived, connection
from tests.verification.memory_archive import CATALOG

__all__ = ["connection"]

pytestmark = pytest.mark.postgresql

# Of dates and times that DuckDB does not have, or reads from another form of text than Trino:
# test_athena_statements.py has the text of some.
ONLY_IN_TRINO = {
    "timestamp": ("infinity", "-infinity", "BC"),
    "timestamp(3)": ("infinity", "-infinity"),
    "timestamp(0)": ("infinity", "-infinity"),
    "stamp": ("infinity", "-infinity"),
    "timestamptz": ("infinity", "-infinity", "BC"),
    "date": ("infinity", "-infinity", "5874897-12-31"),
}
# In Athena these are the archive's texts, as PostgreSQL writes them.
TEXTS_OF_POSTGRESQL = {"interval"}


def in_both(each: dict[str, Any], value: str) -> bool:
    return (each["type"], value) not in REFUSED and not any(
        value.endswith(end) for end in ONLY_IN_TRINO.get(each["type"], ())
    )


BY_NAME: dict[str, dict[str, Any]] = {each["type"]: each for each in CATALOG["types"]}
COMPARED = [
    name
    for name, each in BY_NAME.items()
    if any(in_both(each, one["value"]) for one in each["values"])
]


@pytest.mark.parametrize("name", COMPARED)
def test_values_are_duckdbs(connection: psycopg.Connection[Row], name: str) -> None:
    each = BY_NAME[name]
    values = [one for one in each["values"] if in_both(each, one["value"])]
    files, tables, kind = archived(connection, each, values)
    [found], [described] = files.values(), tables.values()
    assert found is not None
    table = AthenaTable(
        "public.t", "t", "t", described.columns, described.key, found.columns, milliseconds=True
    )
    with session(files, tables, as_archived=each["type"] in TEXTS_OF_POSTGRESQL) as opened:
        expected = query(opened, "SELECT id, c FROM t ORDER BY id")
    in_utc = kind == "timestamptz"
    with athena([(table, found)]) as (database, _):
        shown = database.execute(
            "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (SELECT id, c FROM cdc_views.t ORDER BY id)"
        ).fetchall()
    assert [(id_, f"{text}+00" if in_utc else text) for id_, text in shown] == expected


@pytest.mark.parametrize(("type_", "value"), sorted(REFUSED))
def test_a_value_that_the_type_does_not_hold_fails_the_query(
    connection: psycopg.Connection[Row], type_: str, value: str
) -> None:
    files, tables, _ = archived(connection, BY_NAME[type_], [{"value": value}])
    [found], [described] = files.values(), tables.values()
    assert found is not None
    table = AthenaTable(
        "public.t", "t", "t", described.columns, described.key, found.columns, milliseconds=True
    )
    with athena([(table, found)]) as (database, _), pytest.raises(duckdb.ConversionException):
        database.execute("SELECT c FROM cdc_views.t").fetchall()
