"""Notes each commit of the sink when it happens, so that maintenance may expire its snapshot."""

import threading
from collections.abc import Sequence

from pyiceberg.table.snapshots import Operation

from bench.iceberg_files import ArchiveCommit
from clients.archive import IcebergArchive
from clients.stack import StackOutputs

POLL_SECONDS = 1.0


class SnapshotLog:
    """Reads the tables' metadata on a thread, until the end of the block."""

    def __init__(self, outputs: StackOutputs) -> None:
        self._archive, self._tables = IcebergArchive(outputs.archive), outputs.tables
        self._known: dict[int, ArchiveCommit] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._guarded, name="snapshot-log", daemon=True)
        self._failure: Exception | None = None

    def __enter__(self) -> "SnapshotLog":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def rows(self, since: float) -> int:
        """Return how many rows became readable after a time (time.time())."""
        return sum(rows for _, rows in self.readable(since))

    def readable(self, since: float) -> Sequence[tuple[float, int]]:
        """Return when rows became readable after a time, and how many. Raises what reading did."""
        if self._failure is not None:
            raise self._failure
        found = list(self._known.values())
        return sorted((each.at, each.rows) for each in found if each.at >= since)

    def _guarded(self) -> None:
        try:
            while not self._stop.wait(POLL_SECONDS):
                for table in self._tables:
                    self._note(table)
        except Exception as error:  # raised by readable()
            self._failure = error

    def _note(self, table: str) -> None:
        found = self._archive.find(table)
        for snapshot in found.metadata.snapshots if found else ():
            summary = snapshot.summary
            # The maintenance's own snapshots add no rows that are new.
            if summary is None or summary.operation is not Operation.APPEND:
                continue
            if added := int(summary["added-records"] or 0):
                self._known[snapshot.snapshot_id] = ArchiveCommit(
                    table, snapshot.timestamp_ms / 1000, added, 0, 0
                )
