"""The demo's last line and exit follow from the comparison."""

from collections.abc import Sequence
from dataclasses import replace
from io import StringIO

import pyarrow as pa
from rich.console import Console

from clients.archive import NO_CHANGES
from demo.report import last_line, print_result
from demo.run import Result
from workload.changes import Change
from workload.differences import Example, RowDifference, TableComparison

INSERT = Change("public.users", "c", 1, (1, "a@example.com"))
DELETE = Change("public.users", "d", 1, (1, "a@example.com"))
AGREES = TableComparison("public.users", 2, 2, 0, 0, 0, examples={})
GOOD = Result(
    changes=(INSERT, DELETE),
    tables=(AGREES,),
    row_differences=(),
    delays={"public.users": [1.0, 2.0, 9.0]},
)
SHOWN = (Example(1, "d", "(1, a@example.com)"),)


class Nowhere:
    """An archive that holds nothing."""

    def changes(
        self, table: str, since_lsn: int = 0, columns: tuple[str, ...] | None = None
    ) -> pa.Table:
        return NO_CHANGES

    def location(self, table: str) -> str:
        return f"s3://bucket/topics/{table}/"


def printed(result: Result) -> Sequence[str]:
    text = StringIO()
    print_result(Console(file=text, width=160), result, Nowhere())
    return text.getvalue().splitlines()


def test_the_last_line_of_a_good_run() -> None:
    assert GOOD.agrees
    assert printed(GOOD)[-1] == "demo: 2 changes, 2 archived, 0 missing, 0 duplicated"


def test_the_table_has_operations_median_and_maximum() -> None:
    (line,) = (line for line in printed(GOOD) if line.startswith("public.users"))
    assert "1 / 0 / 1" in line
    assert "2.0 / 9.0" in line
    assert "s3://bucket/topics/public.users/" in line


def test_a_missing_change_is_counted_and_shown() -> None:
    table = replace(AGREES, archived=1, missing=1, examples={"missing": SHOWN})
    bad = replace(GOOD, tables=(table,))
    assert not bad.agrees
    assert printed(bad)[-1] == "demo: 2 changes, 1 archived, 1 missing, 0 duplicated"
    assert "  public.users d 1 (1, a@example.com)" in printed(bad)


def test_a_duplicated_change_is_counted() -> None:
    bad = replace(GOOD, tables=(replace(AGREES, archived=3, duplicated=1),))
    assert not bad.agrees
    assert last_line(bad) == "demo: 2 changes, 2 archived, 0 missing, 1 duplicated"


def test_an_altered_change_is_not_hidden_behind_zeros() -> None:
    bad = replace(GOOD, tables=(replace(AGREES, archived=3, altered=1),))
    assert not bad.agrees
    assert last_line(bad).endswith("0 missing, 0 duplicated, 1 altered")


def test_another_last_row_is_not_hidden_behind_zeros() -> None:
    bad = replace(GOOD, row_differences=(RowDifference("public.users", 1, "(1, a)", None),))
    assert not bad.agrees
    assert last_line(bad).endswith("1 rows differ from PostgreSQL")
