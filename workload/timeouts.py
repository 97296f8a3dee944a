"""How long a comparison waits for the archive."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from polling import poll_until


class _LateError(Exception):
    """Apart from TimeoutError, which reading the archive may raise too."""


@dataclass(frozen=True)
class Timeouts:
    """How long a comparison waits for the archive, in seconds."""

    arrival: float
    """from the last commit until all that was committed must be readable"""
    settle: float
    """from then until the final reading, because a duplicate comes after its original; should be
    longer than the sink's commit interval"""
    poll: float = 1.0
    """between two readings; measured delays are upper bounds of this precision"""


def wait_for_archive(is_complete: Callable[[], bool], timeouts: Timeouts) -> float | None:
    """Read the archive with `is_complete` until it returns true.

    Return when that last reading began (time.time()), or None if `timeouts.arrival` is over.
    The caller must still let `timeouts.settle` pass and read a last time.
    """

    def began_if_complete() -> float | None:
        began = time.time()
        return began if is_complete() else None

    try:
        return poll_until(
            began_if_complete,
            timeout=timeouts.arrival,
            interval=timeouts.poll,
            description="the archive to hold what was committed",
            error=_LateError,
        )
    except _LateError:
        return None
