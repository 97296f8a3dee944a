"""Reads the archive: the changes of a table as Arrow, whichever sink wrote the Parquet files."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa
import pyarrow.dataset
import pyarrow.fs
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Operation

from clients.file_columns import table_columns
from clients.stack import ArchiveOutput, StackOutputs

# The changes of a table of which none is archived yet.
NO_CHANGES = pa.table(
    {
        "__op": pa.array([], pa.string()),
        "__source_lsn": pa.array([], pa.int64()),
        "__source_ts_ms": pa.array([], pa.int64()),
        "__deleted": pa.array([], pa.string()),
    }
)

# pyarrow's own 1 and 3 seconds are too short for a machine whose cores are busy with the load.
CONNECT_SECONDS, REQUEST_SECONDS = 10, 30


@dataclass(frozen=True)
class ArchiveCommit:
    """A snapshot of an Iceberg table by which the sink added files."""

    table: str
    at: float
    """seconds since 1970, by the clock of the sink's coordinator"""
    rows: int
    files: int
    size: int
    """bytes"""


class Archive(Protocol):
    """An archive of changes, one row per change.

    In addition to the source table's columns a row has __op (c, u, d, r for the snapshot, or t for
    a TRUNCATE, whose other columns are NULL), __source_lsn, __source_ts_ms and __deleted ("true" or
    "false").
    """

    def changes(
        self, table: str, since_lsn: int = 0, columns: tuple[str, ...] | None = None
    ) -> pa.Table:
        """Return the present changes of schema.table from a WAL position on.

        Only `columns` are read; None: all.
        """

    def location(self, table: str) -> str:
        """Return the S3 address of the folder with the table's Parquet files."""


def open_archive(output: ArchiveOutput) -> Archive:
    """Return the archive of a stack; AWS credentials come from the environment."""
    return IcebergArchive(output) if output.sink == "iceberg" else FileArchive(output)


def open_archives(outputs: StackOutputs) -> dict[str, Archive]:
    """Return the archives of all captured databases, by the prefix of their topics."""
    return {own.topic_prefix: open_archive(own.archive) for own in outputs.each()}


class IcebergArchive:
    """Apache Iceberg tables in the Glue catalog. The sink creates a table at its first change."""

    def __init__(self, output: ArchiveOutput) -> None:
        self._output = output
        self._catalog = _glue_catalog(output)

    def changes(
        self, table: str, since_lsn: int = 0, columns: tuple[str, ...] | None = None
    ) -> pa.Table:
        """Return the changes; read only data files that can contain such positions."""
        found = self.find(table)
        if found is None:
            return NO_CHANGES
        selected = columns or ("*",)
        return found.scan(f"__source_lsn >= {since_lsn}", selected_fields=selected).to_arrow()

    def location(self, table: str) -> str:
        found = self.find(table)
        if found is None:
            return f"s3://{self._output.bucket}/{self._output.prefix}/ (no table yet)"
        return f"{found.location()}/data/"

    def find(self, table: str) -> Table | None:
        """Return the Iceberg table of schema.table; None until the sink has created it."""
        try:
            return self._catalog.load_table(self._output.iceberg_table(table))
        except NoSuchTableError:
            return None

    def row_count(self, table: str) -> int:
        """Return how many rows schema.table has now, with those of commits that have expired."""
        found = self.find(table)
        snapshot = found.current_snapshot() if found else None
        summary = snapshot.summary if snapshot else None
        return int(summary["total-records"] or 0) if summary else 0

    def commits(self, table: str, since: float) -> list[ArchiveCommit]:
        """Return the commits that added rows to schema.table after a time, without expired ones."""
        found = self.find(table)
        return [
            ArchiveCommit(
                table,
                snapshot.timestamp_ms / 1000,
                int(summary["added-records"] or 0),
                int(summary["added-data-files"] or 0),
                int(summary["added-files-size"] or 0),
            )
            for snapshot in (found.metadata.snapshots if found else ())
            if snapshot.timestamp_ms / 1000 >= since
            and (summary := snapshot.summary) is not None
            # Rows that the maintenance writes again are not new.
            and summary.operation is Operation.APPEND
            and summary["added-records"]
        ]

    def purge(self, table: str) -> None:
        """Drop the Iceberg table of schema.table with its files, if it exists."""
        with suppress(NoSuchTableError):
            self._catalog.purge_table(self._output.iceberg_table(table))


def _glue_catalog(output: ArchiveOutput) -> Catalog:
    properties = {
        "type": "glue",
        "glue.region": output.region,
        "s3.region": output.region,
        "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO",
        "s3.connect-timeout": str(CONNECT_SECONDS),
        "s3.request-timeout": str(REQUEST_SECONDS),
    }
    if output.endpoint:
        properties |= {"glue.endpoint": output.endpoint, "s3.endpoint": output.endpoint}
    return load_catalog("glue", **properties)


class FileArchive:
    """Parquet files of the Confluent S3 sink, in folders year=/month=/day=/hour=."""

    def __init__(self, output: ArchiveOutput) -> None:
        self._output = output
        self._files = pyarrow.fs.S3FileSystem(
            region=output.region,
            endpoint_override=output.endpoint,
            connect_timeout=CONNECT_SECONDS,
            request_timeout=REQUEST_SECONDS,
        )

    def changes(
        self, table: str, since_lsn: int = 0, columns: tuple[str, ...] | None = None
    ) -> pa.Table:
        """Return the changes; files of different age may have different columns and types.

        Where a column's type has changed, later values are in a column NAME__KIND
        (clients/file_columns.py).
        """
        parts = sorted(self.fragments(table), key=lambda part: str(part.path))  # by hour
        if not parts:
            return NO_CHANGES
        since = pyarrow.dataset.field("__source_lsn") >= since_lsn
        layouts = table_columns(part.physical_schema for part in parts)
        return pa.concat_tables(
            layout.as_table(part.to_table(columns=layout.of_file(columns), filter=since), columns)
            for part, layout in zip(parts, layouts, strict=True)
        )

    def fragments(self, table: str) -> list[pyarrow.dataset.ParquetFileFragment]:
        """Return the present files of schema.table, each with its own schema; none without any.

        Raises OSError if the bucket does not exist.
        """
        folder = self._folder(table)
        try:
            files = pyarrow.dataset.dataset(folder, format="parquet", filesystem=self._files)
        except FileNotFoundError:
            # That is said of a bucket that does not exist, too; a listing tells it apart.
            with suppress(FileNotFoundError):
                self._files.get_file_info(pyarrow.fs.FileSelector(folder))
            return []
        return list(files.get_fragments())

    def location(self, table: str) -> str:
        return f"s3://{self._folder(table)}/"

    def _folder(self, table: str) -> str:
        return f"{self._output.bucket}/{self._output.folder(table)}"
