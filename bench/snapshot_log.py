"""Notes each commit of the sink when it happens, so that maintenance may expire its snapshot."""

import threading
from collections.abc import Sequence

from clients.archive import ArchiveCommit, IcebergArchive
from clients.stack import StackOutputs
from workload.background import Background

POLL_SECONDS = 1.0


class SnapshotLog(Background):
    """Reads the tables' metadata until the end of the block."""

    def __init__(self, outputs: StackOutputs) -> None:
        super().__init__(self._note, name="reading the archive's snapshots")
        self._archive, self._tables = IcebergArchive(outputs.archive), outputs.tables
        # Also those that have expired since.
        self._known: set[ArchiveCommit] = set()

    def rows(self, since: float) -> int:
        """Return how many rows became readable after a time (time.time())."""
        return sum(rows for _, rows in self.readable(since))

    def readable(self, since: float) -> Sequence[tuple[float, int]]:
        """Return when rows became readable after a time, and how many.

        Raises StackError if the reading failed.
        """
        self.check()
        found = list(self._known)
        return sorted((each.at, each.rows) for each in found if each.at >= since)

    def _note(self, stop: threading.Event) -> None:
        while not stop.wait(POLL_SECONDS):
            for table in self._tables:
                self._known.update(self._archive.commits(table, 0))
