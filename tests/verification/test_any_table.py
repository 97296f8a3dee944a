"""Any table of any types compares as equal, and any one value that is changed is found."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.verification.conftest import Database
from tests.verification.memory_archive import ARROW, CATALOG, MemoryTable, archived_value
from verification.prepared_values import postgres_float

pytestmark = pytest.mark.postgresql

EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True)
class Value:
    """A value as PostgreSQL reads it and as the archive holds it."""

    text: str
    archived: Any


@dataclass(frozen=True)
class Type:
    """A type, its values, and its type in the archive."""

    name: str
    kind: pa.DataType
    values: st.SearchStrategy[Value]


def _catalogued(each: dict[str, Any]) -> st.SearchStrategy[Value] | None:
    """Return the values whose archived form docs/types.json states."""
    stated = [
        Value(value["value"], archived_value(each["archive"], value["archived"]))
        for value in each["values"]
        if "archived" in value
    ]
    return st.sampled_from(stated) if stated else None


def _hstore(pairs: dict[str, str | None]) -> Value:
    def quoted(text: str | None, null: str) -> str:
        if text is None:
            return null
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    written = ",".join(
        f"{quoted(key, '')}=>{quoted(value, 'NULL')}" for key, value in pairs.items()
    )
    archived = ",".join(
        f"{quoted(key, '')}:{quoted(value, 'null')}".replace("\n", "\\n")
        for key, value in reversed(pairs.items())
    )
    return Value(written, f"{{{archived}}}")


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30)
INTEGERS = {"int2": 15, "int4": 31, "int8": 63}
TYPES = [
    *(
        Type(name, pa.int64() if bits == 63 else pa.int32(),
             st.integers(-(2**bits), 2**bits - 1).map(lambda number: Value(str(number), number)))
        for name, bits in INTEGERS.items()
    ),
    Type("float8", pa.float64(), st.floats().map(lambda number: Value(repr(number), number))),
    Type("float4", pa.float32(),
         st.floats(width=32).map(lambda number: Value(repr(number), number))),
    Type("text", pa.string(), TEXT.map(lambda text: Value(text, text))),
    Type("bytea", pa.binary(),
         st.binary(max_size=20).map(lambda data: Value(f"\\x{data.hex()}", data))),
    Type("uuid", pa.string(),
         st.uuids().map(lambda value: Value(str(value), str(uuid.UUID(str(value)))))),
    Type("date", pa.int32(), st.dates().map(
        lambda day: Value(day.isoformat(), (day - date(1970, 1, 1)).days))),
    Type("timestamp", pa.int64(), st.datetimes().map(
        lambda at: Value(at.isoformat(), (at - EPOCH) // timedelta(microseconds=1)))),
    Type("timestamptz", pa.string(), st.datetimes().map(
        lambda at: Value(f"{at.isoformat()}+00", f"{at.isoformat(timespec='microseconds')}Z"))),
    Type("numeric", pa.string(), st.decimals(allow_nan=False, allow_infinity=False, places=4).map(
        lambda number: Value(format(number, "f"), format(number, "f")))),
    Type("bit(12)", pa.binary(), st.integers(0, 2**12 - 1).map(
        lambda bits: Value(f"{bits:012b}", bits.to_bytes(2, "little")))),
    Type("hstore", pa.string(), st.dictionaries(st.sampled_from(["b", "a", "aa", 'q"']),
         st.none() | st.sampled_from(["", "x", "ü\n"])).map(_hstore)),
    *(
        Type(each["type"], ARROW[each["archive"]], values)
        for each in CATALOG["types"]
        if (values := _catalogued(each)) is not None
    ),
]  # fmt: skip


@dataclass(frozen=True)
class Rows:
    """A table's types and rows; one row and column are chosen."""

    types: list[Type]
    rows: list[list[Value | None]]
    row: int
    column: int
    other: Value | None
    """of the chosen column's type"""


@st.composite
def tables(draw: st.DrawFn) -> Rows:
    types = draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=8))
    count = draw(st.integers(1, 12))
    rows = [[draw(st.none() | each.values) for each in types] for _ in range(count)]
    row, column = draw(st.integers(0, count - 1)), draw(st.integers(0, len(types) - 1))
    return Rows(types, rows, row, column, draw(st.none() | types[column].values))


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(tables())
def test_any_table(database: Database, table: Rows) -> None:
    columns = ", ".join(f"c{number} {each.name}" for number, each in enumerate(table.types))
    database.execute("DROP TABLE IF EXISTS t")
    database.execute(f"CREATE TABLE t (id int PRIMARY KEY, {columns})")
    holders = ", ".join(f"%s::text::{each.name}" for each in table.types)
    for number, row in enumerate(table.rows):
        values = [value and value.text for value in row]
        database.execute(f"INSERT INTO t VALUES (%s, {holders})", [number, *values])  # noqa: S608
    kinds = {f"c{number}": each.kind for number, each in enumerate(table.types)}
    archived = [
        {"id": number, **{f"c{at}": value and value.archived for at, value in enumerate(row)}}
        for number, row in enumerate(table.rows)
    ]
    database.archive["public.t"] = MemoryTable({"id": pa.int32(), **kinds})
    database.archive["public.t"].add("r", archived)
    result = database.compare("public.t")
    assert (result.error, result.examples, result.equal) == (None, (), len(archived))

    name, before = f"c{table.column}", table.rows[table.row][table.column]
    if _same(before, table.other):
        return
    changed = {**archived[table.row], name: table.other and table.other.archived}
    database.archive["public.t"].add("u", [changed], 10)
    result = database.compare("public.t")
    assert result.columns == {name: 1}
    assert [example.key for example in result.examples] == [f"id={table.row}"]


def _same(one: Value | None, other: Value | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.text == other.text or repr(one.archived) == repr(other.archived)


@settings(
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.floats(allow_nan=True), min_size=1, max_size=50))
def test_floats_are_written_as_postgresql_writes_them(
    database: Database, numbers: list[float]
) -> None:
    row = database.connection.execute("SELECT %s::float8[]::text[] AS texts", [numbers]).fetchone()
    assert row is not None
    assert [postgres_float(number) for number in numbers] == row["texts"]
