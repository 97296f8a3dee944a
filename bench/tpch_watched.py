"""What bench-tpch sees of a phase while it lasts."""

import time

from bench.tpch_result import Kill, Phase
from bench.tpch_usage import UsageMeter
from bench.worker_killer import WorkerKiller


class Watched:
    """What was seen of a phase."""

    def __init__(self, before: int, began: float | None) -> None:
        self._before, self.began = before, began
        self._first_written: int | None = None
        self._ended_at: float | None = None
        self.archived, self.unread, self._most_unread = 0, 0, 0
        self.changed_at = time.time()

    def ended_at(self, ended: bool) -> float:
        """Return when the work ended; now, if it has not."""
        if ended and self._ended_at is None:
            self._ended_at = time.time()
        return self._ended_at or time.time()

    def note(self, archived: int, written: int | None) -> None:
        """Note how many rows are archived and written, since the archive's beginning."""
        archived -= self._before
        if archived != self.archived:
            self.archived, self.changed_at = archived, time.time()
        if written is not None:
            if self._first_written is None:
                self._first_written = written if self._before else 0
            self.unread = max(0, written - self._first_written - archived)
            self._most_unread = max(self._most_unread, self.unread)

    def phase(self, meter: UsageMeter, rows: int) -> Phase:
        """Return the figures."""
        began = self.began if self.began is not None else self.changed_at
        return Phase(
            rows=rows,
            archived=self.archived,
            seconds=round(self.changed_at - began, 1),
            machine_cpu_seconds=round(meter.machine_cpu_seconds, 1),
            most_unread=self._most_unread,
            used=meter.used(),
        )

    def kill(self, killer: WorkerKiller) -> Kill | None:
        """Return when the worker was killed and went on; None if it was not killed."""
        if killer.killed_at is None or killer.archived is None or self.began is None:
            return None
        resumed = killer.resumed_at
        return Kill(
            archived=killer.archived,
            unread=killer.unread,
            seconds=round(killer.killed_at - self.began, 1),
            recovery=None if resumed is None else round(resumed - killer.killed_at, 1),
        )
