"""What bench-tpch says of its result."""

import time

import pytest

from bench.result import Machine
from bench.tpch_result import (
    KAFKA_CONNECT_SECONDS,
    PUBLISHED,
    Kill,
    Phase,
    TpchResult,
    Used,
    Verified,
    faults,
    output_of,
    recorded,
    text,
)
from bench.tpch_watched import Watched

MACHINE = Machine(processor="a processor", cores=2, memory=1, system="", kernel="", load_before=0.5)
WORKER = Used(name="kafka-connect", cpu_seconds=50, held=512, limit=1024)
SERVER = Used(name="the captured PostgreSQL", cpu_seconds=10, held=0, limit=0)


def phase(rows: int, archived: int) -> Phase:
    return Phase(
        rows=rows,
        archived=archived,
        seconds=100,
        machine_cpu_seconds=160,
        most_unread=400,
        used=(WORKER, SERVER),
    )


def result(stream: Phase | None, *differing: str) -> TpchResult:
    return TpchResult(
        at="2026-11-27T00:00:00Z",
        revision="abc",
        machine=MACHINE,
        postgresql=17,
        scale_factor=0.1,
        rows={"orders": 150_000, "lineitem": 600_000},
        database_bytes=200 * 2**20,
        snapshot=phase(750_000, 750_000),
        stream=stream,
        verified=Verified(tables=8, rows=750_000, differing=differing),
    )


def test_each_phase_has_its_rates_and_what_each_part_used() -> None:
    lines = text([result(phase(8_000, 7_999))]).splitlines()
    assert "| rows archived | 750,000 of 750,000 | 7,999 of 8,000 |" in lines
    assert "| rows per second | **7,500** | **80** |" in lines
    assert "| rows per second of CPU, of the whole machine | 4,688 | 50 |" in lines
    worker = (
        "| kafka-connect: CPU, most memory held | 0.50, 50% of its limit | 0.50, 50% of its limit |"
    )
    assert worker in lines
    assert "| the captured PostgreSQL: CPU, most memory held | 0.10 | 0.10 |" in lines


def test_a_result_without_a_stream_has_no_figures_of_it() -> None:
    lines = text([result(None)]).splitlines()
    assert "| rows per second | **7,500** | – |" in lines


def test_tables_that_differ_are_counted() -> None:
    assert "8 tables: all equal." in text([result(None)])
    assert "8 tables: 1 not equal." in text([result(None, "public.orders: differs")])


def test_the_published_figures_are_cited_with_what_differs() -> None:
    shown = text([result(None)])
    assert PUBLISHED in shown
    assert f"{KAFKA_CONNECT_SECONDS // 60} minutes are about 60,100 rows per second" in shown
    assert "Here everything shares 2 cores" in shown
    assert "The scale factor is 0.1 instead of 50" in shown


def test_a_stream_counts_from_what_the_snapshot_has_archived_and_written() -> None:
    watched = Watched(before=100, began=time.time())
    watched.note(archived=100, written=500)
    watched.note(archived=130, written=580)
    assert (watched.archived, watched.unread) == (30, 50)


KILL = Kill(archived=300_000, unread=50_000, seconds=41.2, recovery=28.4)


def interrupted(kill: Kill | None = KILL, **repeated: int) -> TpchResult:
    counted = {"orders": 0, "lineitem": 0, **repeated}
    return result(None).model_copy(update={"kill": kill, "repeated": counted})


def test_a_kill_is_described_with_what_followed() -> None:
    shown = text([interrupted()])
    assert (
        "The worker was killed 41 s after the snapshot's beginning, when 300,000 of 750,000 rows"
        " were archived and 50,000 more were in the topics; more rows were archived 28 s later."
    ) in shown
    assert "archived more than once, counted by their keys: none." in shown


def test_what_is_not_known_of_a_kill_is_not_claimed() -> None:
    shown = text([interrupted(KILL.model_copy(update={"unread": None, "recovery": None}))])
    assert "rows were archived; no more rows were archived after it." in shown


def test_repeated_rows_are_told_by_table() -> None:
    found = interrupted(lineitem=1_234)
    assert "counted by their keys: 1,234 of lineitem." in text([found])
    assert faults(found, is_killed=True) == ["lineitem: 1,234 rows archived more than once"]


def test_a_result_of_before_says_nothing_of_kills_and_repeated_rows() -> None:
    old = result(None).model_dump_json(by_alias=True, exclude={"kill", "repeated"})
    shown = text([TpchResult.model_validate_json(old)])
    assert "killed" not in shown
    assert "more than once" not in shown


def test_scale_factors_follow_each_other_and_the_published_figures_come_once() -> None:
    larger = result(None).model_copy(update={"scale_factor": 10.0})
    shown = text([result(None), larger])
    assert [line for line in shown.splitlines() if line.startswith("###")] == [
        "### Scale factor 0.1",
        "### Scale factor 10",
        "### Published figures",
    ]
    assert "The scale factor is 0.1 or 10 instead of 50" in shown
    assert shown.count(PUBLISHED) == 1


def test_the_committed_results_are_in_the_files_of_their_scale_factors() -> None:
    results = recorded()
    assert all(output_of(each.scale_factor).is_file() for each in results)
    assert 1 in {each.scale_factor for each in results}


def test_an_interrupted_snapshot_without_loss_has_no_faults() -> None:
    assert faults(interrupted(), is_killed=True) == []
    assert faults(interrupted(None), is_killed=False) == []


@pytest.mark.parametrize(
    ("kill", "fault"),
    [
        (None, "the snapshot ended before the worker was killed"),
        (KILL.model_copy(update={"unread": 450_000}), "all rows were in the topics before"),
        (KILL.model_copy(update={"archived": 750_000, "unread": None}), "all rows were in the"),
    ],
)
def test_a_kill_that_interrupted_nothing_is_a_fault(kill: Kill | None, fault: str) -> None:
    [found] = faults(interrupted(kill), is_killed=True)
    assert found.startswith(fault)
    assert "choose a lower --kill-at" in found


def test_missing_rows_are_a_fault() -> None:
    short = interrupted().model_copy(update={"snapshot": phase(750_000, 749_999)})
    assert faults(short, is_killed=True) == ["749,999 of 750,000 rows archived"]
