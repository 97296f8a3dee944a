"""A session of DuckDB with views over an archive."""

import os
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
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
    StoredColumn,
    TableViews,
    history_names,
    view_columns,
)
from archive_views.views import EVENTS, ViewQueries, all_events
from clients.described_tables import DescribedTable
from clients.sql.files import ArchivedFiles

# Of the machine's memory; what pyarrow reads ahead comes on top.
MEMORY_SHARE = 0.5
# Tables whose metadata is read at the same time.
READERS = 8

OpenFiles = Callable[[str], ArchivedFiles | None]


class Session:
    """A database in memory with the views. A context manager: its end removes what was spilled.

    `connection` is DuckDB's. Larger results than the memory are spilled to a temporary folder.
    """

    def __init__(
        self,
        open_files: OpenFiles,
        tables: Mapping[str, DescribedTable],
        *,
        database: str,
        at: datetime | None = None,
        as_archived: bool = False,
        log: Callable[[str], None],
    ) -> None:
        """`at`: with changes that were committed until then; `as_archived`: without conversions.

        `database` is the name of PostgreSQL's, for s3_cdc_events.
        """
        self._dialect, self._at, self._as_archived = DuckDBDialect(), at, as_archived
        self._open, self._tables, self._database, self._log = open_files, tables, database, log
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
        names = [_split(table) for table in self._tables]
        histories = history_names(names)
        with ThreadPoolExecutor(READERS) as readers:
            files = dict(zip(self._tables, readers.map(self._open, self._tables), strict=True))
        made = []
        for number, (table, archived) in enumerate(files.items()):
            views = self._table_views(number, table, archived, histories[_split(table)])
            if views is None:
                self._log(f"{table}: nothing is archived yet, and its columns are not known")
                continue
            made.append(views)
            self._create_table_views(views)
            if self._at is not None:
                self._report_beginning(views)
        if made:
            events = all_events(made, self._dialect, self._database)
            self._create("main", EVENTS, events, "changes of all tables")
        path = dict.fromkeys(schema for schema, _ in names)
        quoted = ",".join(self._dialect.quoted(schema) for schema in (*path, "main"))
        self.connection.execute(f"SET search_path = {self._dialect.literal(quoted)}")

    def _table_views(
        self, number: int, table: str, archived: ArchivedFiles | None, history: str
    ) -> TableViews | None:
        schema, name = _split(table)
        described = self._tables[table]
        relation = f"memory.main.__archive_{number}"
        if archived is None:
            if not described.columns:
                return None
            self.connection.execute(f"CREATE VIEW {relation} AS {_no_changes()}")
            stored: tuple[StoredColumn, ...] = ()
            present, milliseconds = CHANGE_COLUMNS, True
        else:
            self._create_relation(relation, archived, number)
            stored = archived.columns
            present = CHANGE_COLUMNS.intersection(archived.schema.names)
            milliseconds = not pa.types.is_timestamp(archived.schema.field(COMMITTED).type)
        return TableViews(
            schema=schema,
            name=name,
            relation=relation,
            columns=view_columns(stored, described.columns, as_archived=self._as_archived),
            key=described.key,
            change_columns=frozenset(present),
            milliseconds=milliseconds,
            history_name=history,
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

    def _create_table_views(self, views: TableViews) -> None:
        queries = ViewQueries(views, self._dialect)
        self.connection.execute(f"CREATE SCHEMA IF NOT EXISTS {self._dialect.quoted(views.schema)}")
        self._create(
            views.schema, views.history_name, queries.history(), f"changes of {views.title}"
        )
        self._create(views.schema, views.name, queries.present(), f"rows of {views.title}")

    def _create(self, schema: str, name: str, query: str, meaning: str) -> None:
        view = f"{self._dialect.quoted(schema)}.{self._dialect.quoted(name)}"
        self.connection.execute(f"CREATE VIEW {view} AS {query}")
        self.views[view] = meaning

    def _report_beginning(self, views: TableViews) -> None:
        """Say where the archive of a table begins later than the chosen time."""
        (count,) = self.connection.execute(
            f"SELECT count(*) FROM (SELECT {self._dialect.quoted(OPERATION)} FROM {views.relation}"
            " LIMIT 1)"
        ).fetchall()[0]
        if not count:
            self._log(f"{views.title}: nothing was archived of it until {self._at}")


def _split(table: str) -> tuple[str, str]:
    schema, _, name = table.partition(".")
    return schema, name


def _literal(time: datetime, kind: pa.DataType) -> str:
    """Return a time as the archive has times."""
    milliseconds = int(time.timestamp() * 1000)
    if pa.types.is_timestamp(kind):
        return f"(to_timestamp(0) + to_milliseconds({milliseconds}))"
    return str(milliseconds)


def _no_changes() -> str:
    types = {"__source_lsn": "BIGINT", "__source_ts_ms": "BIGINT", "__ts_ms": "BIGINT"}
    columns = ", ".join(
        f"CAST(NULL AS {types.get(name, 'VARCHAR')}) AS {name}" for name in sorted(CHANGE_COLUMNS)
    )
    return f"SELECT {columns} WHERE false"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory() -> int:
    """Return how much memory DuckDB may use, in MiB."""
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * MEMORY_SHARE) >> 20
