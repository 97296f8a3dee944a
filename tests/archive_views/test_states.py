"""The present state is that of a plain model and of the verification, for any history."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.described_tables import DescribedTable
from tests.archive_views.memory_files import change, in_memory, query, session
from tests.verification.memory_archive import CHANGE_COLUMNS, MemoryTable
from verification.archive_state import COUNTED, LATEST, ArchiveState
from verification.column_form import ColumnType, form_of
from verification.database import Buckets
from verification.source_table import SourceColumn, SourceTable

COLUMNS = {"id": pa.int32(), "part": pa.string(), "v": pa.string()}
TYPES = {"id": "int4", "part": "text", "v": "text"}
DECLARED = (("id", "integer"), ("part", "text"), ("v", "text"))


class Row(NamedTuple):
    """A row of the table."""

    id: int
    part: str
    v: str | None


@dataclass
class Model:
    """A table with a key, the changes that capture it, and its rows at each position."""

    key_length: int
    rows: dict[Any, Row] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)
    states: dict[int, Counter[Row]] = field(default_factory=dict)
    lsn: int = 0

    def key(self, row: Row) -> Any:
        return row[: self.key_length] if self.key_length else object()

    def apply(self, action: str, row: Row, target: int) -> None:
        self.lsn += 10
        present = sorted(self.rows.items(), key=lambda each: str(each[1]))
        old = present[target % len(present)] if present else None
        if action == "insert" and self.key(row) not in self.rows:
            self._put("c", row)
        elif action == "update" and old and self.key_length:
            self._put("u", Row(old[1].id, old[1].part if self.key_length > 1 else row.part, row.v))
        elif action == "move" and old and self.key_length and self.key(row) not in self.rows:
            del self.rows[old[0]]
            self._add("d", old[1])
            self._put("c", row)
        elif action == "delete" and old:
            del self.rows[old[0]]
            self._add("d", old[1])
        elif action == "truncate":
            self.rows.clear()
            self._add("t", None)
        elif action == "read again":
            # Rows of a first read have one position, after that of the TRUNCATE before them.
            self._add("t", None)
            self.lsn += 1
            for each in self.rows.values():
                self._add("r", each)
        self.states[self.lsn] = Counter(self.rows.values())

    def _put(self, operation: str, row: Row) -> None:
        self.rows[self.key(row)] = row
        self._add(operation, row)

    def _add(self, operation: str, row: Row | None) -> None:
        values: Mapping[str, Any] = dict(zip(COLUMNS, row or (None, None, None), strict=True))
        self.changes.append(change(operation, self.lsn, values))


ACTIONS = st.sampled_from(
    ["insert", "insert", "insert", "update", "move", "delete", "truncate", "read again"]
)
ROWS = st.builds(
    Row,
    st.integers(0, 4),
    st.sampled_from(["", "a", "b'\""]),
    st.sampled_from([None, "", "x", "NULL"]),
)
HISTORIES = st.lists(st.tuples(ACTIONS, ROWS, st.integers(0, 7)), min_size=1, max_size=25)


def played(key_length: int, history: list[tuple[str, Row, int]]) -> Model:
    model = Model(key_length)
    for action, row, target in history:
        model.apply(action, row, target)
    return model


def present(model: Model, key: tuple[str, ...], at: datetime | None = None) -> Counter[Row]:
    files = in_memory(reversed(model.changes), COLUMNS)
    tables = {"public.t": DescribedTable(key, DECLARED)}
    with session({"public.t": files}, tables, at=at) as opened:
        return Counter(
            Row(int(id_), part, v) for id_, part, v in query(opened, "SELECT id, part, v FROM t")
        )


@pytest.mark.parametrize("key", [("id",), ("id", "part"), ()])
@settings(max_examples=15)
@given(history=HISTORIES, data=st.data())
def test_the_present_is_the_models(
    key: tuple[str, ...], history: list[tuple[str, Row, int]], data: st.DataObject
) -> None:
    model = played(len(key), history)
    assert present(model, key) == model.states[model.lsn]
    then = data.draw(st.sampled_from(sorted(model.states)))
    at = datetime.fromtimestamp(then / 1000, UTC)
    assert present(model, key, at) == model.states[then]


@pytest.mark.parametrize("key", [("id",), ("id", "part"), ()])
@settings(max_examples=10)
@given(history=HISTORIES)
def test_the_present_is_the_verifications(
    key: tuple[str, ...], history: list[tuple[str, Row, int]]
) -> None:
    model = played(len(key), history)
    assert digests(present(model, key)) == verified(model, key)


def digests(rows: Counter[Row]) -> Counter[int]:
    """Return the hash of each row as the verification has it."""
    found: Counter[int] = Counter()
    for row, count in rows.items():
        text = "\x1f".join("\x1e" if value is None else str(value) for value in row)
        digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:16]
        found[int(digest, 16)] += count
    return found


def verified(model: Model, key: tuple[str, ...]) -> Counter[int]:
    """Return the hashes of the rows of which the verification takes the table to consist."""
    columns = {}
    for name, type_ in TYPES.items():
        form = form_of(ColumnType(type_))
        assert form is not None
        columns[name] = SourceColumn(name, ColumnType(type_), form)
    source = SourceTable(
        "public.t", tuple(columns.values()), tuple(columns[name] for name in key), 1
    )
    archive = MemoryTable(COLUMNS)
    archive.files["1"] = pa.Table.from_pylist(
        model.changes, schema=pa.schema({**COLUMNS, **CHANGE_COLUMNS})
    )
    with duckdb.connect() as database:
        state = ArchiveState(database, lambda *_: archive, source, Buckets(1))
        state.refresh(lambda _: None)
        latest = f"SELECT digest, 1 FROM ({LATEST}) WHERE position % 2 = 1"
        counted = f"SELECT digest, rows FROM ({COUNTED}) WHERE rows <> 0"
        rows = database.execute(latest if key else counted, state.bounds(model.lsn)).fetchall()
    found: Counter[int] = Counter()
    for digest, count in rows:
        found[int(digest)] += int(count)
    return found
