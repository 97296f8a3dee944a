"""Lines of a program are waited for with a limit, also where it prints nothing or has ended."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import IO

import pytest

from chaos.faults import updates
from chaos.pipeline import FaultError
from polling.lines import LineReader

SECONDS = 30
Start = Callable[[str], LineReader]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a script of the shell; its lines."""
    with ExitStack() as stack:

        def run(script: str) -> LineReader:
            process = stack.enter_context(
                subprocess.Popen(["bash", "-c", script], stdout=subprocess.PIPE, text=True)
            )
            stack.callback(process.kill)
            output: IO[str] | None = process.stdout
            assert output is not None
            return LineReader(output)

        yield run


def test_each_line_is_returned_once_and_then_the_end(start: Start) -> None:
    lines = start("echo one; echo; printf two")
    assert [lines.next_line(SECONDS) for _ in range(5)] == ["one", "", "two", None, None]


def test_a_line_that_does_not_come_is_not_waited_for(start: Start) -> None:
    lines = start("echo one; exec sleep 60")
    assert lines.next_line(SECONDS) == "one"
    with pytest.raises(TimeoutError, match=r"timed out after 0\.2 s waiting for a line"):
        lines.next_line(0.2)


def test_the_rest_is_what_was_not_read_yet(start: Start) -> None:
    lines = start("echo one; echo two; echo three")
    assert lines.next_line(SECONDS) == "one"
    assert lines.rest(SECONDS) == ["two", "three"]


def test_a_child_that_keeps_the_pipe_is_not_waited_for(start: Start) -> None:
    lines = start("sleep 5 & echo one")
    with pytest.raises(TimeoutError, match="waiting for the end of the output"):
        lines.rest(0.5)
    assert lines.next_line(SECONDS) == "one"


def test_an_update_that_prints_nothing_is_a_fault_of_chaos(start: Start) -> None:
    updates._read_until(
        start("echo begun; echo 'updating (1s'; exec sleep 60"), "updating", SECONDS
    )
    for script in ("echo begun; exec sleep 60", "echo begun"):
        with pytest.raises(FaultError, match=r"did not print 'updating': begun"):
            updates._read_until(start(script), "updating", 1)
