"""Waits for the changes of single rows in the archive."""

from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc

from clients.archive import Archive
from polling import NotReadyError, poll_until

# The sandbox commits every 10 s; the rest is for a slow machine.
ARCHIVED_SECONDS = 90


@dataclass(frozen=True)
class ArchivedChanges:
    """The archived changes since a position in the WAL; older files are not read."""

    archive: Archive
    since_lsn: int

    def __call__(self, table: str, key: int, count: int) -> list[dict[str, Any]]:
        """Wait for `count` changes of a row; return those that are there, in the WAL's order."""
        found: list[dict[str, Any]] = []

        def arrived() -> bool:
            rows = self.archive.changes(table, since_lsn=self.since_lsn)
            found[:] = rows.filter(pc.field("id") == key).to_pylist() if rows.num_rows else []
            if len(found) < count:
                raise NotReadyError(f"{len(found)}")
            return True

        poll_until(
            arrived,
            timeout=ARCHIVED_SECONDS,
            interval=1,
            description=f"{count} archived changes of {table} {key}",
        )
        return sorted(found, key=lambda row: row["__source_lsn"])
