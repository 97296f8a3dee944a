"""A session of DuckDB with views over an archive."""

import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import Self

import duckdb
import pyarrow as pa

from archive_views.duckdb_dialect import MACROS, DuckDBDialect
from archive_views.table import (
    CHANGE_COLUMNS,
    COMMITTED,
    OPERATION,
    SourceDatabase,
    StoredColumn,
    TableViews,
    view_columns,
)
from archive_views.views import EVENTS, ViewQueries, all_events
from clients.sql.files import ArchivedFiles
from clients.sql.opened_tables import OpenedTable, opened_tables
from clients.sql.sources import ArchivedSource, Log

# Of the machine's memory; what pyarrow reads ahead comes on top.
MEMORY_SHARE = 0.5


class Session:
    """A database in memory with the views. A context manager: its end removes what was spilled.

    `connection` is DuckDB's. Larger results than the memory are spilled to a temporary folder.
    """

    def __init__(
        self,
        sources: Sequence[ArchivedSource],
        *,
        at: datetime | None = None,
        as_archived: bool = False,
        log: Log,
    ) -> None:
        """`at`: with changes that were committed until then; `as_archived`: without conversions."""
        self._dialect, self._at, self._as_archived = DuckDBDialect(), at, as_archived
        self._sources, self._log = sources, log
        self._resources = ExitStack()
        self.views: dict[str, str] = {}
        """what each view has, by its name in SQL"""

    def __enter__(self) -> Self:
        with ExitStack() as begun:
            folder = begun.enter_context(tempfile.TemporaryDirectory(prefix="datapipe-sql-"))
            self.connection = begun.enter_context(duckdb.connect(config={"threads": _cores()}))
            self.connection.execute("SET temp_directory = $folder", {"folder": folder})
            self.connection.execute("SET memory_limit = $limit", {"limit": f"{_memory()}MiB"})
            self.connection.execute("SET TimeZone = 'UTC'")
            # It would be drawn into what the prompt and the results print.
            self.connection.execute("SET enable_progress_bar = false")
            for macro in MACROS:
                self.connection.execute(macro)
            self._create_views()
            self._resources = begun.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()

    def _create_views(self) -> None:
        made: list[tuple[SourceDatabase, TableViews]] = []
        tables = opened_tables(self._sources, self._log)
        # What fails comes first in the view of all changes, before a LIMIT is reached.
        tables.sort(key=lambda one: one.unread is None)
        for number, table in enumerate(tables):
            views = self._table_views(number, table)
            if views is None:
                self._log(f"{table.title}: nothing is archived yet, and its columns are not known")
                continue
            made.append((table.source.origin, views))
            self._create_table_views(views, table)
            if self._at is not None and table.unread is None:
                self._report_beginning(views, table.title)
        if made:
            self._create("main", EVENTS, all_events(made, self._dialect), "changes of all tables")
        path = ",".join(map(self._dialect.quoted, [*self._search_path(), "main"]))
        self.connection.execute(f"SET search_path = {self._dialect.literal(path)}")

    def _search_path(self) -> list[str]:
        """Return the schemas in which a name without one is looked up, before `main`."""
        path: dict[str, None] = {}
        for source in self._sources:
            if source.in_own_schemas:
                path |= dict.fromkeys(table.partition(".")[0] for table in source.tables)
            elif source.schema is not None and len(self._sources) == 1:
                path[source.schema] = None
        return list(path)

    def _table_views(self, number: int, table: OpenedTable) -> TableViews | None:
        described = table.described
        relation = f"memory.main.__archive_{number}"
        stored: tuple[StoredColumn, ...] = ()
        present, milliseconds = CHANGE_COLUMNS, True
        declared = described.columns
        if table.files is not None:
            self._create_relation(relation, table.files, number)
            stored = table.files.columns
            present = CHANGE_COLUMNS.intersection(table.files.schema.names)
            milliseconds = not pa.types.is_timestamp(table.files.schema.field(COMMITTED).type)
        elif table.unread is not None:
            reason = f"the archive of {table.title} can't be read: {table.unread}"
            failing = _refused_changes(self._dialect.literal(reason))
            self.connection.execute(f"CREATE VIEW {relation} AS {failing}")
            # A view must have a column.
            declared = declared or (("unknown", "text"),)
        elif declared:
            self.connection.execute(f"CREATE VIEW {relation} AS {_no_changes()}")
        else:
            return None
        schema, _, name = table.name.partition(".")
        return TableViews(
            schema=schema,
            name=name,
            relation=relation,
            columns=view_columns(stored, declared, as_archived=self._as_archived),
            key=described.key,
            change_columns=frozenset(present),
            milliseconds=milliseconds,
            history_name=table.history,
        )

    def _create_relation(self, relation: str, archived: ArchivedFiles, number: int) -> None:
        """Create the view of all archived changes until the chosen time."""
        quoted, parts = self._dialect.quoted, []
        for index, layout in enumerate(archived.layouts):
            name = f"__files_{number}_{index}"
            self.connection.register(name, layout.dataset)
            columns = ", ".join(f"{quoted(own)} AS {quoted(to)}" for own, to in layout.names)
            parts.append(f"SELECT {columns} FROM {name}")
        rows = " UNION ALL BY NAME ".join(parts)
        if self._at is not None:
            until = _literal(self._at, archived.schema.field(COMMITTED).type)
            rows = f"SELECT * FROM ({rows}) AS changes WHERE {quoted(COMMITTED)} <= {until}"
        self.connection.execute(f"CREATE VIEW {relation} AS {rows}")

    def _create_table_views(self, views: TableViews, table: OpenedTable) -> None:
        queries = ViewQueries(views, self._dialect)
        history = queries.history()
        if table.unread is None:
            present = queries.present()
        else:
            # DuckDB would find out that no row has the NULLs of a key, and not fail.
            columns = ", ".join(self._dialect.quoted(one.name) for one in views.columns)
            present = f"SELECT {columns} FROM ({history}) AS unread"
        for place in table.views:
            self.connection.execute(
                f"CREATE SCHEMA IF NOT EXISTS memory.{self._dialect.quoted(place.schema)}"
            )
            for name, query, what in (
                (place.history_name, history, "changes"),
                (place.name, present, "rows"),
            ):
                self._create(place.schema, name, query, f"{what} of {table.title}")

    def _create(self, schema: str, name: str, query: str, meaning: str) -> None:
        view = f"{self._dialect.quoted(schema)}.{self._dialect.quoted(name)}"
        self.connection.execute(f"CREATE VIEW memory.{view} AS {query}")
        self.views[view] = meaning

    def _report_beginning(self, views: TableViews, title: str) -> None:
        """Say where the archive of a table begins later than the chosen time."""
        (count,) = self.connection.execute(
            f"SELECT count(*) FROM (SELECT {self._dialect.quoted(OPERATION)} FROM {views.relation}"
            " LIMIT 1)"
        ).fetchall()[0]
        if not count:
            self._log(f"{title}: nothing was archived of it until {self._at}")


def _literal(time: datetime, kind: pa.DataType) -> str:
    """Return a time as the archive has times."""
    milliseconds = int(time.timestamp() * 1000)
    if pa.types.is_timestamp(kind):
        return f"(to_timestamp(0) + to_milliseconds({milliseconds}))"
    return str(milliseconds)


def _no_changes() -> str:
    return f"SELECT {_change_columns('NULL')} WHERE false"


def _refused_changes(message: str) -> str:
    """Return a query that fails with a message, whichever of its columns are asked for."""
    failure = f"error({message})"
    return f"SELECT {_change_columns(failure)} WHERE CAST({failure} AS BOOLEAN)"


def _change_columns(value: str) -> str:
    types = {"__source_lsn": "BIGINT", "__source_ts_ms": "BIGINT", "__ts_ms": "BIGINT"}
    return ", ".join(
        f"CAST({value} AS {types.get(name, 'VARCHAR')}) AS {name}"
        for name in sorted(CHANGE_COLUMNS)
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory() -> int:
    """Return how much memory DuckDB may use, in MiB."""
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * MEMORY_SHARE) >> 20
