"""Changed tables of several databases are repaired by one update, and read again on request."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from clients.captured_tables import Finding
from clients.recover import tables as module
from clients.recover.tables import READ_AGAIN, recover_tables
from clients.stack import StackError, StackOutputs, parse_outputs
from components.source.existing import database
from tests.clients.stack_outputs import TWO_SOURCES

POSTGRES, SHOP = parse_outputs("sandbox", TWO_SOURCES).each()
MISSED = Finding("missed", "public.users", "it was replaced")


@dataclass
class Stack:
    """A stack whose databases have these findings until it is updated."""

    found: dict[str, list[Finding] | StackError] = field(default_factory=dict)
    after: dict[str, list[Finding] | StackError] = field(default_factory=dict)
    update: int = 0
    """exit code of make up"""
    updates: list[str] = field(default_factory=list)
    """what each was to read again"""
    forgotten: list[tuple[str, Sequence[str]]] = field(default_factory=list)

    def ask(self, own: StackOutputs, _cluster: object) -> list[Finding]:
        known = self.after if self.updates else self.found
        answer = known.get(own.source, [])
        if isinstance(answer, StackError):
            raise answer
        return answer

    def run(self, *_: object, env: dict[str, str], **__: object) -> Any:
        self.updates.append(env[READ_AGAIN])
        return SimpleNamespace(returncode=self.update)


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    stack = Stack()
    monkeypatch.setattr(module, "Cluster", lambda _: None)
    monkeypatch.setattr(module, "findings", stack.ask)
    monkeypatch.setattr(subprocess, "run", stack.run)
    monkeypatch.setattr(
        module, "_forget", lambda own, tables: stack.forgotten.append((own.source, tables))
    )
    return stack


def recover(*again: tuple[StackOutputs, Sequence[str]]) -> list[str]:
    """Recover both databases; return the tables that were repaired."""
    found = recover_tables("sandbox", [POSTGRES, SHOP], again, lambda _: None)
    return [str(finding.table) for finding in found]


def test_nothing_is_updated_where_nothing_has_changed(stack: Stack) -> None:
    assert recover() == []
    assert stack.updates == []


def test_one_update_repairs_all_databases(stack: Stack) -> None:
    stack.found = {"postgres": [MISSED], "shop": [MISSED]}
    assert recover() == ["postgres.public.users", "shop.public.users"]
    assert stack.updates == [""]


def test_a_database_that_is_down_keeps_no_other_from_its_repair(stack: Stack) -> None:
    stack.found = {"postgres": StackError("can't\nconnect"), "shop": [MISSED]}
    stack.after = {"postgres": StackError("can't\nconnect")}
    with pytest.raises(StackError, match="the others are finished:\n  postgres: can't connect"):
        recover()
    assert stack.updates == [""]


def test_the_error_of_the_only_database_is_raised_as_it_is(stack: Stack) -> None:
    stack.found = {"shop": StackError("can't connect")}
    with pytest.raises(StackError, match=r"^can't connect$"):
        recover_tables("sandbox", [SHOP], [], lambda _: None)


def test_what_the_user_must_repair_is_qualified(stack: Stack) -> None:
    stack.found = {"shop": [Finding("refused", "public.users", "it has no key")]}
    with pytest.raises(StackError, match=r"repaired first:\n  shop\.public\.users: it has no key"):
        recover()
    assert stack.updates == []


@pytest.mark.parametrize(("update", "message"), [(1, "make up failed"), (0, "did not repair")])
def test_an_update_that_repairs_nothing_is_an_error(
    stack: Stack, update: int, message: str
) -> None:
    stack.found = stack.after = {"shop": [MISSED]}
    stack.update = update
    with pytest.raises(StackError, match=message):
        recover()


def test_tables_of_an_existing_database_are_read_again_by_the_update(stack: Stack) -> None:
    assert recover((SHOP, ["public.users", "sales.orders"])) == [
        "shop.public.users",
        "shop.sales.orders",
    ]
    assert stack.updates == ["shop.public.users,shop.sales.orders"]
    assert stack.forgotten == []


def test_tables_of_the_managed_database_are_forgotten_in_it(stack: Stack) -> None:
    stack.found = {"postgres": [MISSED]}
    assert recover((POSTGRES, ["public.users"])) == ["postgres.public.users"]
    assert stack.forgotten == [("postgres", ["public.users"])]
    assert stack.updates == [""]


def test_the_update_gets_its_tables_by_the_variable_that_it_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert READ_AGAIN == database.READ_AGAIN
    monkeypatch.setenv(READ_AGAIN, "shop.public.users,shop_2.public.t,shop.sales.orders")
    assert database._to_read_again("shop") == ["public.users", "sales.orders"]
    assert database._to_read_again("shop_2") == ["public.t"]
    assert database._to_read_again("store") == []
    monkeypatch.setenv(READ_AGAIN, "")
    assert database._to_read_again("shop") == []
