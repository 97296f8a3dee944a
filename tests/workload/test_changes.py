"""A committed change has the form in which the archive holds it."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from workload.changes import CapturedTable, Change, Commit, Journal, as_archived

PRODUCTS = CapturedTable("public.products", ("id", "price", "made"))
ROW = {"id": 7, "price": Decimal("10.50"), "made": datetime(2026, 1, 2, 3, 4, 5, 678901)}


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
def test_a_type_with_an_unknown_archived_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match=r"the archived form of .* is not known"):
        as_archived(value)


def test_a_change_has_the_archived_values_in_the_tables_order() -> None:
    change = PRODUCTS.change("u", ROW)
    assert change == Change("public.products", "u", 7, (7, "10.50", 1767323045678901))
    assert PRODUCTS.records([change]).to_pylist() == [
        {"id": 7, "price": "10.50", "made": 1767323045678901, "__op": "u"}
    ]


def test_a_journal_knows_rows_keys_and_what_was_committed_by_then() -> None:
    first, second = (
        Commit((Change("t", "c", key, ()), Change("t", "d", key, ())), at=float(key))
        for key in (1, 2)
    )
    journal = Journal([first, second])
    assert journal.rows == 4
    assert journal.keys() == {"t": {1, 2}}
    assert journal.until(1.5) == [first]
    assert journal.changes() == [*first.changes, *second.changes]
