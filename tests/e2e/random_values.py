"""Random values of PostgreSQL's types, as texts, and how each is expected in the archive.

The types are those of docs/types.json whose archived form follows from PostgreSQL's own text by an
expression in SQL. Hypothesis draws the values, so that corner cases come early.
"""

import json
import struct
from dataclasses import dataclass

import psycopg
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from clients.database import Row

Texts = st.SearchStrategy[str]

# PostgreSQL's text has neither NUL nor surrogates; xml and jsonb have no control characters either.
CHARACTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
PRINTABLE = st.characters(exclude_categories=["Cs", "Cc", "Cn"])
LETTERS = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=20)
DIGITS = st.text("0123456789", min_size=1, max_size=40)


def integers(bits: int) -> Texts:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1).map(str)


def floats(width: int) -> Texts:
    # Rounded to the width first: PostgreSQL then reads back the same number.
    form = "f" if width == 32 else "d"
    return st.floats(width=width).map(  # type: ignore[arg-type]  # 32 or 64
        lambda number: repr(struct.unpack(form, struct.pack(form, number))[0])
    )


def decimals(digits: int, places: int) -> Texts:
    """Return numbers with so many digits before and after the point at most, and NaN."""
    finite = st.tuples(
        st.sampled_from(["", "-"]),
        st.text("0123456789", min_size=1, max_size=digits),
        st.text("0123456789", max_size=places),
    ).map(lambda parts: f"{parts[0]}{parts[1]}.{parts[2]}" if parts[2] else "".join(parts))
    return finite | st.just("NaN")


def quoted(item: str | None) -> str:
    """Return an element of an array or a field of a composite as PostgreSQL reads it."""
    if item is None:
        return "NULL"
    return '"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"'


def arrays(items: Texts) -> Texts:
    """Return arrays of up to two dimensions, with NULLs."""
    flat = st.lists(st.none() | items, max_size=5)
    rows = st.integers(1, 3).flatmap(
        lambda size: st.lists(
            st.lists(st.none() | items, min_size=size, max_size=size), min_size=1, max_size=3
        )
    )

    def one(row: list[str | None]) -> str:
        return "{" + ",".join(map(quoted, row)) + "}"

    return flat.map(one) | rows.map(lambda row: "{" + ",".join(map(one, row)) + "}")


# Years of any calendar date that has a week, also before Christ, without those of the change of
# Java's calendar, whose existing rows are refused.
DAYS = st.dates().filter(lambda day: not 1582 <= day.year <= 1583).map(str)
BEFORE_CHRIST = DAYS.filter(lambda day: day < "4000").map(lambda day: f"{day} BC")
DATES = DAYS | BEFORE_CHRIST | st.sampled_from(["infinity", "-infinity"])
TIMES = st.times().map(lambda time: time.strftime("%H:%M:%S.%f"))
STAMPS = st.tuples(DAYS, TIMES).map(" ".join) | st.sampled_from(["infinity", "-infinity"])
INTERVALS = st.tuples(*[st.integers(-10000, 10000)] * 3, st.integers(-(10**12), 10**12)).map(
    lambda part: f"{part[0]} years {part[1]} mons {part[2]} days {part[3]} microseconds"
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(PRINTABLE),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(PRINTABLE), inner, max_size=4)
    ),
    max_leaves=8,
).map(json.dumps)
ADDRESSES = st.ip_addresses().map(str)
TEXT = st.text(CHARACTERS, max_size=60)

