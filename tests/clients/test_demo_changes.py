"""A change has one form, whether it was committed or read back from the archive."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from demo.changes import Captured, as_archived

PRODUCTS = Captured("public.products", ("id", "price", "made"), keeps_deleted_values=True)
ROW = {"id": 7, "price": Decimal("10.50"), "made": datetime(2026, 1, 2, 3, 4, 5, 678901)}
RECORD = {
    "id": 7,
    "price": "10.50",
    "made": 1767323045678901,
    "__op": "u",
    "__deleted": "false",
    "__source_lsn": 4711,
    "__topic": "postgres.public.products",
}


@pytest.mark.parametrize(
    ("value", "archived"),
    [
        (None, None),
        ("", ""),
        (0, 0),
        (Decimal("10.50"), "10.50"),
        (Decimal("0.00"), "0.00"),
        (Decimal("1E+2"), "100"),
        (datetime(1970, 1, 1), 0),
        (datetime(1969, 12, 31, 23, 59, 59, 999999), -1),
        (datetime(2026, 1, 2, 3, 4, 5, 678901), 1767323045678901),
    ],
)
def test_values_in_their_archived_form(value: object, archived: object) -> None:
    assert as_archived(value) == archived


@pytest.mark.parametrize("value", [1.5, b"x", datetime(2026, 1, 1, tzinfo=UTC)])
def test_a_type_we_know_nothing_of_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="no archived form"):
        as_archived(value)


def test_what_was_committed_equals_what_is_read_back() -> None:
    found = PRODUCTS.archived(pa.Table.from_pylist([RECORD]))
    assert [each.change for each in found] == [PRODUCTS.committed("u", ROW)]
    assert found[0].lsn == 4711


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": 8},
        {"price": "10.5"},
        {"price": None},
        {"made": RECORD["made"] - 1},  # type: ignore[operator]
        {"made": RECORD["made"] // 1000},  # type: ignore[operator]
        {"__op": "c"},
        {"__deleted": "true"},
    ],
)
def test_any_difference_makes_another_change(wrong: dict[str, Any]) -> None:
    found = PRODUCTS.archived(pa.Table.from_pylist([{**RECORD, **wrong}]))
    assert found[0].change != PRODUCTS.committed("u", ROW)


def test_a_delete_must_be_marked() -> None:
    marked = pa.Table.from_pylist([{**RECORD, "__op": "d", "__deleted": "true"}])
    unmarked = pa.Table.from_pylist([{**RECORD, "__op": "d", "__deleted": "false"}])
    deleted = PRODUCTS.committed("d", ROW)
    assert PRODUCTS.archived(marked)[0].change == deleted
    assert PRODUCTS.archived(unmarked)[0].change != deleted


def test_without_full_identity_a_delete_is_its_key() -> None:
    by_key = Captured(PRODUCTS.table, PRODUCTS.columns, keeps_deleted_values=False)
    record = {**RECORD, "price": "", "made": 0, "__op": "d", "__deleted": "true"}
    archived = by_key.archived(pa.Table.from_pylist([record]))[0].change
    assert archived == by_key.committed("d", ROW)
    assert archived != by_key.committed("d", {**ROW, "id": 8})
    assert archived != PRODUCTS.committed("d", ROW)
