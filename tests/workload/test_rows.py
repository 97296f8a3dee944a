"""The load is seeded, consistent with itself, and made of awkward values."""

from collections.abc import Iterator
from random import Random

import pytest

from workload.rows import RowMaker
from workload.schema import CHILDREN, PARENTS
from workload.shop import ACTIONS

LIVE = {"users": [1, 2], "products": [3], "orders": [4], "order_items": []}


def made(seed: int, run: str = "a") -> list[dict[str, object]]:
    """Make some rows of every table."""
    rows = RowMaker(Random(seed), run)  # noqa: S311  repeatable, not secret
    return [row for _ in range(300) for table in LIVE for row in _both(rows, table)]


def _both(rows: RowMaker, table: str) -> Iterator[dict[str, object]]:
    yield rows.new(table, LIVE)
    yield rows.changed(table)


def test_a_seed_decides_the_rows() -> None:
    assert made(seed=7) == made(seed=7)
    assert made(seed=7) != made(seed=8)


def test_runs_with_one_seed_share_no_address() -> None:
    first, second = (
        {row["email"] for row in made(seed=7, run=run) if "email" in row} for run in "ab"
    )
    assert len(first) == 300
    assert not first & second


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("stock_quantity", None),
        ("status", None),
        ("created_at", None),
        ("description", None),
        ("description", ""),
        ("stock_quantity", 0),
    ],
)
def test_nulls_and_empty_values_are_written_explicitly(column: str, value: object) -> None:
    assert any(column in row and row[column] == value for row in made(seed=7))


def test_every_table_is_inserted_updated_and_deleted() -> None:
    assert set(ACTIONS) == {
        (action, table) for action in ("insert", "update", "delete") for table in CHILDREN
    }
    assert sum(ACTIONS.values()) == 100


def test_parents_and_children_mirror_each_other() -> None:
    down = {(parent, child) for parent in CHILDREN for child, _ in CHILDREN[parent]}
    assert down == {(parent, child) for child in PARENTS for parent in PARENTS[child]}
    order = list(CHILDREN)
    assert all(order.index(parent) < order.index(child) for parent, child in down)
