"""What the command prints and returns."""

import json
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from verification.commands import exit_code
from verification.report import as_json, last_line, print_results
from verification.result import ColumnDifference, Difference, Kind, TableResult

EQUAL = TableResult("public.users", rows=1200, equal=1200, notes=("not captured: secret",))
DIFFERENT = TableResult(
    "public.orders",
    rows=3,
    equal=1,
    missing=1,
    different=1,
    columns={"total": 1, "a": 1, "b": 1, "c": 1, "d": 1},
    examples=(
        Difference(Kind.MISSING, "id=1", None),
        Difference(Kind.DIFFERENT, "id=2", 77, (ColumnDifference("total", "12", None),)),
    ),
    explanations=("the slot was lost",),
)
FAILED = TableResult("public.items", error="PostgreSQL has no such table")
UNSETTLED = TableResult("public.hot", rows=2, equal=1, unsettled=1)


def printed(*results: TableResult, show_values: bool = False) -> str:
    console = Console(width=200, record=True, file=StringIO())
    print_results(console, results, show_values)
    return console.export_text()


def test_counts_keys_columns_and_causes_are_printed() -> None:
    text = printed(EQUAL, DIFFERENT)
    assert "public.users    1,200   1,200         0       0           0" in text
    assert "total, a, b, c and 1 more" in text
    assert "public.users: not captured: secret" in text
    assert "public.orders missing id=1\n" in text
    assert "public.orders different id=2: total, last archived change at 77" in text
    assert "public.orders: possible cause: the slot was lost" in text
    assert text.splitlines()[-1] == (
        "verify: 2 tables, 1,203 rows, 1 missing, 0 extra, 1 different"
    )


def test_values_are_printed_on_request_only() -> None:
    assert "'12'" not in printed(DIFFERENT)
    assert "--show-values" in printed(DIFFERENT)
    text = printed(DIFFERENT, show_values=True)
    assert "PostgreSQL '12'" in text
    assert "archive    NULL" in text


def test_json_has_values_on_request_only() -> None:
    documents: list[Any] = json.loads(as_json([DIFFERENT], show_values=False))
    assert documents[0]["examples"][1]["columns"] == ["total"]
    assert documents[0]["missing"] == 1
    documents = json.loads(as_json([DIFFERENT], show_values=True))
    assert documents[0]["examples"][1]["columns"][0]["in_database"] == "12"


def test_what_was_not_compared_is_named_in_the_last_line() -> None:
    assert last_line([EQUAL, FAILED, UNSETTLED]).endswith(
        "; not compared completely: public.items, public.hot"
    )
    text = printed(FAILED, UNSETTLED)
    assert "public.items: not compared: PostgreSQL has no such table" in text
    assert "public.hot: 1 rows changed in every attempt to compare them" in text


def test_a_reason_is_printed_once_for_all_of_its_tables() -> None:
    down = [TableResult(f"shop.public.t{n}", error="can't connect to shop:5432") for n in range(6)]
    text = printed(*down, FAILED)
    assert text.count("can't connect") == 1
    listed = "shop.public.t0, shop.public.t1, shop.public.t2, shop.public.t3 and 2 more"
    assert f"{listed}: not compared: can't connect to shop:5432" in text


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ([EQUAL], 0),
        ([EQUAL, DIFFERENT], 1),
        ([FAILED, DIFFERENT], 1),
        ([EQUAL, FAILED], 2),
        ([UNSETTLED], 2),
    ],
)
def test_the_exit_code(results: list[TableResult], code: int) -> None:
    assert exit_code(results) == code
