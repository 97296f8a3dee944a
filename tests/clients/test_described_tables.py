"""Keys and types of captured tables where PostgreSQL can't be asked, or no longer has a table."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import cast

import pytest

from clients import described_tables
from clients.described_tables import DescribedTable
from clients.stack import StackError, StackOutputs

OUTPUTS = cast(
    StackOutputs,
    SimpleNamespace(
        tables=("public.t", "public.u"),
        keys={"public.t": ("id",)},
        columns={"public.t": (("id", "integer"),)},
        excluded_columns={},
    ),
)
CONNECT = "clients.database.connect"
RECORDED = {
    "public.t": DescribedTable(("id",), (("id", "integer"),)),
    "public.u": DescribedTable(None, ()),
}


def test_without_postgresql_the_outputs_are_used_and_the_reason_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: StackOutputs) -> None:
        raise StackError("can't connect to PostgreSQL at localhost:1")

    monkeypatch.setattr(CONNECT, refuse)
    notes: list[str] = []
    assert described_tables.described_tables(OUTPUTS, notes.append) == RECORDED
    assert notes == [
        "PostgreSQL was not asked: can't connect to PostgreSQL at localhost:1. Keys and types are"
        " those of the last make up"
    ]


def test_a_table_that_is_gone_has_the_key_and_types_of_the_last_update(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    present = {"public.u": DescribedTable(("a", "b"), (("a", "uuid"), ("b", "date")))}

    @contextmanager
    def connect(_: StackOutputs) -> Iterator[None]:
        yield None

    monkeypatch.setattr(CONNECT, connect)
    monkeypatch.setattr(described_tables, "present_tables", lambda *_: present)
    notes: list[str] = []
    found = described_tables.described_tables(OUTPUTS, notes.append)
    assert found == {"public.t": RECORDED["public.t"], **present}
    assert notes == [
        "PostgreSQL no longer has public.t; its key and types are those of the last make up"
    ]
