"""Notes each commit of the sink when it happens, so that maintenance may expire its snapshot."""

import threading
from collections.abc import Sequence
from typing import Any

from clients.archive import ArchiveCommit, IcebergArchive
from clients.stack import StackOutputs
from workload.background import Background

POLL_SECONDS = 1.0


class SnapshotLog:
    """Reads the tables' metadata on a thread, until the end of the block."""

    def __init__(self, outputs: StackOutputs) -> None:
        self._archive, self._tables = IcebergArchive(outputs.archive), outputs.tables
        # Also those that have expired since.
        self._known: set[ArchiveCommit] = set()
        self._background = Background(self._note, name="reading the archive's snapshots")

    def __enter__(self) -> "SnapshotLog":
        self._background.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        """Raise StackError if the reading failed."""
        self._background.__exit__(*raised)

    def rows(self, since: float) -> int:
        """Return how many rows became readable after a time (time.time())."""
        return sum(rows for _, rows in self.readable(since))

    def readable(self, since: float) -> Sequence[tuple[float, int]]:
        """Return when rows became readable after a time, and how many.

        Raises StackError if the reading failed.
        """
        self._background.check()
        found = list(self._known)
        return sorted((each.at, each.rows) for each in found if each.at >= since)

    def _note(self, stop: threading.Event) -> None:
        while not stop.wait(POLL_SECONDS):
            for table in self._tables:
                self._known.update(self._archive.commits(table, 0))
