"""scripts/test.sh prints what both of its runs print, however it ends."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/test.sh"
SECONDS = 30
# Instead of pytest: prints which run it is, then does what the test's `others` or `pipeline` says.
PYTEST = """#!/usr/bin/env bash
trap 'echo "$run: interrupted"; exit 2' INT
run=pipeline
[[ "$*" != *"not pipeline"* ]] || run=others
echo "$run: begun"
. "$(dirname "$0")/$run"
echo "$run: ended"
"""
ENVIRONMENT = """
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
use_stack() { :; }
"""
WAIT = "for _ in {1..600}; do sleep 0.1; done"

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Start the script where nothing is deployed and two lines of shell stand in for the tests."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(SCRIPT, tmp_path / "scripts")
    (tmp_path / "scripts/environment.sh").write_text(ENVIRONMENT)
    _program(tmp_path / "scripts/up.sh", "#!/bin/sh\n")
    (tmp_path / "bin").mkdir()
    _program(tmp_path / "bin/pytest", PYTEST)

    def run(*, pipeline: str, others: str, **variables: str) -> subprocess.Popen[str]:
        (tmp_path / "bin/pipeline").write_text(pipeline)
        (tmp_path / "bin/others").write_text(others)
        path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
        return subprocess.Popen(
            # A script can't trap what it was started to ignore, as in a shell's background.
            ["env", "--default-signal=INT", tmp_path / "scripts/test.sh"],
            cwd=tmp_path,
            env={**os.environ, **variables, "PATH": path, "TMPDIR": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    return run


def _program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def test_both_runs_are_printed(start: Start, tmp_path: Path) -> None:
    script = start(pipeline="", others="sleep 1")
    printed, _ = script.communicate(timeout=SECONDS)
    assert script.returncode == 0, printed
    lines = printed.splitlines()
    assert lines[:2] == ["pipeline: begun", "pipeline: ended"]
    assert lines[-2:] == ["others: begun", "others: ended"]
    assert not list(tmp_path.glob("tmp.*"))


@pytest.mark.parametrize(
    ("pipeline", "others", "code"), [("exit 1", "", 1), ("", "exit 3", 3), ("exit 1", "exit 3", 3)]
)
def test_the_script_fails_if_a_run_fails(
    start: Start, pipeline: str, others: str, code: int
) -> None:
    script = start(pipeline=pipeline, others=others)
    printed, _ = script.communicate(timeout=SECONDS)
    assert script.returncode == code, printed
    assert "others: begun" in printed


def test_the_others_are_followed_while_they_run(start: Start) -> None:
    script = start(pipeline="", others=WAIT)
    assert script.stdout is not None
    printed = ""
    for line in script.stdout:
        printed += line
        if line == "others: begun\n":
            break
    assert script.poll() is None, printed
    script.send_signal(signal.SIGTERM)
    rest, _ = script.communicate(timeout=SECONDS)
    assert "others: interrupted" in rest, printed + rest
    assert script.returncode == 143


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
)
def test_a_script_that_is_ended_prints_both_runs_so_far(
    start: Start, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    both = f"touch {tmp_path}/$run.runs; {WAIT}"
    script = start(pipeline=both, others=both)
    deadline = time.monotonic() + SECONDS
    while len(list(tmp_path.glob("*.runs"))) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    script.send_signal(number)
    printed, _ = script.communicate(timeout=SECONDS)
    for run in ("pipeline", "others"):
        assert f"{run}: begun" in printed, printed
        assert f"{run}: interrupted" in printed
    assert script.returncode == code


def test_others_that_do_not_end_are_ended(start: Start) -> None:
    script = start(pipeline="", others=WAIT, DATAPIPE_TEST_MINUTES="0.02")
    printed, _ = script.communicate(timeout=SECONDS)
    assert "others: interrupted" in printed, printed
    assert "The tests without the pipeline were ended after 0.02 minutes." in printed
    assert script.returncode == 124
