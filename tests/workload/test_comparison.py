"""The comparison finds every way in which an archive can be wrong."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workload.changes import CapturedTable, Change, Commit
from workload.comparison import Comparison
from workload.differences import TableComparison

TABLES = tuple(
    CapturedTable(name, ("id", "number", "text")) for name in ("public.users", "public.orders")
)
USERS = TABLES[0]
SCHEMA = pa.schema(
    {
        "id": pa.int64(),
        "number": pa.int32(),
        "text": pa.string(),
        "__op": pa.string(),
        "__deleted": pa.string(),
        "__source_lsn": pa.int64(),
    }
)


@st.composite
def changes(draw: st.DrawFn) -> Change:
    key = draw(st.integers(1, 4))
    number = draw(st.one_of(st.none(), st.integers(0, 3)))
    text = draw(st.sampled_from(["", "10.50", "10.5", "0", None]))
    table = draw(st.sampled_from([table.name for table in TABLES]))
    return Change(table, draw(st.sampled_from("cud")), key, (key, number, text))


HISTORIES = st.lists(changes(), min_size=1, max_size=20)
fewer_examples = settings(max_examples=15)


def reading(history: Iterable[Change], **replaced: object) -> dict[str, pa.Table]:
    """Return what an archive holds of changes that were made in this order."""
    rows: dict[str, list[dict[str, Any]]] = {table.name: [] for table in TABLES}
    for lsn, change in enumerate(history):
        columns = dict(zip(USERS.columns, change.values, strict=True))
        deleted = "true" if change.operation == "d" else "false"
        debezium = {"__op": change.operation, "__deleted": deleted, "__source_lsn": lsn}
        rows[change.table].append({**columns, **debezium, **replaced})
    return {name: pa.Table.from_pylist(found, SCHEMA) for name, found in rows.items()}


def compare(
    committed: Sequence[Change], archived: Mapping[str, pa.Table], **options: bool
) -> dict[str, TableComparison]:
    with Comparison(TABLES, **options) as comparison:
        comparison.expect([Commit(tuple(committed), 100.0)])
        comparison.replace_archived(archived, 105.0)
        return {each.table: each for each in comparison.tables()}


def total(found: Mapping[str, TableComparison], count: str) -> int:
    return sum(getattr(each, count) for each in found.values())


def counts(found: Mapping[str, TableComparison]) -> tuple[int, int, int]:
    return total(found, "missing"), total(found, "duplicated"), total(found, "altered")


@fewer_examples
@given(HISTORIES, st.randoms(use_true_random=False))
def test_the_same_changes_in_any_order_agree(history: list[Change], random: Random) -> None:
    archived = list(history)
    random.shuffle(archived)
    found = compare(history, reading(archived))
    assert all(each.agrees for each in found.values())
    assert total(found, "committed") == total(found, "archived") == len(history)


@fewer_examples
@given(HISTORIES, st.data())
def test_a_lost_change_is_missing(history: list[Change], data: st.DataObject) -> None:
    lost = data.draw(st.integers(0, len(history) - 1))
    found = compare(history, reading(history[:lost] + history[lost + 1 :]))
    assert counts(found) == (1, 0, 0)
    (example,) = found[history[lost].table].examples["missing"]
    assert (example.key, example.operation) == (history[lost].key, history[lost].operation)


@fewer_examples
@given(HISTORIES, st.data())
def test_a_repeated_change_is_duplicated(history: list[Change], data: st.DataObject) -> None:
    repeated = data.draw(st.sampled_from(history))
    found = compare(history, reading([*history, repeated]))
    assert counts(found) == (0, 1, 0)
    assert not found[repeated.table].agrees
    assert found[repeated.table].examples["duplicated"][0].key == repeated.key


@fewer_examples
@given(HISTORIES, st.data())
def test_a_changed_value_is_missing_and_altered(history: list[Change], data: st.DataObject) -> None:
    spoilt = data.draw(st.integers(0, len(history) - 1))
    key, number, _ = history[spoilt].values
    wrong = history[spoilt]._replace(values=(key, number, "spoilt"))
    found = compare(history, reading([*history[:spoilt], wrong, *history[spoilt + 1 :]]))
    assert counts(found) == (1, 0, 1)


@fewer_examples
@given(st.lists(changes(), max_size=20), changes())
def test_a_change_that_was_never_made_is_altered(history: list[Change], made_up: Change) -> None:
    made_up = made_up._replace(key=99, values=(99, 1, ""))
    found = compare(history, reading([*history, made_up]))
    assert counts(found) == (0, 0, 1)


INSERT = Change("public.users", "c", 1, (1, 17, "a"))
UPDATE = Change("public.users", "u", 1, (1, 18, "a"))
DELETE = Change("public.users", "d", 1, (1, 18, "a"))
OTHER = Change("public.users", "c", 2, (2, 17, "b"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": 2},
        {"number": 18},
        {"number": None},
        {"text": ""},
        {"text": None},
        {"__op": "u"},
        {"__deleted": "true"},
        {"__deleted": None},
    ],
)
def test_any_difference_makes_another_change(wrong: dict[str, object]) -> None:
    assert counts(compare([INSERT], reading([INSERT], **wrong))) == (1, 0, 1)


def test_null_and_the_empty_text_differ() -> None:
    null, empty = (INSERT._replace(values=(1, 17, text)) for text in (None, ""))
    assert counts(compare([null], reading([null]))) == (0, 0, 0)
    assert counts(compare([null], reading([empty]))) == (1, 0, 1)


@pytest.mark.parametrize(("kind", "agrees"), [(pa.int64(), True), (pa.string(), False)])
def test_an_integer_is_no_text_whatever_its_width(kind: pa.DataType, agrees: bool) -> None:
    rows = reading([INSERT])["public.users"]
    column = rows.column("number").cast(kind)
    rows = rows.set_column(rows.column_names.index("number"), "number", column)
    assert compare([INSERT], {"public.users": rows})["public.users"].agrees is agrees


def test_a_column_that_the_archive_does_not_have_is_null() -> None:
    without = INSERT._replace(values=(1, 17, None))
    rows = reading([without])["public.users"].drop_columns(["text"])
    assert compare([without], {"public.users": rows})["public.users"].agrees
    assert not compare([INSERT], {"public.users": rows})["public.users"].agrees


def test_a_delete_without_full_replica_identity_is_its_key() -> None:
    users = CapturedTable("public.users", USERS.columns, keeps_deleted_values=False)
    archived = reading([DELETE._replace(values=(1, None, ""))])
    for key, agrees in ((1, True), (2, False)):
        with Comparison([users]) as comparison:
            comparison.expect([Commit((DELETE._replace(key=key, values=(key, 18, "a")),), 100.0)])
            comparison.add_archived("public.users", archived["public.users"], 105.0)
            assert comparison.tables()[0].agrees is agrees


def test_examples_have_the_values_where_they_are_kept() -> None:
    for keep_values, values in ((True, "(1, 17, a)"), (False, None)):
        found = compare([INSERT], reading([]), keep_values=keep_values)["public.users"]
        assert [each.values for each in found.examples["missing"]] == [values]


def test_rows_that_a_snapshot_has_read_can_be_left_out() -> None:
    read = INSERT._replace(operation="r")
    assert counts(compare([INSERT], reading([INSERT, read]), ignore_reads=True)) == (0, 0, 0)
    assert counts(compare([INSERT], reading([INSERT, read]))) == (0, 0, 1)


Row = dict[str, Any]


def differences(
    history: Sequence[Change], present: Sequence[Row], complete_from: int = 0
) -> list[tuple[Any, str | None, str | None]]:
    with Comparison(TABLES, keep_values=True) as comparison:
        comparison.expect([Commit(tuple(history), 100.0)])
        comparison.replace_archived(reading(history), 105.0)
        found = comparison.row_differences({"public.users": present}, complete_from)
        return [(each.key, each.in_database, each.in_archive) for each in found]


def row(change: Change) -> Row:
    return dict(zip(USERS.columns, change.values, strict=True))


@fewer_examples
@given(HISTORIES)
def test_the_last_change_of_a_key_decides(history: list[Change]) -> None:
    """The rows are those of a database to which the changes were applied one after another."""
    history = [change._replace(table="public.users") for change in history]
    rows: dict[int, Row] = {}
    for change in history:
        if change.operation == "d":
            rows.pop(change.key, None)
        else:
            rows[change.key] = row(change)
    assert differences(history, list(rows.values())) == []


def test_any_difference_of_the_last_rows_is_found() -> None:
    history = [INSERT, UPDATE, OTHER]
    good = [row(UPDATE), row(OTHER)]
    assert differences(history, good) == []
    assert differences(history, [row(UPDATE)]) == [(2, None, "(2, 17, b)")]
    assert differences([*history, DELETE], good) == [(1, "(1, 18, a)", None)]
    assert differences(history, [row(INSERT), row(OTHER)]) == [(1, "(1, 17, a)", "(1, 18, a)")]


def test_what_lies_before_a_truncate_is_no_state() -> None:
    truncate = Change("public.users", "t", None, (None, None, None))
    assert differences([INSERT, OTHER, truncate], []) == []
    assert differences([INSERT, truncate, OTHER], [row(OTHER)]) == []
    assert differences([INSERT, truncate], [row(INSERT)]) == [(1, "(1, 17, a)", None)]
    elsewhere = truncate._replace(table="public.orders")
    assert differences([INSERT, elsewhere], [row(INSERT)]) == []


def test_a_truncate_that_was_not_made_is_a_difference() -> None:
    truncate = Change("public.users", "t", None, (None, None, None))
    assert counts(compare([INSERT], reading([INSERT, truncate]))) == (0, 0, 1)


def test_state_can_be_compared_from_a_position_on() -> None:
    assert differences([INSERT, OTHER], [row(INSERT)], complete_from=1) == [
        (1, "(1, 17, a)", None),
        (2, None, "(2, 17, b)"),
    ]


def delays(readings: Sequence[tuple[float, list[Change]]], *commits: Commit) -> list[float]:
    with Comparison(TABLES) as comparison:
        comparison.expect(commits)
        for seen_at, history in readings:
            comparison.replace_archived(reading(history), seen_at)
        return comparison.delays().get("public.users", [])


@pytest.mark.parametrize("second", [OTHER, INSERT], ids=["another", "an equal one"])
def test_delays_run_from_commit_to_the_first_reading(second: Change) -> None:
    readings = [(105.0, [INSERT]), (110.0, [INSERT, second]), (120.0, [INSERT, second])]
    commits = Commit((INSERT,), 100.0), Commit((second,), 101.0)
    assert delays(readings, *commits) == [5.0, 9.0]


def test_what_has_not_arrived_has_no_delay() -> None:
    commits = Commit((INSERT,), 100.0), Commit((OTHER,), 101.0)
    assert delays([(105.0, [INSERT])], *commits) == [5.0]


def test_what_vanishes_from_the_archive_is_missing() -> None:
    with Comparison(TABLES) as comparison:
        comparison.expect([Commit((INSERT,), 100.0)])
        comparison.replace_archived(reading([INSERT]), 105.0)
        comparison.replace_archived(reading([]), 106.0)
        assert comparison.tables()[0].missing == 1


def test_equal_rows_of_two_tables_are_told_apart() -> None:
    order: Callable[[Change], Change] = lambda change: change._replace(table="public.orders")  # noqa: E731
    found = compare([INSERT], reading([order(INSERT)]))
    assert (found["public.users"].missing, found["public.orders"].altered) == (1, 1)
