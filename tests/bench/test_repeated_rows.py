"""Rows of a snapshot that are in the archive more than once are counted by key."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import cast

import psycopg
import pyarrow as pa
import pytest

from bench import repeated_rows as counting
from bench.repeated_rows import repeated_rows
from clients.database import Row
from clients.stack import StackError
from tests.verification.memory_archive import KnownPosition, MemoryTable
from verification.column_form import PRINTED, ColumnType
from verification.pipeline import Pipeline
from verification.source_table import SourceColumn, SourceTable

LINES, PARTS = "public.lineitem", "public.part"
KEYS = {LINES: ("l_orderkey", "l_linenumber"), PARTS: ("p_partkey",), "public.none": ()}


@contextmanager
def no_connection() -> Iterator[psycopg.Connection[Row]]:
    yield cast(psycopg.Connection[Row], None)


@pytest.fixture(autouse=True)
def known_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    def describe(_: psycopg.Connection[Row], table: str) -> SourceTable:
        key = tuple(SourceColumn(name, ColumnType("int8"), PRINTED) for name in KEYS[table])
        return SourceTable(table, key, key, estimate=0)

    monkeypatch.setattr(counting, "describe", describe)


def counted(archive: Mapping[str, MemoryTable], *tables: str) -> dict[str, int]:
    def opened(table: str, from_lsn: int) -> MemoryTable | None:
        assert from_lsn == 0
        return archive.get(table)

    pipeline = Pipeline(no_connection, opened, KnownPosition(), {})
    return repeated_rows(pipeline, tables, lambda _: None)


def lines(
    *keys: tuple[int, int], operation: str = "r", table: MemoryTable | None = None
) -> MemoryTable:
    """Add a file with these lines of orders to an archive."""
    kinds = {"l_orderkey": pa.int64(), "l_linenumber": pa.int32(), "l_comment": pa.string()}
    table = table or MemoryTable(kinds)
    table.add(
        operation,
        [{"l_orderkey": order, "l_linenumber": line, "l_comment": "x"} for order, line in keys],
    )
    return table


def test_rows_with_one_part_of_the_key_in_common_are_different_rows() -> None:
    assert counted({LINES: lines((1, 1), (1, 2), (2, 1))}, LINES) == {LINES: 0}


def test_each_further_row_of_a_key_counts_in_whichever_file_it_is() -> None:
    table = lines((1, 1), (1, 2), (1, 2))
    lines((1, 1), (3, 1), (1, 1), table=table)
    assert counted({LINES: table}, LINES) == {LINES: 3}


def test_changes_after_the_snapshot_do_not_count() -> None:
    table = lines((1, 1))
    for operation in "cud":
        lines((1, 1), operation=operation, table=table)
    table.add("t", [{"l_orderkey": None, "l_linenumber": None, "l_comment": None}])
    assert counted({LINES: table}, LINES) == {LINES: 0}


def test_tables_are_counted_apart_and_one_without_an_archive_has_none() -> None:
    parts = MemoryTable({"p_partkey": pa.int32()})
    parts.add("r", [{"p_partkey": 1}, {"p_partkey": 1}])
    archive = {LINES: lines((1, 1)), PARTS: parts}
    assert counted(archive, LINES, PARTS) == {LINES: 0, PARTS: 1}
    assert counted({}, LINES) == {LINES: 0}


def test_a_table_without_a_primary_key_is_refused() -> None:
    with pytest.raises(StackError, match=r"public\.none has no primary key"):
        counted({}, "public.none")
