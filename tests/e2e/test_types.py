"""Every type of docs/types.json arrives exactly, from rows of before and from changes alike."""

import base64
import json
import math
import os
import re
import struct
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from clients import database
from clients.archive import Archive, IcebergArchive
from clients.connect import connect_client
from clients.database import Row
from clients.stack import StackOutputs
from clients.update import changed_stack_file
from kafka_connect.status import Status
from polling import NotReadyError, poll_until
from tests.e2e.listed_tables import remove_tables
from tests.e2e.random_values import VALUES, RandomTable
from tests.e2e.table_shapes import DEFAULTS, LONG, NAMES, SHAPES
from tests.e2e.topic_records import records
from tests.engine.pulumi_project import PROJECT, STACK, Project

CATALOG = json.loads((PROJECT / "docs/types.json").read_text())
TYPES = CATALOG["types"]
ROWS = 1 + max(len(each["values"]) for each in TYPES)  # the last row is NULL in every column
ARCHIVED_SECONDS = 120
Connection = psycopg.Connection[Row]

RANDOM = RandomTable("random_values", rows=60)
EXCLUDED = {"public.partial": ["w", "x", "__op"]}
ADDED = ("all_types", RANDOM.name, *SHAPES)


def column_of(number: int) -> str:
    return f"c{number}"


def insert_rows(connection: Connection, first: int) -> None:
    """Insert every value of every type; the rows' keys begin at `first`."""
    for row in range(ROWS):
        values = [
            each["values"][row]["value"] if row < len(each["values"]) else None for each in TYPES
        ]
        holders = ", ".join(["%s", *(f"%s::text::{each['type']}" for each in TYPES)])
        connection.execute(f"INSERT INTO all_types VALUES ({holders})", [first + row, *values])  # noqa: S608


@pytest.fixture(scope="module")
def added(outputs: StackOutputs) -> Iterator[Archive]:
    """The archive after tables of all kinds were added to the stack and then changed."""
    project = Project(PROJECT, STACK, os.environ)
    tables = [f"public.{name}" for name in ADDED]
    archive = IcebergArchive(outputs.archive)
    columns = ", ".join(f"{column_of(n)} {each['type']}" for n, each in enumerate(TYPES))
    changes = {
        "datapipe:tables": [*outputs.tables, *tables],
        "datapipe:source": {"excludedColumns": EXCLUDED},
    }
    with database.connect(outputs) as connection:
        connection.execute(f"DROP TABLE IF EXISTS {', '.join(ADDED)}")
        for statement in CATALOG["setup"]:
            connection.execute(statement)
        connection.execute(f"CREATE TABLE all_types (id int PRIMARY KEY, {columns})")
        insert_rows(connection, first=0)
        RANDOM.create(connection)
        for before, _ in SHAPES.values():
            connection.execute(before)
        with changed_stack_file(STACK, changes) as file:
            project.pulumi("up", "--yes", "--skip-preview", "--config-file", str(file))
        connection.execute("SELECT pg_logical_emit_message(true, 'anything', 'stops nothing')")
        insert_rows(connection, first=1000)
        RANDOM.repeat(connection)
        for _, after in SHAPES.values():
            connection.execute(after)
        yield archive
        remove_tables(project, tables)
        connection.execute(f"DROP TABLE {', '.join(ADDED)}")
        connection.execute("DROP DOMAIN positive, short, amount, stamp, integers")
        connection.execute("DROP TYPE mood, pair")
        connection.execute("DROP SEQUENCE nulls_sequence")
    for table in tables:
        archive.purge(table)


def run_command(*arguments: str) -> str:
    """Run bin/datapipe; return what it prints."""
    command = [sys.executable, "-m", "command_line", "--stack", STACK, *arguments]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def archived(archive: Archive, table: str, count: int) -> list[dict[str, Any]]:
    """Return a table's changes in the order of the WAL once there are that many.

    The TRUNCATE with which an added table begins is not among them.
    """

    def arrived() -> list[dict[str, Any]]:
        changes: list[dict[str, Any]] = archive.changes(table).to_pylist()
        if len(changes) <= count:
            raise NotReadyError(f"{len(changes)} of {count + 1}")
        return changes

    changes = poll_until(
        arrived, timeout=ARCHIVED_SECONDS, interval=2, description=f"changes of {table}"
    )
    # All rows of a first read have one position.
    first, *others = sorted(
        changes,
        key=lambda change: (change["__source_lsn"], change["id"] is not None, change["id"]),
    )
    assert first["__op"] == "t"
    return others


