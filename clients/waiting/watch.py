"""Reports obstacles that last, each once."""

from __future__ import annotations

import time
from collections.abc import Callable

from clients.waiting.obstacles import LastLine, Obstacle, Snapshot, obstacles

# Many obstacles go by themselves within seconds, such as a broker that waits for the others.
LASTING_SECONDS = 20


class Watch:
    """What one update waits for."""

    def __init__(
        self, report: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._report, self._clock = report, clock
        self._since: dict[tuple[str, str], float] = {}
        self._reported: dict[tuple[str, str], Obstacle] = {}
        self._unreachable = False

    def look(self, snapshot: Snapshot, last_line: LastLine) -> None:
        """Report obstacles that have lasted, and objects that have none any more."""
        now = self._clock()
        found = {(one.of, one.cause): one for one in obstacles(snapshot, last_line)}
        self._since = {key: self._since.get(key, now) for key in found}
        for key, one in found.items():
            if key in self._reported or now - self._since[key] >= LASTING_SECONDS:
                if key not in self._reported:
                    self._report(f"waiting for {one.of}: {one.reason}")
                self._reported[key] = one
        for key in self._reported.keys() - found.keys():
            del self._reported[key]
            if key[0] not in {of for of, _ in found}:
                self._report(f"{key[0]} goes on")

    def unreachable(self, error: str) -> None:
        """Report once that the cluster could not be asked."""
        if not self._unreachable:
            self._report(f"can't see what pods wait for: {error.strip().splitlines()[0]}")
        self._unreachable = True

    def end(self) -> None:
        """Repeat what is still in the way when the update has ended."""
        for one in self._reported.values():
            self._report(f"still in the way of {one.of}: {one.reason}")
