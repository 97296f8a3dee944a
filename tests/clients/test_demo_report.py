"""The demo's last line and exit follow from the comparison."""

from dataclasses import replace
from io import StringIO

import pyarrow as pa
from rich.console import Console

from clients.archive import NOTHING_YET
from demo.changes import Captured, Change
from demo.comparison import StateDifference, compare
from demo.report import last_line, print_result
from demo.run import Result

USERS = Captured("public.users", ("id", "email"), keeps_deleted_values=True)
INSERT = Change("public.users", "c", 1, (1, "a@example.com"))
DELETE = Change("public.users", "d", 1, (1, "a@example.com"))
GOOD = Result(
    tables=(USERS,),
    changes=(INSERT, DELETE),
    comparison=compare([INSERT, DELETE], [INSERT, DELETE]),
    differences=[],
    delays={"public.users": [1.0, 2.0, 9.0]},
)


class Nowhere:
    """An archive that holds nothing."""

    def changes(self, table: str, since_lsn: int = 0) -> pa.Table:
        return NOTHING_YET

    def location(self, table: str) -> str:
        return f"s3://bucket/topics/{table}/"


def printed(result: Result) -> list[str]:
    """The lines of a report."""
    text = StringIO()
    print_result(Console(file=text, width=160), result, Nowhere())
    return text.getvalue().splitlines()


def test_the_last_line_of_a_good_run() -> None:
    assert GOOD.agrees
    assert printed(GOOD)[-1] == "demo: 2 changes, 2 archived, 0 missing, 0 duplicated"


def test_the_table_tells_median_and_maximum() -> None:
    assert any(
        "2.0 / 9.0" in line and "s3://bucket/topics/public.users/" in line for line in printed(GOOD)
    )


def test_a_missing_change_is_counted_and_shown() -> None:
    bad = replace(GOOD, comparison=compare([INSERT, DELETE], [INSERT]))
    assert not bad.agrees
    assert printed(bad)[-1] == "demo: 2 changes, 1 archived, 1 missing, 0 duplicated"
    assert any("public.users d 1" in line for line in printed(bad))


def test_a_duplicated_change_is_counted() -> None:
    bad = replace(GOOD, comparison=compare([INSERT], [INSERT, INSERT]))
    assert not bad.agrees
    assert last_line(bad) == "demo: 1 changes, 1 archived, 0 missing, 1 duplicated"


def test_an_unexpected_change_is_not_hidden_behind_zeros() -> None:
    bad = replace(GOOD, comparison=compare([INSERT], [INSERT, DELETE]))
    assert not bad.agrees
    assert last_line(bad).endswith("0 missing, 0 duplicated, 1 unexpected")


def test_another_final_row_is_not_hidden_behind_zeros() -> None:
    bad = replace(GOOD, differences=[StateDifference("public.users", 1, (1, "a"), None)])
    assert not bad.agrees
    assert last_line(bad).endswith("1 rows differ in the end")