def written(value: object) -> str | None:
    """Return an archived value as docs/types.json writes it."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return str({key: _part(part) for key, part in value.items()})
    return None if value is None else str(value)


def _part(value: object) -> object:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def is_same(kind: str, found: object, expected: str | None) -> bool:
    """Return whether an archived value is the expected one, floating point numbers bit by bit."""
    if kind in ("float", "double") and expected is not None and isinstance(found, float):
        form = ">f" if kind == "float" else ">d"
        number = float(expected)
        if math.isnan(number):
            return math.isnan(found)
        return struct.pack(form, found) == struct.pack(form, number)
    return written(found) == expected


def test_every_value_of_every_type_arrives_exactly(added: Archive, connection: Connection) -> None:
    changes = archived(added, "public.all_types", 2 * ROWS)
    assert [change["__op"] for change in changes] == ["r"] * ROWS + ["c"] * ROWS
    rows = {change["id"]: change for change in changes}
    wrong = []
    for number, each in enumerate(TYPES):
        column = column_of(number)
        for row in range(ROWS):
            stated = each["values"][row] if row < len(each["values"]) else None
            text = connection.execute(
                f"SELECT format('%%s', {column}) AS text, {column} IS NULL AS missing"  # noqa: S608
                " FROM all_types WHERE id = %s",
                [row],
            ).fetchone()
            assert text is not None
            expected = None if text["missing"] else text["text"]
            if stated and "archived" in stated:
                expected = stated["archived"]
            for key in (row, 1000 + row):
                if not is_same(each["archive"], rows[key][column], expected):
                    wrong.append((each["type"], rows[key]["__op"], expected, rows[key][column]))
    assert not wrong, wrong


def test_random_values_arrive_exactly(added: Archive, connection: Connection) -> None:
    changes = archived(added, f"public.{RANDOM.name}", 2 * RANDOM.rows)
    rows = {change["id"]: change for change in changes}
    kinds = {each["type"]: each["archive"] for each in TYPES}
    wrong = [
        (kind, rows[key]["__op"], expected, rows[key][column_of(number)])
        for number, kind in enumerate(VALUES)
        for key, expected in RANDOM.expected(connection, number, kind).items()
        if not is_same(kinds[kind], rows[key][column_of(number)], expected)
    ]
    assert not wrong, wrong


def test_names_that_need_quotes_arrive_as_they_are(added: Archive) -> None:
    changes = archived(added, "public.quoted", 2)
    assert [[change[name] for name in NAMES] for change in changes] == [
        ["r"] * len(NAMES),
        ["c"] * len(NAMES),
    ]


def test_keys_that_differ_by_case_or_space_are_different_rows(added: Archive) -> None:
    changes = archived(added, "public.texts", 9)
    assert sorted((change["id"], change["__op"]) for change in changes) == [
        ("", "d"),
        ("", "r"),
        ("A", "r"),
        ("A", "u"),
        ("a", "d"),  # a changed key is the end of one row and the begin of another
        ("a", "r"),
        ("a ", "r"),
        ("aA", "c"),
        ("b", "c"),
    ]


def test_values_that_an_update_leaves_out_of_the_log_are_archived(added: Archive) -> None:
    changes = archived(added, "public.toasted", 2)
    assert [(change["w"], change["__op"]) for change in changes] == [(1, "r"), (2, "u")]
    long = "r" * LONG
    assert {(change["v"], change["x"]) for change in changes} == {(long, f"{{{long}}}")}


def test_a_key_of_any_types_is_one_key_in_kafka(added: Archive, outputs: StackOutputs) -> None:
    changes = archived(added, "public.keyed", 4)
    assert [(change["id"], change["__op"]) for change in changes] == [
        (1, "r"),
        (2, "u"),
        (2, "d"),
        (3, "c"),
    ]
    found = records(outputs.kafka, "postgres.public.keyed")
    keys = {(record.partition(), record.key()) for record in found if record.key() is not None}
    assert len(keys) == 1


def test_null_is_not_replaced_by_a_default_of_any_kind(added: Archive) -> None:
    for change in archived(added, "public.nulls", 2):
        assert {change[f"c{number}"] for number in range(len(DEFAULTS))} == {None}


def test_changes_of_partitions_arrive_as_the_tables_own(added: Archive) -> None:
    changes = archived(added, "public.parted", 6)
    assert sorted((change["id"], change["__op"]) for change in changes) == [
        (1, "r"),
        (2, "c"),  # it moved to another partition, so its update is a delete and an insert
        (2, "d"),
        (2, "r"),
        (3, "c"),
        (4, "c"),
    ]


def test_rows_that_row_level_security_hides_are_read_too(added: Archive) -> None:
    changes = archived(added, "public.guarded", 3)
    assert [(change["id"], change["__op"]) for change in changes] == [(1, "r"), (2, "r"), (3, "c")]


def test_a_table_without_a_key_arrives_whole(added: Archive) -> None:
    changes = archived(added, "public.keyless", 3)
    assert [(change["id"], change["at"], change["__op"]) for change in changes] == [
        (1, 2**63 - 1, "r"),
        (2, -(2**63), "c"),
        (1, None, "u"),
    ]


def test_a_truncate_arrives_between_the_changes_around_it(added: Archive) -> None:
    """The table is partitioned; the rows before and after it are of its own transaction."""
    changes = archived(added, "public.emptied", 5)
    assert [(change["__op"], change["id"], change["v"]) for change in changes] == [
        ("r", 1, "a"),
        ("c", 2, "b"),
        ("t", None, None),
        ("c", 1, "c"),
        ("c", 3, "d"),
    ]
    truncate = changes[2]
    assert truncate["__deleted"] == "false"
    assert truncate["__source_ts_ms"] is not None


def test_a_truncate_may_be_the_first_change_of_a_table(added: Archive) -> None:
    changes = archived(added, "public.empty", 2)
    assert [(change["__op"], change["id"]) for change in changes] == [("t", None), ("c", 1)]


def test_a_column_whose_type_changes_never_mixes_two_kinds_of_values(added: Archive) -> None:
    """One and the same column is used for all sizes of integers, and for text and numeric."""
    changes = archived(added, "public.changed", 4)
    assert [(change["id"], change["__op"]) for change in changes] == [
        (1, "r"),
        (2, "c"),
        (3, "c"),
        (4, "c"),
    ]
    found = [
        {
            name: value
            for name, value in change.items()
            if value is not None and name != "id" and not name.startswith("__")
        }
        for change in changes
    ]
    old = {"amount": 7, "at": 19782, "note": b"old", "size": 5, "v": "a"}
    assert found == [
        old,
        old,
        {
            "amount__float": 7.9,
            "at__timestamp": 1_709_210_096_789_012,
            "note__text": "hello123",
            "size": 2**63 - 1,
            "v": "1.50",
        },
        {"amount": 8, "at": 1, "note": b"new", "size": 5, "v": "1.5"},
    ]


def test_excluded_columns_are_neither_read_nor_captured(added: Archive) -> None:
    changes = archived(added, "public.partial", 2)
    assert [(change["id"], change["v"], change["__op"]) for change in changes] == [
        (1, "a", "r"),
        (2, "b", "c"),
    ]
    assert not {"w", "x"} & set(changes[0])


def test_a_row_that_is_too_large_stops_the_source_until_it_may_pass(
    added: Archive, connection: Connection, outputs: StackOutputs
) -> None:
    """It is the last: all tables wait for the row."""
    connection.execute(
        "INSERT INTO large SELECT 1, 7, string_agg(md5(i::text), '') FROM generate_series(1, 40000)"
        " AS i; INSERT INTO large VALUES (2, 8, 'small')"
    )
    (source,) = (name for name in outputs.connectors if "cdc" in name)
    client = connect_client(outputs)

    def row() -> str:
        status = Status.from_response(client.status(source))
        found = re.search(r"The row of public.large .*ROW=(\S+)", "".join(status.traces))
        if not status.failed or found is None:
            raise NotReadyError(status.progress())
        return found[1]

    name = poll_until(row, timeout=60, interval=1, description="the source to refuse the row")
    # The lines are wrapped.
    assert f"makerecoverROW={name}" in "".join(run_command("status").split())
    assert f"datapipe:source.incompleteRows: [{name}]" in run_command("recover", "row", name)
    changes = archived(added, "public.large", 3)[1:]
    assert [(each["id"], each["n"], each["v"], each["__lost"]) for each in changes] == [
        (1, 7, None, "v"),
        (2, 8, "small", None),
    ]


def test_the_preview_refuses_what_cannot_be_archived(
    connection: Connection, outputs: StackOutputs
) -> None:
    project = Project(PROJECT, STACK, os.environ)
    connection.execute("DROP TABLE IF EXISTS unfit")
    connection.execute('CREATE TABLE unfit (id int PRIMARY KEY, v timetz, "naïve" text)')
    try:
        # With the tables that are captured now: one that leaves is refused before all else.
        added = [f"public.{name}" for name in ADDED]
        changes = {
            "datapipe:tables": [*outputs.tables, *added, "public.unfit", "public.nowhere"],
            "datapipe:source": {"excludedColumns": EXCLUDED},
        }
        with changed_stack_file(STACK, changes) as file:
            preview = project.pulumi("preview", "--config-file", str(file), check=False)
    finally:
        connection.execute("DROP TABLE unfit")
    assert preview.code != 0
    assert "public.unfit: column v, time with time zone" in preview.output
    assert 'public.unfit: column "naïve" has characters outside ASCII' in preview.output
    assert "public.nowhere: there is no such table" in preview.output
    assert "Traceback" not in preview.output
