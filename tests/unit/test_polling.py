"""poll_until: when it calls the condition, what it returns, and what it says on a timeout."""

from collections.abc import Callable, Iterator

import pytest

import polling
from polling import NotReadyError, poll_until


class Clock:
    """A monotonic clock that only sleep() advances; poll_until has no other clock here."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(polling, "time", clock)
    return clock


def answers(*values: object) -> Callable[[], object]:
    """Make a condition that returns, or raises, one value after the other."""
    upcoming: Iterator[object] = iter(values)

    def condition() -> object:
        value = next(upcoming)
        if isinstance(value, Exception):
            raise value
        return value

    return condition


def test_returns_the_first_true_result_without_sleeping(clock: Clock) -> None:
    assert poll_until(answers("pod"), timeout=60, interval=2, description="a pod") == "pod"
    assert clock.slept == []


def test_sleeps_for_the_interval_between_calls(clock: Clock) -> None:
    found = poll_until(answers(None, [], 7), timeout=60, interval=2, description="seven")
    assert found == 7
    assert clock.slept == [2, 2]


def test_the_condition_is_called_a_last_time_at_the_deadline(clock: Clock) -> None:
    found = poll_until(answers(0, 0, 0, 1), timeout=5, interval=2, description="one")
    assert found == 1
    assert clock.slept == [2, 2, 1]


def test_a_timeout_of_zero_calls_the_condition_once(clock: Clock) -> None:
    with pytest.raises(TimeoutError, match="timed out after 0 s waiting for one"):
        poll_until(answers(0), timeout=0, interval=2, description="one")
    assert clock.slept == []


def test_the_time_that_the_condition_takes_counts(clock: Clock) -> None:
    def slow() -> bool:
        clock.now += 10
        return False

    with pytest.raises(TimeoutError):
        poll_until(slow, timeout=5, interval=2, description="it")
    assert clock.now == 1020


def test_the_message_has_the_timeout_and_the_last_exception(clock: Clock) -> None:
    condition = answers(OSError("connection reset"), OSError("connection refused"))
    with pytest.raises(TimeoutError) as raised:
        poll_until(condition, timeout=1, interval=1, description="moto", retry_on=(OSError,))
    assert str(raised.value) == (
        "timed out after 1 s waiting for moto (last seen: connection refused)"
    )
    assert isinstance(raised.value.__cause__, OSError)


def test_the_message_has_what_the_condition_saw(clock: Clock) -> None:
    with pytest.raises(TimeoutError, match=r"for the pods \(last seen: 2 of 3 run\)"):
        poll_until(
            answers(NotReadyError("2 of 3 run")), timeout=0, interval=1, description="the pods"
        )


def test_an_exception_without_text_is_named(clock: Clock) -> None:
    with pytest.raises(TimeoutError, match=r"\(last seen: KeyError\)"):
        poll_until(
            answers(KeyError()), timeout=0, interval=1, description="it", retry_on=(KeyError,)
        )


def test_an_exception_that_a_later_call_did_not_raise_is_not_shown(clock: Clock) -> None:
    with pytest.raises(TimeoutError) as raised:
        poll_until(
            answers(OSError("old"), False),
            timeout=1,
            interval=1,
            description="it",
            retry_on=(OSError,),
        )
    assert str(raised.value) == "timed out after 1 s waiting for it"


def test_other_exceptions_end_the_wait(clock: Clock) -> None:
    with pytest.raises(ValueError, match="broken"):
        poll_until(answers(ValueError("broken")), timeout=60, interval=1, description="it")
    assert clock.slept == []


def test_the_caller_chooses_the_error(clock: Clock) -> None:
    with pytest.raises(RuntimeError, match="waiting for it"):
        poll_until(answers(0), timeout=0, interval=1, description="it", error=RuntimeError)
