"""`datapipe verify` of a stack with several databases."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from clients.stack import StackError, StackOutputs, parse_outputs
from tests.clients.stack_outputs import OUTPUTS, SHOP, TWO_SOURCES
from verification import commands
from verification.options import Log, Options
from verification.result import TableResult

ALL = ["postgres.public.users", "shop.public.users", "shop.sales.orders"]


@dataclass
class Stack:
    """A stack whose tables are equal, unless they are said to differ or to be unreachable."""

    outputs: dict[str, Any] = field(default_factory=lambda: TWO_SOURCES)
    down: dict[str, Exception] = field(default_factory=dict)
    """by source"""
    broken_after: int = 0
    """tables of a source that are compared before it goes down"""
    different: set[str] = field(default_factory=set)
    compared: list[str] = field(default_factory=list)

    def compare(
        self, own: StackOutputs, tables: Sequence[str], _options: Options, log: Log
    ) -> Iterator[TableResult]:
        for number, table in enumerate(tables):
            if own.source in self.down and number >= self.broken_after:
                raise self.down[own.source]
            log(f"{table}: reading")
            self.compared.append(f"{own.source}.{table}")
            differs = int(f"{own.source}.{table}" in self.different)
            yield TableResult(table, rows=2, equal=2 - differs, missing=differs)


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    stack = Stack()
    monkeypatch.setattr(commands, "read_outputs", lambda _: parse_outputs("sandbox", stack.outputs))
    monkeypatch.setattr(commands, "pipeline_of", lambda outputs: outputs)
    monkeypatch.setattr(commands, "compare_all", stack.compare)
    monkeypatch.setattr(commands, "_with_dead_letters", lambda _outputs, results: results)
    return stack


def discard(_message: str) -> None:
    """Ignore a line of the progress."""


def verify(
    *tables: str, source: str | None = None, log: Log = discard, print_json: bool = False
) -> int:
    return commands.verify(
        "sandbox", tables, Options(), source=source, log=log, print_json=print_json
    )


def test_every_database_is_compared_and_names_are_qualified(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    logged: list[str] = []
    assert verify(log=logged.append) == 0
    assert stack.compared == ALL
    assert logged == [f"{table}: reading" for table in ALL]
    printed = capsys.readouterr().out
    assert all(table in printed for table in ALL)
    assert "verify: 3 tables, 6 rows" in printed


def test_the_only_database_keeps_the_names_of_its_tables(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.outputs = OUTPUTS
    assert verify(print_json=True) == 0
    assert [each["table"] for each in json.loads(capsys.readouterr().out)] == ["public.users"]


@pytest.mark.parametrize(
    ("tables", "source", "compared"),
    [
        ((), "shop", ALL[1:]),
        (("sales.orders",), None, ALL[2:]),
        (("shop.public.users",), None, ALL[1:2]),
        (("public.users",), "postgres", ALL[:1]),
        (("shop.public.users", "postgres.public.users"), None, ALL[:2]),
    ],
)
def test_a_part_is_chosen(
    stack: Stack, tables: tuple[str, ...], source: str | None, compared: list[str]
) -> None:
    assert verify(*tables, source=source) == 0
    assert stack.compared == compared


def test_a_table_of_two_databases_is_not_guessed(stack: Stack) -> None:
    with pytest.raises(StackError, match="postgres and shop have a table public"):
        verify("public.users")
    with pytest.raises(StackError, match="no database 'store'"):
        verify(source="store")
    assert stack.compared == []


@pytest.mark.parametrize("error", [StackError("refused"), psycopg.OperationalError("refused")])
@pytest.mark.parametrize(("down", "others"), [("shop", ALL[:1]), ("postgres", ALL[1:])])
def test_a_database_that_is_down_hides_no_other(
    stack: Stack,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    down: str,
    others: list[str],
) -> None:
    stack.down = {down: error}
    assert verify() == commands.NOT_COMPARED
    assert stack.compared == others
    printed = capsys.readouterr().out
    missing = ", ".join(table for table in ALL if table not in others)
    assert f"{missing}: not compared: refused" in printed
    assert f"not compared completely: {missing}" in printed


def test_a_difference_is_worse_than_a_database_that_is_down(stack: Stack) -> None:
    stack.down = {"shop": StackError("refused")}
    stack.different = {"postgres.public.users"}
    assert verify() == commands.DIFFERENCES


def test_what_was_compared_before_the_database_went_down_is_kept(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.down, stack.broken_after = {"shop": psycopg.OperationalError("gone\nfor good")}, 1
    assert verify(print_json=True) == commands.NOT_COMPARED
    errors = {each["table"]: each["error"] for each in json.loads(capsys.readouterr().out)}
    assert errors == {ALL[0]: None, ALL[1]: None, ALL[2]: "gone for good"}


@pytest.mark.parametrize("outputs", [OUTPUTS, {**OUTPUTS, "sources": {"shop": SHOP}}])
def test_the_only_database_that_is_down_is_an_error(stack: Stack, outputs: dict[str, Any]) -> None:
    stack.outputs, stack.down = outputs, dict.fromkeys(outputs["sources"], StackError("refused"))
    with pytest.raises(StackError, match="refused"):
        verify()


def test_a_wal_position_is_of_one_database(stack: Stack) -> None:
    options = Options(from_lsn=4711)
    with pytest.raises(StackError, match=r"choose it with SOURCE= .*\(postgres, shop\)"):
        commands.verify("sandbox", [], options, log=discard)
    assert commands.verify("sandbox", [], options, source="shop", log=discard) == 0
    assert stack.compared == ALL[1:]
