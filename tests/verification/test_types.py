"""Every value of every type of docs/types.json compares as equal, and as different from another."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pytest

from tests.verification.conftest import Database
from tests.verification.memory_archive import ARROW, CATALOG, archived_value

pytestmark = pytest.mark.postgresql

TYPES = {f"c{number}": each for number, each in enumerate(CATALOG["types"])}
KINDS = {"id": pa.int32(), **{name: ARROW[each["archive"]] for name, each in TYPES.items()}}
# The last row is NULL in every column.
ROWS = 1 + max(len(each["values"]) for each in TYPES.values())


def stated(name: str, number: int) -> dict[str, str] | None:
    """Return the n-th value of a column's type; None beyond the last."""
    values = TYPES[name]["values"]
    return values[number] if number < len(values) else None


def insert(database: Database, numbers: Iterable[int]) -> list[dict[str, Any]]:
    """Insert rows of these values into a new table; return them as the archive has them."""
    columns = ", ".join(f"{name} {each['type']}" for name, each in TYPES.items())
    database.execute(f"CREATE TABLE all_types (id int PRIMARY KEY, {columns})")
    holders = ", ".join(f"%s::text::{each['type']}" for each in TYPES.values())
    rows = []
    for key, number in enumerate(numbers):
        values = [(stated(name, number) or {}).get("value") for name in TYPES]
        database.execute(f"INSERT INTO all_types VALUES (%s, {holders})", [key, *values])  # noqa: S608
        rows.append({"id": key, **archived(database, key, number)})
    return rows


def archived(database: Database, key: int, number: int) -> dict[str, Any]:
    """Return a row's values as the archive has them: as PostgreSQL prints them, or as stated."""
    printed = ", ".join(
        f"CASE WHEN num_nulls({name}) = 0 THEN format('%s', {name}) END AS {name}" for name in TYPES
    )
    query = f"SELECT {printed} FROM all_types WHERE id = {key}"  # noqa: S608
    row = database.connection.execute(query.encode()).fetchone()
    assert row is not None
    return {
        name: archived_value(
            each["archive"], (stated(name, number) or {}).get("archived", row[name])
        )
        for name, each in TYPES.items()
    }


@pytest.mark.parametrize("operation", ["r", "c"])
def test_every_value_is_equal(database: Database, operation: str) -> None:
    rows = insert(database, range(ROWS))
    database.archived("all_types", KINDS).add(operation, rows)
    result = database.compare("public.all_types")
    assert (result.error, result.examples, result.notes) == (None, (), ())
    assert (result.rows, result.equal) == (ROWS, ROWS)


@pytest.mark.parametrize("number", range(ROWS - 1))
def test_another_value_in_one_column_is_found_in_that_column(
    database: Database, number: int
) -> None:
    """Each row has the wrong value in another column: NULL, or of NULL the type's first value."""
    rows = insert(database, [number] * len(TYPES))
    for row, (name, each) in zip(rows, TYPES.items(), strict=True):
        row[name] = (
            None
            if row[name] is not None
            else archived_value(
                each["archive"], each["values"][0].get("archived", each["values"][0]["value"])
            )
        )
    database.archived("all_types", KINDS).add("c", rows)
    result = database.compare("public.all_types")
    assert result.different == len(TYPES)
    assert result.columns == dict.fromkeys(TYPES, 1)
