"""Work on a thread of its own while a load runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Self

from clients.stack import StackError

END_SECONDS = 60.0


class Background:
    """Runs a function on a thread until the end of the block. What it raises is raised there."""

    def __init__(
        self,
        work: Callable[[threading.Event], None],
        *,
        name: str,
        end_seconds: float = END_SECONDS,
        error: type[Exception] = StackError,
    ) -> None:
        """`work` is given an event that is set at the end of the block, and returns then.

        Messages begin with `name`, such as "the maintenance"; `end_seconds` is how long `work` may
        take to return.
        """
        self._work, self._name, self._error = work, name, error
        self._end_seconds = end_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._guarded, name=name, daemon=True)
        self._failure: Exception | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Raise the given error if the work failed or goes on; an error of the block goes first."""
        self._stop.set()
        self._thread.join(self._end_seconds)
        if kind is not None:
            return
        self.check()
        if self._thread.is_alive():
            raise self._error(f"{self._name} did not end within {self._end_seconds:g} s")

    @property
    def runs(self) -> bool:
        """Whether the function has not returned yet."""
        return self._thread.is_alive()

    def check(self) -> None:
        """Raise the given error if the work has failed."""
        if self._failure is not None:
            raise self._error(f"{self._name} failed: {self._failure}") from self._failure

    def _guarded(self) -> None:
        try:
            self._work(self._stop)
        except Exception as error:  # raised by check()
            self._failure = error