# By type: its values.
VALUES: dict[str, Texts] = {
    "boolean": st.sampled_from(["t", "f"]),
    "smallint": integers(16),
    "integer": integers(32),
    "bigint": integers(64),
    "real": floats(32),
    "double precision": floats(64),
    "numeric": decimals(60, 40),
    "numeric(10,2)": decimals(8, 2),
    "numeric(3,5)": st.integers(-999, 999).map(lambda number: f"{number}e-5"),
    "money": decimals(13, 2).filter(lambda text: text != "NaN"),
    "text": TEXT,
    "varchar(10)": st.text(CHARACTERS, max_size=10),
    "citext": TEXT,
    "name": st.text("aé日😀 \"'\\", max_size=15),
    "bytea": st.binary(max_size=40).map(lambda value: f"\\x{value.hex()}"),
    "date": DATES,
    "time": TIMES,
    "timestamp": STAMPS,
    "timestamp(3)": STAMPS,
    "interval": INTERVALS,
    "uuid": st.uuids().map(str),
    "json": JSON,
    "jsonb": JSON.filter(lambda text: "\\u0000" not in text),
    "cidr": ADDRESSES,
    "macaddr": st.binary(min_size=6, max_size=6).map(lambda value: value.hex(":")),
    "varbit": st.text("01", max_size=80),
    "int4range": st.tuples(st.integers(-(2**31), 0), st.integers(0, 2**31 - 1)).map(
        lambda ends: f"[{ends[0]},{ends[1]})"
    ),
    "pg_lsn": st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)).map(
        lambda halves: f"{halves[0]:X}/{halves[1]:X}"
    ),
    "oid": st.integers(0, 2**32 - 1).map(str),
    "xid8": st.integers(0, 2**64 - 1).map(str),
    "mood": st.sampled_from(["sad", "ok", "happy", "two words"]),
    "amount": decimals(10, 2),
    "pair": st.tuples(integers(32), TEXT).map(lambda part: f"({part[0]},{quoted(part[1])})"),
    "ltree": st.lists(LETTERS, min_size=1, max_size=5).map(".".join),
    "tsvector": st.lists(LETTERS, max_size=6).map(" ".join),
    "int[]": arrays(integers(32)),
    "text[]": arrays(TEXT),
    "numeric[]": arrays(decimals(30, 10)),
    "double precision[]": arrays(floats(64)),
    "timestamp[]": arrays(STAMPS),
    "uuid[]": arrays(st.uuids().map(str)),
    "jsonb[]": arrays(JSON.filter(lambda text: "\\u0000" not in text)),
    "interval[]": arrays(INTERVALS),
    "bytea[]": arrays(st.binary(max_size=10).map(lambda value: f"\\x{value.hex()}")),
}

_MICROSECONDS = (
    "CASE {c} WHEN 'infinity' THEN '9223372036854775807' WHEN '-infinity' THEN"
    " '-9223372036854775808' ELSE (extract(epoch FROM {c}) * 1000000)::bigint::text END"
)
# By type: the expression that gives the archived value as text, where it is not the value's own.
EXPECTED: dict[str, str] = {
    "boolean": "initcap({c}::text)",
    "bytea": "translate(encode({c}, 'base64'), E'\\n', '')",
    "date": "CASE {c} WHEN 'infinity' THEN '2147483647' WHEN '-infinity' THEN '-2147483648'"
    " ELSE ({c} - date '1970-01-01')::text END",
    "money": "translate({c}::text, '$,', '')",
    "time": "(extract(epoch FROM {c}) * 1000000)::bigint::text",
    "timestamp": _MICROSECONDS,
    "timestamp(3)": _MICROSECONDS,
}


def draw(values: Texts, count: int) -> list[str]:
    """Return `count` of the values, or all if there are fewer."""
    drawn: list[str] = []

    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(values)
    def collect(value: str) -> None:
        drawn.append(value)

    collect()
    return drawn


@dataclass(frozen=True)
class RandomTable:
    """A table with a column of each type, whose rows are drawn once."""

    name: str
    rows: int

    def create(self, connection: psycopg.Connection[Row]) -> None:
        """Create the table with its rows, whose ids begin at 0."""
        columns = ", ".join(f"c{number} {kind}" for number, kind in enumerate(VALUES))
        connection.execute(f"CREATE TABLE {self.name} (id int PRIMARY KEY, {columns})")
        drawn = [draw(values, self.rows) for values in VALUES.values()]
        holders = ", ".join(f"%s::text::{kind}" for kind in VALUES)
        for row in range(self.rows):
            values = [column[row % len(column)] for column in drawn]
            connection.execute(f"INSERT INTO {self.name} VALUES (%s, {holders})", [row, *values])  # noqa: S608

    def repeat(self, connection: psycopg.Connection[Row]) -> None:
        """Insert the same rows again, with ids that begin at `rows`."""
        columns = ", ".join(f"c{number}" for number in range(len(VALUES)))
        connection.execute(
            f"INSERT INTO {self.name} SELECT id + {self.rows}, {columns} FROM {self.name}"  # noqa: S608
        )

    def expected(
        self, connection: psycopg.Connection[Row], number: int, kind: str
    ) -> dict[int, str]:
        """Return the archived texts of a column by row, as PostgreSQL's own text has them."""
        text = EXPECTED.get(kind, "format('%%s', {c})").format(c=f"c{number}")
        found = connection.execute(f"SELECT id, {text} AS text FROM {self.name}", []).fetchall()  # noqa: S608
        return {row["id"]: row["text"] for row in found}
