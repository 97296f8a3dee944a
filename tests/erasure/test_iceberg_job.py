"""The Job that erases from Iceberg tables: its arguments, its log, its end."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from clients.stack import StackError, parse_outputs
from erasure import iceberg_job
from erasure.key import Key
from tests.clients.stack_outputs import OUTPUTS

KEY = Key("public.users", {"id": "42"}, {"id": "integer"}, {"id": 42})
AUDIT = {"outcome": "done", "erasedRows": 3}


class FakeRun:
    """A Job whose program prints its lines one by one and then ends."""

    runs: list["FakeRun"] = []  # noqa: RUF012  filled by the test

    def __init__(self, _cluster: object, cron_job: str, name: str) -> None:
        self.cron_job, self.name = cron_job, name
        self.arguments: list[str] = []
        self.is_deleted = False
        self._looks = 0
        FakeRun.runs.append(self)

    lines: tuple[str, ...] = ()
    outcome = True
    interrupted = False

    def start_alone(self, log: Callable[[str], None], arguments: list[str]) -> None:
        log("waiting for job archive-maintenance-1, which is running")
        self.arguments = arguments

    def wait_until_running(self) -> None:
        if self.interrupted:
            raise KeyboardInterrupt

    def succeeded(self) -> bool | None:
        self._looks += 1
        return self.outcome if self._looks > len(self.lines) else None

    def log(self, _lines: int) -> str:
        return "\n".join(self.lines[: self._looks])

    def delete(self) -> None:
        self.is_deleted = True


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> type[FakeRun]:
    """What the Job does."""
    FakeRun.runs = []
    kind = type("Run", (FakeRun,), {"lines": ("rewrote a", json.dumps(AUDIT))})
    monkeypatch.setattr(iceberg_job, "JobRun", kind)
    monkeypatch.setattr(iceberg_job, "Cluster", lambda _: None)
    monkeypatch.setattr("erasure.iceberg_job.time.sleep", lambda _: None)
    return kind


def erase(log: list[str], *, dry_run: bool = False) -> dict[str, Any]:
    outputs = parse_outputs("sandbox", OUTPUTS)
    return iceberg_job.erase(outputs, KEY, "ada@here", log.append, dry_run=dry_run)


def test_the_program_gets_the_key_and_its_lines_are_printed_once(run: type[FakeRun]) -> None:
    log: list[str] = []
    assert erase(log) == AUDIT
    (job,) = run.runs
    assert job.arguments == [
        "erase", "--table", "cdc.users", "--key", '{"id": 42}', "--by", "ada@here",
    ]  # fmt: skip
    assert log == ["waiting for job archive-maintenance-1, which is running", "rewrote a"]
    assert job.cron_job == "archive-maintenance"
    assert job.is_deleted
    erase(log, dry_run=True)
    assert run.runs[1].arguments == [*job.arguments, "--dry-run"]
    assert run.runs[1].name != job.name


@pytest.mark.parametrize(("outcome", "lines"), [(False, (json.dumps(AUDIT),)), (True, ("killed",))])
def test_a_job_that_fails_or_says_nothing_is_an_error(
    run: type[FakeRun], outcome: bool, lines: tuple[str, ...]
) -> None:
    run.outcome, run.lines = outcome, lines
    with pytest.raises(StackError, match="not everything is erased"):
        erase([])
    assert run.runs[0].is_deleted


def test_an_interruption_deletes_the_job(run: type[FakeRun]) -> None:
    run.interrupted = True
    with pytest.raises(KeyboardInterrupt):
        erase([])
    assert run.runs[0].is_deleted
