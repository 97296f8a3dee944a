"""What a thread raises while a load runs is raised, and one that goes on is an error."""

import threading
from collections.abc import Callable

import pytest

from clients.stack import StackError
from workload.background import Background

# Longer than the work of these tests takes to begin or to end.
SECONDS = 30.0
Work = Callable[[threading.Event], None]


class LoadError(Exception):
    pass


def test_the_work_runs_until_the_end_of_the_block() -> None:
    began, ended = threading.Event(), threading.Event()

    def work(stop: threading.Event) -> None:
        began.set()
        assert stop.wait(SECONDS)
        ended.set()

    with Background(work, name="the load") as background:
        assert began.wait(SECONDS)
        assert background.runs
    assert ended.is_set()
    assert not background.runs


@pytest.mark.parametrize("error", [StackError, LoadError])
def test_what_it_raises_is_raised_at_the_end_of_the_block(error: type[Exception]) -> None:
    with (
        pytest.raises(error, match=r"^the load failed: no room$") as raised,
        Background(_fails, name="the load", error=error),
    ):
        pass
    assert isinstance(raised.value.__cause__, OSError)


def test_it_can_be_checked_before_the_end() -> None:
    with (
        pytest.raises(ZeroDivisionError),
        Background(_fails, name="the load") as background,
    ):
        while background.runs:
            pass
        with pytest.raises(StackError, match="no room"):
            background.check()
        raise ZeroDivisionError  # an error of the block goes first


def test_work_that_goes_on_is_an_error() -> None:
    end = threading.Event()
    try:
        with (
            pytest.raises(StackError, match=r"^the load did not end within 0\.1 s$"),
            Background(lambda _stop: _wait(end), name="the load", end_seconds=0.1),
        ):
            pass
    finally:
        end.set()


def _fails(_stop: threading.Event) -> None:
    raise OSError("no room")


def _wait(end: threading.Event) -> None:
    end.wait(SECONDS)
