"""The data files of a table in the archive, whichever sink wrote them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Protocol

import pyarrow as pa
import pyarrow.dataset
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.schema import Schema
from pyiceberg.table import FileScanTask, Table

from clients.archive import Archive, FileArchive, IcebergArchive
from clients.column_kinds import columns_by_source
from clients.stack import StackError

# Of data files that are read together, in bytes. It bounds the memory.
CHUNK_BYTES = 48 * 2**20
OPERATION, LSN, TIME = "__op", "__source_lsn", "__source_ts_ms"
# Of a row that was let through without its largest values: the names of their columns.
LOST = "__lost"
# What Debezium and the sinks add to a row.
CHANGE_COLUMNS = frozenset(
    {OPERATION, "__ts_ms", TIME, LSN, "__deleted", LOST, "__topic", "__table"}
)


class ArchivedTable(Protocol):
    """A table of the archive as it is now."""

    @property
    def columns(self) -> Mapping[str, tuple[str, ...]]:
        """The archive's columns by the name of PostgreSQL's; the plain one first."""

    @property
    def paths(self) -> frozenset[str]:
        """The data files."""

    def chunks(self, paths: Collection[str], columns: Collection[str] | None) -> Iterator[pa.Table]:
        """Read some files, a bounded number at a time; None: all columns."""


# Returns a table of the archive as it is now; None if nothing was archived yet.
# The second argument is a WAL position: files whose changes are all before it may be left out.
OpenTable = Callable[[str, int], ArchivedTable | None]


def open_table(archive: Archive, table: str, from_lsn: int = 0) -> ArchivedTable | None:
    """Return the archive of schema.table; None if nothing was archived yet.

    Files whose changes are all before a WAL position may be left out.

    Raises StackError for an archive of another kind.
    """
    if isinstance(archive, IcebergArchive):
        found = archive.find(table)
        return None if found is None else IcebergTable(found, from_lsn)
    if isinstance(archive, FileArchive):
        fragments = archive.fragments(table)
        return FileTable(fragments) if fragments else None
    raise StackError(f"an archive of {type(archive).__name__} can't be compared")


class IcebergTable:
    """A table of Apache Iceberg."""

    def __init__(self, table: Table, from_lsn: int) -> None:
        self._table = table
        scan = table.scan(f"{LSN} >= {from_lsn}") if from_lsn else table.scan()
        self._tasks = {task.file.file_path: task for task in scan.plan_files()}

    @property
    def columns(self) -> Mapping[str, tuple[str, ...]]:
        return variants(self._table.schema())

    @property
    def paths(self) -> frozenset[str]:
        return frozenset(self._tasks)

    def chunks(self, paths: Collection[str], columns: Collection[str] | None) -> Iterator[pa.Table]:
        names = ("*",) if columns is None else tuple(columns)
        scan = self._table.scan(selected_fields=names)
        reader = ArrowScan(self._table.metadata, self._table.io, scan.projection(), AlwaysTrue())
        for tasks in _groups(self._tasks[path] for path in sorted(paths)):
            yield reader.to_table(tasks)


def _groups(tasks: Iterable[FileScanTask]) -> Iterator[list[FileScanTask]]:
    group: list[FileScanTask] = []
    size = 0
    for task in tasks:
        if group and size + task.file.file_size_in_bytes > CHUNK_BYTES:
            yield group
            group, size = [], 0
        group.append(task)
        size += task.file.file_size_in_bytes
    if group:
        yield group


def variants(schema: Schema) -> dict[str, tuple[str, ...]]:
    """Return the archive's columns by the name of PostgreSQL's.

    A value whose type does not fit into its column is in another column of the archive.
    """
    return {
        source: tuple(column.name for column in columns)
        for source, columns in columns_by_source(schema).items()
        if source not in CHANGE_COLUMNS
    }


class FileTable:
    """Parquet files, each with its own schema."""

    def __init__(self, fragments: Iterable[pyarrow.dataset.ParquetFileFragment]) -> None:
        self._fragments = {fragment.path: fragment for fragment in fragments}

    @property
    def columns(self) -> Mapping[str, tuple[str, ...]]:
        names = {
            name
            for fragment in self._fragments.values()
            for name in fragment.physical_schema.names
            if name not in CHANGE_COLUMNS
        }
        return {name: (name,) for name in names}

    @property
    def paths(self) -> frozenset[str]:
        return frozenset(self._fragments)

    def chunks(self, paths: Collection[str], columns: Collection[str] | None) -> Iterator[pa.Table]:
        group: list[pa.Table] = []
        size = 0
        for path in sorted(paths):
            fragment = self._fragments[path]
            present = fragment.physical_schema.names
            chosen = [name for name in present if columns is None or name in columns]
            rows = fragment.to_table(columns=chosen)
            if group and (group[0].schema != rows.schema or size > CHUNK_BYTES):
                yield pa.concat_tables(group)
                group, size = [], 0
            group.append(rows)
            size += rows.nbytes
        if group:
            yield pa.concat_tables(group)
