"""The tables of a session: their files, the names of their views, and what can't be read."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError
from pyiceberg.exceptions import NoSuchPropertyException, ValidationError

from archive_views.table import history_names
from clients.described_tables import DescribedTable
from clients.sql.files import ArchivedFiles
from clients.sql.sources import ArchivedSource, Log
from clients.stack import StackError, catalog_name

# Tables whose metadata is read at the same time.
READERS = 8
# By which an archive, or a part of it, can't be read: pyarrow's and Iceberg's, for a file that is
# missing or not what it should be, are OSError and ValueError.
UNREADABLE = (
    BotoCoreError,
    ClientError,
    NoSuchPropertyException,
    OSError,
    StackError,
    ValidationError,
    ValueError,
)


@dataclass(frozen=True)
class ViewNames:
    """Where a table's views are, and what they are called."""

    schema: str
    name: str
    history_name: str


@dataclass(frozen=True)
class OpenedTable:
    """A captured table in a session."""

    source: ArchivedSource
    name: str
    """schema.table"""
    title: str
    """for messages: with the source's name where the session has several"""
    views: tuple[ViewNames, ...]
    """at least one"""
    files: ArchivedFiles | None
    """None: nothing is archived yet, or it can't be read"""
    unread: Exception | None = None
    """why its archive can't be read"""

    @property
    def described(self) -> DescribedTable:
        """Its key and columns in PostgreSQL."""
        return self.source.tables[self.name]

    @property
    def history(self) -> str:
        """The view of its history, as a query names it."""
        view = self.views[0]
        own = self.source.in_own_schemas
        return view.history_name if own else f"{view.schema}.{view.history_name}"


def opened_tables(sources: Sequence[ArchivedSource], log: Log) -> list[OpenedTable]:
    """Return the tables of all sources, in their order.

    One whose archive can't be read does not hide the others: `log` gets the reason. Raises it if
    no table's archive can be read.
    """
    tables = [(source, table) for source in sources for table in source.tables]
    names = [one for source in sources for one in view_names_of(source)]
    with ThreadPoolExecutor(READERS) as readers:
        found = list(readers.map(lambda each: _read(*each), tables))
    opened = []
    for (source, table), views, read in zip(tables, names, found, strict=True):
        title = table if len(sources) == 1 else f"{source.origin.source}: {table}"
        files, unread = (None, read) if isinstance(read, Exception) else (read, None)
        opened.append(OpenedTable(source, table, title, views, files, unread))
    failures = [one.unread for one in opened if one.unread is not None]
    if failures and len(failures) == len(opened):
        raise failures[0]
    _log_unread(opened, log)
    return opened


def _log_unread(tables: Iterable[OpenedTable], log: Log) -> None:
    """Log each reason once, with the tables that it concerns."""
    by_reason: dict[str, list[str]] = {}
    for table in tables:
        if table.unread is not None:
            by_reason.setdefault(str(table.unread), []).append(table.title)
    for reason, titles in by_reason.items():
        log(f"the archive of {', '.join(titles)} can't be read: {reason}")


def _read(source: ArchivedSource, table: str) -> ArchivedFiles | Exception | None:
    try:
        return source.open_files(table)
    except UNREADABLE as error:
        return error


def view_names_of(source: ArchivedSource) -> list[tuple[ViewNames, ...]]:
    """Return the names of the views of each table of a source."""
    places: list[list[tuple[str, str]]] = []
    if source.in_own_schemas:
        places.append([_split(table) for table in source.tables])
    if source.schema is not None:
        places.append(_in_one_schema(source.schema, source.tables))
    named = []
    for names in places:
        histories = history_names(names)
        named.append([ViewNames(*name, histories[name]) for name in names])
    return [tuple(views) for views in zip(*named, strict=True)]


def _in_one_schema(schema: str, tables: Iterable[str]) -> list[tuple[str, str]]:
    """Return tables' names as the archive's catalog has them: `public` is left out of them.

    Plain files of two tables whose names would be the same can be in one archive.
    """
    names: list[tuple[str, str]] = []
    for table in tables:
        wanted = catalog_name(table)
        while (schema, wanted) in names:
            wanted += "_"
        names.append((schema, wanted))
    return names


def _split(table: str) -> tuple[str, str]:
    schema, _, name = table.partition(".")
    return schema, name
