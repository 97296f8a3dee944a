"""One way of waiting: call a condition at intervals until it holds or the time is over."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class NotReadyError(Exception):
    """Raised by a condition that does not hold yet, with what it saw: "2 of 3 pods are running"."""


def poll_until(
    condition: Callable[[], T],
    *,
    timeout: float,
    interval: float,
    description: str,
    retry_on: tuple[type[Exception], ...] = (),
    error: Callable[[str], Exception] = TimeoutError,
) -> T:
    """Return the first result of `condition` that is true.

    `condition` is called at least once, then every `interval` seconds, and a last time when
    `timeout` seconds have passed. NotReadyError and the exceptions of `retry_on` mean that it does
    not hold yet; any other exception ends the wait and reaches the caller.

    Raises `error`, given a message such as "timed out after 60 s waiting for moto (last seen:
    connection refused)"; its cause is the last exception that was retried.
    """
    retried: tuple[type[Exception], ...] = (NotReadyError, *retry_on)
    deadline = time.monotonic() + timeout
    while True:
        expired = time.monotonic() >= deadline
        last: Exception | None = None
        try:
            if found := condition():
                return found
        except retried as reason:
            last = reason
        if expired:
            raise error(_message(timeout, description, last)) from last
        time.sleep(max(0.0, min(interval, deadline - time.monotonic())))


def _message(timeout: float, description: str, last: Exception | None) -> str:
    seen = f" (last seen: {str(last) or type(last).__name__})" if last else ""
    return f"timed out after {timeout:g} s waiting for {description}{seen}"
