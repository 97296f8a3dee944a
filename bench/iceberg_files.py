"""The archive's data files, and since when each is readable."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet
from pyiceberg.table import Table

from clients.archive import ArchiveCommit, IcebergArchive
from clients.stack import StackError, StackOutputs

# Debezium's columns that tell an archived row's change.
CHANGE_COLUMNS = ("__op", "__deleted", "__source_lsn")


@dataclass(frozen=True)
class DataFile:
    """A Parquet file of a table."""

    path: str
    size: int
    rows: int
    readable: float
    """when its snapshot was committed, in seconds since 1970"""


class IcebergFiles:
    """The data files of a stack's Iceberg tables; each call reads the tables' current metadata."""

    def __init__(self, outputs: StackOutputs) -> None:
        """Open the archive. Raises StackError for plain files, which have no commit times."""
        if outputs.archive.sink != "iceberg":
            raise StackError(
                f"archive.sink is {outputs.archive.sink}, but the bench needs iceberg:"
                " plain files do not say since when they are readable"
            )
        self._archive = IcebergArchive(outputs.archive)

    def commits(self, table: str, since: float) -> list[ArchiveCommit]:
        """Return the commits that added rows to schema.table after a time."""
        return self._archive.commits(table, since)

    def row_count(self, table: str) -> int:
        """Return how many rows the archive of schema.table has."""
        return self._archive.row_count(table)

    def files(self, table: str, since: float) -> list[DataFile]:
        """Return the data files that were added to schema.table after a time, oldest first."""
        found = self._archive.find(table)
        if found is None:
            return []
        return sorted(_files(found, since), key=lambda file: file.readable)

    def rows(self, table: str, file: DataFile, columns: tuple[str, ...] | None) -> pa.Table:
        """Read columns of a file and Debezium's; None: all. Raises StackError without the table."""
        found = self._archive.find(table)
        if found is None:
            raise StackError(f"the archive's table {table} was dropped while it was read")
        wanted = None if columns is None else [*columns, *CHANGE_COLUMNS]
        with found.io.new_input(file.path).open() as stream:
            return pyarrow.parquet.read_table(stream, columns=wanted)

    def purge(self, table: str) -> None:
        """Drop the archive of schema.table and delete its files."""
        self._archive.purge(table)


def _files(table: Table, since: float) -> Iterator[DataFile]:
    readable = {each.snapshot_id: each.timestamp_ms / 1000 for each in table.metadata.snapshots}
    snapshot = table.current_snapshot()
    for manifest in snapshot.manifests(table.io) if snapshot else ():
        if readable.get(manifest.added_snapshot_id or 0, since) < since:
            continue
        for entry in manifest.fetch_manifest_entry(table.io):
            at = readable.get(entry.snapshot_id or 0)
            if at is not None and at >= since:
                file = entry.data_file
                yield DataFile(file.file_path, file.file_size_in_bytes, file.record_count, at)
