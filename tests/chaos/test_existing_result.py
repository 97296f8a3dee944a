"""What a fault of an existing database has cost, counted from paths and archived changes."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from chaos.existing.result import Outcome, Visits, counted, keep, read, table

PATHS = st.sets(st.integers(0, 30).map(str))


def archived(path: str, operation: str, changes: int = 1) -> dict[str, str]:
    return {"path": path, "__op": operation, "changes": str(changes)}


def outcome(name: str = "server-killed", **different: object) -> Outcome:
    given: dict[str, object] = {
        "name": name,
        "does": "SIGKILL",
        "at": "2026-11-28 01:00",
        "revision": "abc",
        "refused": "",
        "action": "",
        "recovered_seconds": 12.4,
        "visits": Visits(committed=10, changes=7, only_read=2, lost=1, duplicated=0, abandoned=0),
        "others_archived": 400,
        "verified": "verify: 19 tables",
    }
    return Outcome.model_validate(given | different)


def test_rows_that_arrive_as_changes_are_neither_lost_nor_duplicated() -> None:
    visits = counted(["a", "b"], [archived("a", "c"), archived("b", "c")])
    assert (visits.committed, visits.changes) == (2, 2)
    assert not visits.lost + visits.only_read + visits.duplicated + visits.abandoned


def test_a_row_that_was_read_again_is_no_duplicate() -> None:
    visits = counted(["a"], [archived("a", "c"), archived("a", "r", 2)])
    assert (visits.changes, visits.only_read, visits.duplicated) == (1, 0, 0)


def test_a_change_that_is_archived_twice_is_a_duplicate() -> None:
    assert counted(["a"], [archived("a", "c", 3)]).duplicated == 2


@given(committed=PATHS, inserted=PATHS, read_again=PATHS)
def test_each_committed_row_is_counted_once(
    committed: set[str], inserted: set[str], read_again: set[str]
) -> None:
    rows = [archived(path, "c") for path in inserted]
    rows += [archived(path, "r") for path in read_again]
    visits = counted(committed, rows)
    assert visits.changes + visits.only_read + visits.lost == visits.committed == len(committed)
    assert visits.lost == len(committed - inserted - read_again)
    assert visits.abandoned == len(inserted - committed)


def test_a_later_run_of_a_fault_takes_the_place_of_the_earlier_one(tmp_path: Path) -> None:
    file = tmp_path / "existing.json"
    assert read(file) == []
    keep(outcome(revision="old"), file)
    keep(outcome("server-failed-over"), file)
    keep(outcome(revision="new"), file)
    assert [(each.name, each.revision) for each in read(file)] == [
        ("server-failed-over", "abc"),
        ("server-killed", "new"),
    ]


def test_the_table_has_what_was_lost_and_what_was_to_be_done() -> None:
    shown = table(
        [outcome(), outcome("server-failed-over", refused="shop: refused", action="make it")]
    )
    assert "| goes on | nothing | 12 s | 10 | 7 | 2 | 1 | 0 | 400 |" in shown
    assert "| shop: refused | `make it` |" in shown
    assert "server-killed on 2026-11-28 01:00 at revision abc" in shown
    assert table([]) == "No run has been recorded yet."
