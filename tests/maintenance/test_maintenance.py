"""The maintenance keeps every row and the sink's place, whatever happens to it.

The sink of these tests commits as Iceberg's does that has lost its own state: it commits what comes
after the offsets in the table's snapshots. Without them it would commit every row again.
"""

import json
from pathlib import Path

import pytest
from pyiceberg.table import StaticTable

from tests.maintenance.scenarios import Scenarios

pytestmark = [pytest.mark.jdk, pytest.mark.images]

WEEK = 7 * 24


def test_small_files_of_closed_hours_become_one_with_the_same_rows(scenarios: Scenarios) -> None:
    """As pyiceberg reads them, so that an error of Iceberg's Java would be seen."""
    for hours_ago in (5, 3, -1, 0):
        scenarios.ask(f"commits 4 {hours_ago}")
    before = scenarios.rows()
    run = scenarios.maintain()
    assert run.is_done, run.lines
    assert scenarios.rows() == before
    state = scenarios.state()
    assert (state.rows, state.missing) == (True, 0)
    # One of each closed hour, one of the rows without a time, and those of the open hour.
    assert state.live == 3 + 4
    assert run.report["rewritten"] == 12
    assert scenarios.maintain().report["rewritten"] == 0, "nothing is left to do"


def test_rows_of_a_compacted_file_are_sorted_by_key_and_position(scenarios: Scenarios) -> None:
    scenarios.ask("commits 5 3")
    scenarios.maintain()
    table = StaticTable.from_metadata(scenarios.state().metadata)
    rows = table.scan().to_arrow().to_pylist()
    positions = [(row["id"], row["__source_lsn"]) for row in rows]
    assert positions == sorted(positions)
    assert len({key for key, _ in positions}) < len(positions), "no key has two changes"


def test_files_of_the_open_hour_are_left(scenarios: Scenarios) -> None:
    scenarios.ask("commits 5 0")
    assert scenarios.maintain().report["rewritten"] == 0
    assert scenarios.state().live == 5


def test_snapshots_expire_by_age_and_by_count(scenarios: Scenarios) -> None:
    scenarios.ask("commits 8 0")
    assert scenarios.maintain(max_age_hours=WEEK, max_count=20).report["snapshots"] == 8
    assert scenarios.maintain(max_age_hours=WEEK, max_count=5).report["snapshots"] == 5
    assert scenarios.maintain(max_age_hours=0, max_count=5).report["snapshots"] == 1
    assert scenarios.state().rows


def test_an_idle_table_keeps_the_sinks_place(scenarios: Scenarios) -> None:
    """All snapshots of the sink expire; a snapshot of the maintenance has their offsets then."""
    scenarios.ask("commits 6 3")
    for _ in range(3):
        assert scenarios.maintain().is_done
        assert scenarios.state().snapshots == 1
        scenarios.ask("commit")
        assert scenarios.state().rows, "the sink committed again what the table had"
    scenarios.ask("write 0")
    scenarios.ask("commit")
    assert scenarios.state().rows


def test_a_place_behind_other_snapshots_is_carried_to_a_new_one(scenarios: Scenarios) -> None:
    """As after commits of other programs, which do not carry the offsets."""
    scenarios.ask("commits 2 0")
    scenarios.ask("foreign 4")
    run = scenarios.maintain()
    assert run.is_done
    assert scenarios.state().snapshots == 1
    scenarios.ask("commit")
    assert scenarios.state().rows


@pytest.mark.parametrize("event", ["kill", "sink", "second"])
def test_whatever_happens_at_whatever_moment_every_row_stays_once(
    scenarios: Scenarios, tmp_path: Path, event: str
) -> None:
    """The maintenance is killed, the sink commits, or a second maintenance runs meanwhile.

    Afterwards the sink, which has lost its own state, and the maintenance go on. Every operation
    was tried once in turn (step 1); a test takes some of them.
    """
    operations, _, failures = scenarios.ask(f"sweep {event} {tmp_path}/sweep 9").partition(" | ")
    assert failures == ""
    assert int(operations.split()[0]) > 40


def test_a_file_that_is_not_committed_yet_is_left_until_it_is_old(scenarios: Scenarios) -> None:
    """The sink commits what it wrote before an outage of the catalog days later."""
    scenarios.ask("commits 1 0")
    scenarios.ask("write 0")
    scenarios.ask("age 70")
    assert scenarios.maintain().report["orphans"] == 0
    scenarios.ask("commit")
    assert scenarios.state().rows
    assert scenarios.state().missing == 0


def test_old_files_that_nothing_refers_to_are_deleted(scenarios: Scenarios) -> None:
    scenarios.ask("commits 1 0")
    folder = scenarios.folder / "cdc.db/t"
    orphans = [folder / "data/x.parquet", folder / "metadata/snap-1.avro", folder / "metadata/y"]
    neighbour = scenarios.folder / "cdc.db/t2/data/x.parquet"
    for file in (*orphans, neighbour):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    assert scenarios.maintain().report["orphans"] == 0
    scenarios.ask("age 73")
    assert scenarios.maintain().report["orphans"] >= len(orphans)
    assert not any(file.exists() for file in orphans)
    assert neighbour.exists()
    assert scenarios.state().rows


def test_old_metadata_is_bounded(scenarios: Scenarios) -> None:
    scenarios.ask("commits 30 0")
    scenarios.ask("age 2")
    assert scenarios.maintain().is_done
    scenarios.ask("age 2")
    assert scenarios.maintain().is_done
    metadata = list((scenarios.folder / "cdc.db/t/metadata").glob("*.metadata.json"))
    # The log names 3 earlier ones; those of the last run are younger than an hour.
    assert len(metadata) <= 3 + 6
    assert scenarios.state().missing == 0


def test_many_manifests_become_few(scenarios: Scenarios) -> None:
    scenarios.ask("commits 25 0")
    assert any("25 manifests rewritten" in line for line in scenarios.maintain().lines)
    assert scenarios.state().rows


def test_deletes_that_are_denied_are_reported_and_lose_nothing(scenarios: Scenarios) -> None:
    scenarios.ask("commits 4 3")
    scenarios.ask("deny")
    try:
        run = scenarios.maintain()
    finally:
        scenarios.ask("allow")
    assert not run.is_done
    assert "could not be deleted; they are orphans now" in run.lines[-1]
    assert scenarios.state().rows
    assert scenarios.maintain().is_done
    scenarios.ask("age 73")
    assert scenarios.maintain().is_done
    state = scenarios.state()
    assert (state.rows, state.data) == (True, 1)


def test_the_last_line_is_the_report_of_the_table(scenarios: Scenarios) -> None:
    scenarios.ask("commits 4 3")
    report = json.loads(scenarios.maintain().lines[-1])
    metadata = (scenarios.folder / "cdc.db/t/metadata").iterdir()
    # The property that says when the table was maintained is set last.
    size = sum(file.stat().st_size for file in metadata)
    assert 0 < report.pop("metadataBytes") < size
    assert report.pop("meanFileBytes") > 1000
    assert report.pop("seconds") >= 0
    assert report == {
        "table": "cdc.t",
        "snapshots": 1,
        "files": 1,
        "rewritten": 4,
        "expired": 4,
        "orphans": 0,
    }
