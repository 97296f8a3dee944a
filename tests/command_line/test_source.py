"""`datapipe source` reads the configuration of a stack, deployed or not."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from command_line.program import main
from components.source.existing import doctor
from components.source.existing.problem import Problem

PASSWORD = "hunter2-and-more"
SOURCES = {
    "shop": {
        "host": "10.20.0.7",
        "database": "shop",
        "password": PASSWORD,
        "sslMode": "require",
        "tables": {"public.users": {}},
    }
}
CONFIGURATION = {
    "datapipe:archive": {"value": "{}", "objectValue": {"bucket": "datapipe-ingestion-test"}},
    "datapipe:sources": {"value": "{}", "objectValue": SOURCES, "secret": True},
    "aws:region": {"value": "us-east-1"},
}

Run = Callable[..., int]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command line where pulumi answers with CONFIGURATION, and no stack is deployed."""

    def answer(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        if command[1] == "config":
            return subprocess.CompletedProcess(command, 0, json.dumps(CONFIGURATION), "")
        return subprocess.CompletedProcess(command, 255, "", "no stack named 'sandbox' found")

    monkeypatch.delenv("STACK", raising=False)
    monkeypatch.setattr(subprocess, "run", answer)

    def run_in_process(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["datapipe", *arguments])
        return main()

    return run_in_process


def test_the_sql_names_what_it_is_for_and_hides_the_password(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("source", "sql", "shop") == 0
    printed = capsys.readouterr().out
    assert "-- Prepares 10.20.0.7:5432, database shop, as the source shop." in printed
    assert "PASSWORD 'SCRAM-SHA-256$4096:" in printed
    assert PASSWORD not in printed


def test_an_unknown_source_is_refused_with_those_that_exist(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("source", "doctor", "crm") == 1
    assert "Pulumi.sandbox.yaml has no crm; it has shop" in capsys.readouterr().err


def test_the_doctor_says_what_is_wrong_and_fails_if_capture_would(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for found, code, last in (
        ([], 0, "shop: 10.20.0.7:5432 can be captured"),
        ([Problem("slow", "hurry", "warning")], 0, "shop: 10.20.0.7:5432 can be captured"),
        ([Problem("wrong", "mend it")], 1, "refused: wrong. To repair it: mend it"),
    ):
        monkeypatch.setattr(doctor, "problems", lambda *_, found=found, **__: found)
        assert run("source", "doctor", "shop") == code
        assert capsys.readouterr().out.splitlines()[-1] == last
