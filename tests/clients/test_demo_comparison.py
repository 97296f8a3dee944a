"""The comparison finds every way in which an archive can be wrong."""

from hypothesis import given
from hypothesis import strategies as st

from demo.changes import ArchivedChange, Change
from demo.comparison import Arrivals, compare, compare_state, final_rows

VALUES = st.tuples(
    st.one_of(st.none(), st.integers(0, 3)), st.sampled_from(["", "10.50", "10.5", None])
)
CHANGES = st.builds(
    Change,
    table=st.sampled_from(["public.users", "public.orders"]),
    operation=st.sampled_from("cud"),
    key=st.integers(1, 4),
    values=VALUES,
)
HISTORIES = st.lists(CHANGES, max_size=30)
SOME_HISTORY = st.lists(CHANGES, min_size=1, max_size=30)


@given(SOME_HISTORY, st.randoms(use_true_random=False))
def test_the_same_changes_in_any_order_agree(history: list[Change], random) -> None:  # type: ignore[no-untyped-def]
    archived = list(history)
    random.shuffle(archived)
    found = compare(history, archived)
    assert found.agrees
    assert found.committed == found.archived == len(history)


@given(SOME_HISTORY, st.data())
def test_a_lost_change_is_missing(history: list[Change], data: st.DataObject) -> None:
    lost = data.draw(st.integers(0, len(history) - 1))
    found = compare(history, history[:lost] + history[lost + 1 :])
    assert found.missing == (history[lost],)
    assert not found.agrees
    assert not found.duplicated
    assert found.archived == len(history) - 1


@given(SOME_HISTORY, st.data())
def test_a_repeated_change_is_duplicated(history: list[Change], data: st.DataObject) -> None:
    again = data.draw(st.sampled_from(history))
    found = compare(history, [*history, again])
    assert found.duplicated == (again,)
    assert not found.agrees
    assert not found.missing
    assert found.archived == len(history)


@given(SOME_HISTORY, st.data(), VALUES)
def test_a_changed_value_is_missing_and_unexpected(
    history: list[Change], data: st.DataObject, values: tuple[object, ...]
) -> None:
    spoilt = data.draw(st.integers(0, len(history) - 1))
    wrong = history[spoilt]._replace(values=(*values, "spoilt"))
    found = compare(history, [*history[:spoilt], wrong, *history[spoilt + 1 :]])
    assert found.missing == (history[spoilt],)
    assert found.unexpected == (wrong,)
    assert not found.agrees


@given(HISTORIES, CHANGES)
def test_a_change_that_was_never_made_is_unexpected(history: list[Change], made_up: Change) -> None:
    made_up = made_up._replace(key=99)
    found = compare(history, [*history, made_up])
    assert found.unexpected == (made_up,)
    assert not found.agrees


@given(HISTORIES, st.randoms(use_true_random=False))
def test_the_last_change_of_a_key_decides(history: list[Change], random) -> None:  # type: ignore[no-untyped-def]
    """The rows are those of a database to which the changes were applied one after another."""
    rows: dict[tuple[str, int], tuple[object, ...]] = {}
    for change in history:
        if change.operation == "d":
            rows.pop((change.table, change.key), None)
        else:
            rows[change.table, change.key] = change.values
    archived = [ArchivedChange(change, lsn) for lsn, change in enumerate(history)]
    random.shuffle(archived)
    assert final_rows(archived) == rows


@given(st.dictionaries(st.tuples(st.just("t"), st.integers(0, 9)), VALUES, min_size=1), st.data())
def test_any_difference_of_the_final_rows_is_found(
    rows: dict[tuple[str, int], tuple[object, ...]], data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from(sorted(rows)))
    assert compare_state(rows, dict(rows)) == []
    without = {other: values for other, values in rows.items() if other != key}
    assert [each.in_archive for each in compare_state(rows, without)] == [None]
    assert [each.in_database for each in compare_state(without, rows)] == [None]
    spoilt = {**rows, key: (*rows[key], "spoilt")}
    assert [each.key for each in compare_state(rows, spoilt)] == [key[1]]


ONE = Change("public.users", "c", 1, (1, "a"))
TWO = Change("public.users", "c", 2, (2, "b"))


def test_delays_run_from_commit_to_first_sight() -> None:
    arrivals = Arrivals()
    arrivals.observe([ONE], now=105.0)
    arrivals.observe([ONE, TWO], now=110.0)
    assert arrivals.delays([(ONE, 100.0), (TWO, 101.0)]) == {"public.users": [5.0, 9.0]}


def test_equal_changes_are_told_apart_by_their_number() -> None:
    arrivals = Arrivals()
    arrivals.observe([ONE], now=105.0)
    arrivals.observe([ONE, ONE], now=110.0)
    assert arrivals.delays([(ONE, 100.0), (ONE, 101.0)]) == {"public.users": [5.0, 9.0]}


def test_what_has_not_arrived_has_no_delay() -> None:
    arrivals = Arrivals()
    arrivals.observe([ONE], now=105.0)
    assert arrivals.delays([(ONE, 100.0), (TWO, 101.0)]) == {"public.users": [5.0]}
