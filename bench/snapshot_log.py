"""Notes each commit of the sink when it happens, so that maintenance may expire its snapshot."""

import threading
from collections.abc import Sequence

from clients.archive import ArchiveCommit, IcebergArchive
from clients.stack import StackOutputs

POLL_SECONDS = 1.0
# For an archive that does not answer the last request.
END_SECONDS = 60


class SnapshotLog:
    """Reads the tables' metadata on a thread, until the end of the block."""

    def __init__(self, outputs: StackOutputs) -> None:
        self._archive, self._tables = IcebergArchive(outputs.archive), outputs.tables
        # Also those that have expired since.
        self._known: set[ArchiveCommit] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._guarded, name="snapshot-log", daemon=True)
        self._failure: Exception | None = None

    def __enter__(self) -> "SnapshotLog":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(END_SECONDS)

    def rows(self, since: float) -> int:
        """Return how many rows became readable after a time (time.time())."""
        return sum(rows for _, rows in self.readable(since))

    def readable(self, since: float) -> Sequence[tuple[float, int]]:
        """Return when rows became readable after a time, and how many. Raises what reading did."""
        if self._failure is not None:
            raise self._failure
        found = list(self._known)
        return sorted((each.at, each.rows) for each in found if each.at >= since)

    def _guarded(self) -> None:
        try:
            while not self._stop.wait(POLL_SECONDS):
                for table in self._tables:
                    self._known.update(self._archive.commits(table, 0))
        except Exception as error:  # raised by readable()
            self._failure = error
