"""The data files of a table in the archive as relations that DuckDB scans.

pyarrow reads them: DuckDB's extensions for S3 and Iceberg are downloaded when they are first used,
and its reads through a file system of Python's get mixed up between threads.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.dataset
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.io.pyarrow import PyArrowFileIO, schema_to_pyarrow
from pyiceberg.table import Table

from archive_views.table import CHANGE_COLUMNS, StoredColumn
from clients.archive import Archive, FileArchive, IcebergArchive
from clients.column_kinds import archived_columns
from clients.file_columns import FileColumns, table_columns
from clients.stack import StackError

FORMAT = pyarrow.dataset.ParquetFileFormat()
# Footers of files that are read at the same time.
READERS = 16


@dataclass(frozen=True)
class Layout:
    """Files with the same columns."""

    dataset: pyarrow.dataset.Dataset
    names: tuple[tuple[str, str], ...]
    """each column's name in the files and in the table"""


@dataclass(frozen=True)
class ArchivedFiles:
    """What the archive has of a table at one moment."""

    layouts: tuple[Layout, ...]
    columns: tuple[StoredColumn, ...]
    """those of PostgreSQL's columns"""
    schema: pa.Schema
    count: int
    """files"""


def archived_files(archive: Archive, table: str) -> ArchivedFiles | None:
    """Return the files of schema.table; None if nothing was archived yet.

    Raises StackError for a table of Iceberg that was changed in a way that this can't read.
    """
    if isinstance(archive, IcebergArchive):
        found = archive.find(table)
        return None if found is None else iceberg_files(found)
    if isinstance(archive, FileArchive):
        return plain_files(archive.fragments(table))
    raise StackError(f"an archive of {type(archive).__name__} can't be queried")


def iceberg_files(table: Table) -> ArchivedFiles:
    """Return the files of the table's present snapshot."""
    _require_same_names(table)
    schema = schema_to_pyarrow(table.schema(), include_field_ids=False)
    io = table.io
    if not isinstance(io, PyArrowFileIO):
        raise StackError(f"{'.'.join(table.name())}: its files are read by {type(io).__name__}")
    fragments, filesystem = [], None
    for task in table.scan(row_filter=AlwaysTrue()).plan_files():
        if task.delete_files:
            raise StackError(
                f"{'.'.join(table.name())} has delete files, which are not read here: compact it"
            )
        scheme, netloc, path = PyArrowFileIO.parse_location(task.file.file_path, io.properties)
        filesystem = io.fs_by_scheme(scheme, netloc)
        fragments.append(
            FORMAT.make_fragment(path, filesystem, file_size=task.file.file_size_in_bytes)
        )
    columns = tuple(
        StoredColumn(column.name, column.source, column.kind)
        for column in archived_columns(table.schema())
        if column.source not in CHANGE_COLUMNS
    )
    dataset = pyarrow.dataset.FileSystemDataset(fragments, schema, FORMAT, filesystem)
    names = tuple((name, name) for name in schema.names)
    return ArchivedFiles((Layout(dataset, names),), columns, schema, len(fragments))


def _require_same_names(table: Table) -> None:
    """Raise StackError where a column was renamed: files from before have the other name."""
    names: dict[int, str] = {}
    for schema in table.metadata.schemas:
        for field in schema.fields:
            if names.setdefault(field.field_id, field.name) != field.name:
                raise StackError(
                    f"{'.'.join(table.name())}: column {names[field.field_id]} was renamed to"
                    f" {field.name} in Iceberg, and files of both names are not read here"
                )


def plain_files(
    fragments: Iterable[pyarrow.dataset.ParquetFileFragment],
) -> ArchivedFiles | None:
    """Return Parquet files, each with its own schema; None without files."""
    files = sorted(fragments, key=lambda each: str(each.path))  # by hour
    if not files:
        return None
    with ThreadPoolExecutor(READERS) as readers:
        schemas = list(readers.map(lambda each: each.physical_schema, files))
    found = table_columns(schemas)
    groups: dict[tuple[object, ...], list[int]] = {}
    for number, (schema, own) in enumerate(zip(schemas, found, strict=True)):
        same = (tuple(zip(schema.names, schema.types, strict=True)), *own.renamed.items())
        groups.setdefault(same, []).append(number)
    layouts = tuple(
        _layout([files[number] for number in numbers], schemas[numbers[0]], found[numbers[0]])
        for numbers in groups.values()
    )
    whole = found[0]
    columns = tuple(
        StoredColumn(name, *whole.sources[name])
        for name in whole.schema.names
        if whole.sources[name][0] not in CHANGE_COLUMNS
    )
    return ArchivedFiles(layouts, columns, whole.schema, len(files))


def _layout(
    files: Sequence[pyarrow.dataset.ParquetFileFragment], schema: pa.Schema, columns: FileColumns
) -> Layout:
    plain = schema.remove_metadata()
    dataset = pyarrow.dataset.FileSystemDataset(files, plain, FORMAT, files[0].filesystem)
    return Layout(dataset, tuple(columns.renamed.items()))
