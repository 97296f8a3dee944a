"""The parts of chaos that need no pipeline: verdicts, symptoms, the catalog, the report."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from chaos import catalog
from chaos.__main__ import argument_parser
from chaos.experiment import Pace, without
from chaos.faults.disks import DiskFull
from chaos.machine import Machine, describe
from chaos.monitor import (
    IN_DEAD_LETTER_QUEUE,
    RESTARTED,
    Before,
    lasts,
    symptoms_of_connectors,
    symptoms_of_pods,
)
from chaos.pipeline import FaultError, Pipeline
from chaos.report import Run, print_run, read_result, write
from chaos.result import Outcome, Result, not_run
from chaos.run import run_all
from clients.cluster import Pod, Resources
from clients.connect import Connector, Task
from clients.stack import StackError
from workload.changes import CapturedTable

GOOD = Result(
    "connect-killed", "SIGKILL", Outcome.FAILED, committed=900, recovered_after=31.2
).judged(keeps_history=True)
POD = Pod("kafka-0", "Running", True, "", 0, 0, Resources(1, Decimal(1)), (), Resources())
SINK = Connector("s3", "sink", "RUNNING", "", (Task(0, "RUNNING", ""),))
MACHINE = Machine("a processor", 2, 8192, "Linux 6", "abc", "2026-01-01T00:00:00+00:00")


def test_what_comes_back_without_loss_has_survived() -> None:
    assert GOOD.outcome is Outcome.SURVIVED
    assert not GOOD.failed


@pytest.mark.parametrize(
    "wrong",
    [
        {"lost": 1},
        {"duplicated": 1},
        {"unexpected": 1},
        {"rows_differing": 1},
        {"recovered_after": None},
        {"complaints": ("the second update was not refused",)},
    ],
)
def test_anything_wrong_fails(wrong: dict[str, Any]) -> None:
    assert replace(GOOD, **wrong).judged(keeps_history=True).failed


def test_what_the_user_did_is_no_survival() -> None:
    assert replace(GOOD, user_action="make up").judged(True).outcome is Outcome.REPAIRED


def test_lost_history_is_told_apart_from_lost_rows() -> None:
    without_history = replace(GOOD, lost=7).judged(keeps_history=False)
    assert without_history.outcome is Outcome.HISTORY_LOST
    assert not without_history.failed
    assert replace(GOOD, lost=7, rows_differing=1).judged(keeps_history=False).failed


def test_pods_show_what_happened_to_them() -> None:
    before = Before(pods=2, restarts={"kafka-0": 1}, dead_letters=0)
    assert symptoms_of_pods([replace(POD, restarts=1), POD], before) == []
    assert symptoms_of_pods([replace(POD, ready=False)], before) == [
        "pod kafka-0 is not ready",
        "1 pods are missing",
    ]
    assert symptoms_of_pods([replace(POD, restarts=2), POD], before) == [
        "pod was restarted: kafka-0"
    ]


def test_connectors_show_why_they_failed() -> None:
    assert symptoms_of_connectors([SINK], ["s3"]) == []
    assert symptoms_of_connectors([], ["s3"]) == ["connector s3 does not exist"]
    failed = replace(SINK, tasks=(Task(0, "FAILED", "x.A: b\nCaused by: y.Real: inner"),))
    assert symptoms_of_connectors([failed], ["s3"]) == ["connector s3 is FAILED y.Real: inner"]


def test_the_catalog_names_each_fault_once() -> None:
    names = [fault.name for fault in catalog.faults()]
    assert len(names) == len(set(names))
    assert set(catalog.IN_CI) < set(catalog.QUICK) < set(names)


def test_every_fault_says_what_it_does_and_ends() -> None:
    for fault in catalog.faults():
        assert fault.does
        assert 0 <= fault.hold.quick <= fault.hold.full <= 300, fault.name


def test_the_faults_of_a_run_share_no_state() -> None:
    first, second = catalog.faults(), catalog.faults()
    assert not {id(fault) for fault in first} & {id(fault) for fault in second}


def test_an_ignored_column_is_left_out_of_the_comparison() -> None:
    table = CapturedTable("public.users", ("id", "created_at"))
    assert without(table, "created_at").columns == ("id",)
    assert without(table, None) == table


def a_run(*results: Result) -> Run:
    return Run(MACHINE, quick=False, rate=120, results=results, seconds=61)


CLOCK = not_run("clock-jump", "the clock jumps", "one clock for all")


def test_the_report_has_a_row_for_each_fault(tmp_path: Path) -> None:
    write(a_run(GOOD, CLOCK), tmp_path)
    rows = [line for line in (tmp_path / "README.md").read_text().splitlines() if line[:2] == "| "]
    assert rows[1] == (
        "| connect-killed: SIGKILL of a Connect worker | survived | never | 31 s | 900"
        " | up to 120 | 0 | 0"
        " | nothing | 2026-01-01 00:00, abc |"
    )
    assert rows[2].startswith("| clock-jump: the clock jumps | not run |")
    data = json.loads((tmp_path / "chaos.json").read_text())
    assert list(data) == ["connect-killed", "clock-jump"]
    assert data["clock-jump"]["machine"]["cores"] == 2


def test_the_report_names_what_was_never_run(tmp_path: Path) -> None:
    write(replace(a_run(GOOD), note="other builds ran"), tmp_path)
    text = (tmp_path / "README.md").read_text()
    never = text.partition("## Not run on a deployed pipeline yet")[2]
    assert "- slot-lost: " in never
    assert "connect-killed" not in never
    assert "other builds ran" in text
    every = a_run(*(replace(GOOD, fault=fault.name) for fault in catalog.faults()))
    write(every, tmp_path)
    assert "Not run" not in (tmp_path / "README.md").read_text()


def test_a_later_run_of_one_fault_keeps_the_others_rows(tmp_path: Path) -> None:
    write(a_run(GOOD, CLOCK), tmp_path)
    write(replace(a_run(replace(GOOD, committed=77)), quick=True), tmp_path)
    text = (tmp_path / "README.md").read_text()
    assert "| 77 | up to 120 | 0 | 0 | nothing | 2026-01-01 00:00, abc, quick |" in text
    assert "clock-jump" in text
    data = json.loads((tmp_path / "chaos.json").read_text())
    assert read_result(data["connect-killed"]) == replace(GOOD, committed=77)


def test_the_report_says_what_went_wrong(tmp_path: Path) -> None:
    bad = replace(GOOD, lost=3, unexpected=2, rows_differing=1, complaints=("a pod stayed away",))
    write(a_run(bad.judged(keeps_history=True)), tmp_path)
    text = (tmp_path / "README.md").read_text()
    for words in ("2 archived changes were never", "1 rows differ", "a pod stayed away"):
        assert words in text


def test_the_terminal_ends_with_the_verdict() -> None:
    for run, verdict in (
        (a_run(GOOD), "nothing lost, nothing duplicated"),
        (a_run(replace(GOOD, lost=1).judged(True)), "failed: connect-killed"),
    ):
        out = StringIO()
        print_run(Console(file=out, width=200), run)
        assert out.getvalue().rstrip().endswith(verdict)
        assert run.failed == ("failed" in verdict)


def test_the_machine_is_described() -> None:
    machine = describe()
    assert machine.cores > 0
    assert machine.memory_mib > 0
    assert machine.commit != "unknown"


@pytest.mark.parametrize(
    ("symptom", "lasting"),
    [
        ("pod kafka-0 is not ready", True),
        ("no new object in the archive for 50 s", True),
        (f"{RESTARTED}: kafka-0", False),
        (f"4 {IN_DEAD_LETTER_QUEUE}", False),
    ],
)
def test_an_event_does_not_keep_a_pipeline_from_being_healthy(symptom: str, lasting: bool) -> None:
    assert lasts(symptom) is lasting


def test_the_report_has_the_rate_of_each_fault(tmp_path: Path) -> None:
    write(replace(a_run(replace(GOOD, committed_rate=4890.4)), rate=5000), tmp_path)
    assert "| 900 | 4890 of 5000 | 0 | 0 |" in (tmp_path / "README.md").read_text()
    data = json.loads((tmp_path / "chaos.json").read_text())
    del data["connect-killed"]["committed_rate"]  # a run of before
    assert read_result(data["connect-killed"]).committed_rate is None


@pytest.mark.parametrize(("rate", "room"), [(120, 96 + 140), (5000, 96 + 5859)])
def test_a_small_disk_has_room_for_its_load(rate: float, room: int) -> None:
    disks = [fault for fault in catalog.faults(rate) if isinstance(fault, DiskFull)]
    assert [disk.room for disk in disks] == [room, room]


@pytest.mark.parametrize("text", ["0", "-5", "nan", "fast"])
def test_a_rate_is_greater_than_zero(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("--rate", "--minutes"):
        with pytest.raises(SystemExit) as ended:
            argument_parser().parse_args([option, text])
        assert ended.value.code == 2
        assert option in capsys.readouterr().err


def test_plain_files_allow_no_bulk_load() -> None:
    pipeline: Any = SimpleNamespace(
        stack="dev", outputs=SimpleNamespace(archive=SimpleNamespace(sink="confluent-s3"))
    )
    with pytest.raises(StackError, match="above 120 needs archive"):
        run_all(pipeline, [], Pace(rate=121), lambda _: None)


def test_a_database_that_is_not_ready_for_moments_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chaos.pipeline.POLL_SECONDS", 0.01)
    pipeline: Any = Pipeline.__new__(Pipeline)
    refusals = [StackError("refused"), StackError("starting")]
    closed: list[str] = []

    @contextmanager
    def database() -> Iterator[str]:
        if refusals:
            raise refusals.pop()
        yield "a connection"
        closed.append("a connection")

    pipeline.database = database
    with pipeline.answering_database() as connection:
        assert connection == "a connection"
        assert not closed
    assert closed == ["a connection"]


def test_a_database_that_stays_away_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chaos.pipeline.POLL_SECONDS", 0.01)
    monkeypatch.setattr("chaos.pipeline.ANSWER_SECONDS", 0.05)
    pipeline: Any = Pipeline.__new__(Pipeline)

    def database() -> Any:
        raise StackError("connection refused")

    pipeline.database = database
    with pytest.raises(FaultError, match=r"PostgreSQL to answer.*connection refused"):
        pipeline.answering_database().__enter__()
