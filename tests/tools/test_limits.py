"""Tests that wait forever end, are named, and keep no other test from running."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import limits

ROOT = Path(__file__).resolve().parents[2]
QUICK = """
from tests import limits

limits.REPEAT_SECONDS, limits.EXIT_SECONDS = 1, 6
pytest_plugins = ["tests.limits"]
"""
WAITING = """
import signal, subprocess, threading, time

import pytest


def test_first():
    pass


def test_call():
    threading.Event().wait()


@pytest.fixture
def stuck():
    yield
    threading.Event().wait()


def test_teardown(stuck):
    pass


def test_failure(stuck):
    raise AssertionError("its own failure")


def test_grandchild_has_the_pipe():
    subprocess.run(["sh", "-c", "sleep 60 & echo $!"], capture_output=True)


def test_child_outlives_the_block():
    with subprocess.Popen(["sleep", "60"], stdout=subprocess.PIPE) as child:
        child.stdout.readline()


def test_no_alarm_arrives():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    time.sleep(60)


def test_last():
    pass
"""
OTHERS = """
import time

import pytest


@pytest.mark.parametrize("number", range(20))
def test_other(number):
    time.sleep(0.5)
"""


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest prints of the tests above, on two workers."""
    folder = tmp_path_factory.mktemp("waiting")
    (folder / "pytest.ini").write_text("[pytest]\ntimeout = 2\ntimeout_method = signal\n")
    (folder / "conftest.py").write_text(QUICK)
    (folder / "test_waiting.py").write_text(WAITING)
    (folder / "test_others.py").write_text(OTHERS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", "--numprocesses=2", "--dist=loadfile"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    return done.stdout


@pytest.mark.parametrize(
    "line",
    [
        "FAILED test_waiting.py::test_call - Failed: Timeout",
        "ERROR test_waiting.py::test_teardown - Failed: Timeout",
        "FAILED test_waiting.py::test_failure - AssertionError: its own failure",
        "ERROR test_waiting.py::test_failure - Failed: Timeout",
        "FAILED test_waiting.py::test_grandchild_has_the_pipe - Failed: Timeout",
        "FAILED test_waiting.py::test_child_outlives_the_block - Failed: Timeout",
        "FAILED test_waiting.py::test_no_alarm_arrives - worker ",
    ],
)
def test_a_test_that_waits_forever_is_named_once(output: str, line: str) -> None:
    assert output.count(line) == 1, output


def test_the_place_where_it_waits_is_printed(output: str) -> None:
    assert "in test_no_alarm_arrives" in output, output
    assert "    threading.Event().wait()" in output


def test_the_others_run(output: str) -> None:
    assert "PASSED test_waiting.py::test_first" in output, output
    assert "PASSED test_waiting.py::test_last" in output
    assert output.count("PASSED test_others.py::test_other") == 20


def test_no_test_is_without_a_limit(request: pytest.FixtureRequest) -> None:
    assert float(request.config.getini("timeout")) > 0
    assert request.config.pluginmanager.is_registered(limits)
