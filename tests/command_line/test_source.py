"""`datapipe source` reads the configuration of a stack, deployed or not."""

import errno
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clients.stack import parse_outputs
from command_line.program import main
from command_line.stack_configuration import deployed_source, recorded_entries
from components.source.existing import doctor, vantage_choice
from components.source.existing.problem import Problem
from components.source.existing.vantage import ThisMachine
from tests.clients.stack_outputs import TWO_SOURCES
from tests.kubeconfig import use_kubeconfig

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


class Way:
    """A way to a database that no test asks."""

    vantage = ThisMachine()
    why_here = "no worker is ready"


def test_the_doctor_says_what_is_wrong_and_fails_if_capture_would(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vantage_choice, "open_way", lambda *_: Way())
    for found, code, last in (
        ([], 0, "shop: 10.20.0.7:5432 can be captured"),
        ([Problem("slow", "hurry", "warning")], 0, "shop: 10.20.0.7:5432 can be captured"),
        ([Problem("disk", "df", "not checked")], 0, "shop: 10.20.0.7:5432 can be captured"),
        ([Problem("wrong", "mend it")], 1, "shop: 10.20.0.7:5432 can not be captured"),
    ):
        monkeypatch.setattr(doctor, "examine", lambda *_, found=found, **__: found)
        assert run("source", "doctor", "shop") == code
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "shop: looked at from this machine, no worker is ready"
        assert lines[1:-1] == [f"{each.level}: {each}" for each in found]
        assert lines[-1] == last


def refuse(*_: object) -> None:
    raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")


def test_the_doctor_looks_from_where_it_is_told_to(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use_kubeconfig(monkeypatch, str(tmp_path / "none"))
    assert run("source", "doctor", "shop", "--where", "cluster") == 1
    assert "refused: Kubernetes: no kubeconfig with a current context" in capsys.readouterr().out
    monkeypatch.setattr(ThisMachine, "try_tcp", refuse)
    assert run("source", "doctor", "shop", "--where", "here") == 1
    assert "refused: TCP: 10.20.0.7:5432" in capsys.readouterr().out


def test_a_stack_is_not_removed_before_it_is_said_what_becomes_of_the_slots(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use_kubeconfig(monkeypatch, str(tmp_path / "none"))
    monkeypatch.setattr(ThisMachine, "try_tcp", refuse)
    assert run("source", "release") == 1
    assert "shop: the server would keep all WAL" in capsys.readouterr().err
    assert run("source", "release", "--slots", "keep") == 0
    drop = "SELECT pg_drop_replication_slot('datapipe_shop');"
    assert drop in capsys.readouterr().out
    # A slot that can't be dropped keeps the stack: its outputs say where the slot is.
    assert run("source", "release", "--slots", "drop") == 1
    told = capsys.readouterr().out
    assert "its slot was not dropped, as the database can't be reached (TCP: 10.20.0.7:5432" in told
    assert drop in told
    assert "make down SLOTS=keep" in told


def test_without_a_name_all_databases_are_meant(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("source", "sql") == 0
    assert "-- Prepares 10.20.0.7:5432, database shop" in capsys.readouterr().out


def test_what_another_version_has_deployed_is_said_to_be_unknown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def deployed(outputs: dict[str, Any]) -> None:
        monkeypatch.setattr(
            "command_line.stack_configuration.read_outputs",
            lambda stack: parse_outputs(stack, outputs),
        )

    def recorded(source: str) -> dict[str, Any]:
        return recorded_entries(deployed_source("sandbox", source))

    deployed(TWO_SOURCES)
    assert list(recorded("shop")) == ["public.users", "sales.orders"]
    for outputs, source in (({}, "shop"), (TWO_SOURCES, "store")):
        deployed(outputs)
        assert recorded(source) == {}
    assert capsys.readouterr().err == ""
    deployed({"tables": ["public.users"]})
    assert recorded("shop") == {}
    assert "what the archive has of shop is not known: stack sandbox lacks" in (
        capsys.readouterr().err
    )
