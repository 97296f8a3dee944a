"""The statements that make the views in Athena, and the queries of a moment, which no view can be.

Names are those of Glue: a table is called as in the archive's catalog, `users` or `sales_users`,
and the views are in a database of their own, as Glue has views and tables in one list. Each source
has both databases for itself; the view of the changes of all sources is in each of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from archive_views.postgres_types import PostgresType
from archive_views.table import (
    CAPTURED,
    CHANGE_COLUMNS,
    COMMITTED,
    LSN,
    OPERATION,
    SourceDatabase,
    StoredColumn,
    TableViews,
    history_names,
    view_columns,
)
from archive_views.trino_dialect import TrinoDialect
from archive_views.views import EVENTS, ViewQueries

MOMENT_SUFFIX = "_at"
# Athena's limit for a statement, in bytes.
LONGEST_STATEMENT = 262_144
_DIALECT = TrinoDialect()


@dataclass(frozen=True)
class AthenaTable:
    """A captured table in Glue."""

    title: str
    """schema.table"""
    name: str
    """of its view"""
    archived_name: str
    """in Glue's database of the archive"""
    declared: tuple[tuple[str, str], ...]
    """PostgreSQL's columns and their types"""
    key: tuple[str, ...] | None
    """columns of the primary key; empty: it has none; None: not known"""
    stored: tuple[StoredColumn, ...] | None = None
    """the catalog's columns; None: the archive has the table's columns as PostgreSQL has them"""
    milliseconds: bool = False
    """whether the archive has commit times as milliseconds, as plain files do"""
    guarded: bool = True
    """whether the table can get columns that the views do not know"""


@dataclass(frozen=True)
class AthenaSource:
    """A source and its tables in Glue."""

    origin: SourceDatabase
    archive: str
    """the database with the archive's tables"""
    views: str
    """the database of its views"""
    tables: tuple[AthenaTable, ...]


@dataclass(frozen=True)
class Statement:
    """A statement of Athena."""

    source: str
    name: str
    """of the view, or of the query of a moment; each source has its own"""
    meaning: str
    sql: str


class StatementTooLongError(ValueError):
    """Athena does not take the statement; the message says which, and what to do."""


def view_names(names: Iterable[str]) -> dict[str, tuple[str, str, str]]:
    """Return the names of each table's history, present, and query of a moment."""
    tables = list(names)
    histories = history_names([("", name) for name in tables])
    return {name: (histories["", name], name, f"{name}{MOMENT_SUFFIX}") for name in tables}


def statements(sources: Sequence[AthenaSource]) -> list[Statement]:
    """Return a statement for each view and each query of a moment, of all sources.

    Raises StatementTooLongError where Athena would not take one.
    """
    events = " UNION ALL ".join(
        _events(table, source) for source in sources for table in source.tables
    )
    made = []
    for source in sources:
        names = view_names(table.name for table in source.tables)
        for table in source.tables:
            made += _statements_of(table, source, *names[table.name])
        meaning = "Changes of all tables of all sources, as the design describes"
        made.append(_view(source, EVENTS, meaning, events))
    for statement in made:
        _require_length(statement)
    return made


def _statements_of(
    table: AthenaTable, source: AthenaSource, history: str, present: str, moment: str
) -> list[Statement]:
    queries = ViewQueries(_views(table, source, history), _DIALECT)
    return [
        _view(
            source,
            history,
            f"Changes of {table.title}",
            _guarded(table, source, queries.history()),
        ),
        _view(
            source,
            present,
            f"Rows of {table.title}",
            _guarded(table, source, queries.present()),
        ),
        Statement(
            source.origin.source,
            moment,
            f"Rows of {table.title} at a moment, which the parameter says in UTC:"
            " '2026-11-27 10:00:00'",
            _at_a_moment(table, source, history),
        ),
    ]


def _views(table: AthenaTable, source: AthenaSource, history: str = "") -> TableViews:
    schema, _, name = table.title.partition(".")
    stored = table.stored if table.stored is not None else _as_declared(table.declared)
    own = tuple(column for column in stored if column.source not in CHANGE_COLUMNS)
    return TableViews(
        schema=schema,
        name=name,
        relation=_relation(table, source),
        columns=view_columns(own, table.declared),
        key=table.key,
        change_columns=_change_columns(stored),
        milliseconds=table.milliseconds,
        history_name=history,
    )


def _as_declared(columns: Iterable[tuple[str, str]]) -> tuple[StoredColumn, ...]:
    return tuple(
        StoredColumn(name, name, PostgresType.parse(type_).kind) for name, type_ in columns
    )


def _change_columns(stored: Iterable[StoredColumn]) -> frozenset[str]:
    usual = {OPERATION, LSN, COMMITTED, CAPTURED}
    return frozenset(usual | CHANGE_COLUMNS.intersection(column.name for column in stored))


def _relation(table: AthenaTable, source: AthenaSource) -> str:
    return f"{_DIALECT.quoted(source.archive)}.{_DIALECT.quoted(table.archived_name)}"


def _view(source: AthenaSource, name: str, meaning: str, query: str) -> Statement:
    view = f"{_DIALECT.quoted(source.views)}.{_DIALECT.quoted(name)}"
    sql = f"CREATE OR REPLACE VIEW {view} AS {query}"
    return Statement(source.origin.source, name, meaning, sql)


def _guarded(table: AthenaTable, source: AthenaSource, query: str) -> str:
    """Return a query that fails once the table has columns that it does not know.

    Values of a new column, or of a new type, would otherwise be missing without a message.
    """
    if not table.guarded:
        return query
    literal = _DIALECT.literal
    stored = table.stored if table.stored is not None else _as_declared(table.declared)
    known = sorted({column.name.lower() for column in stored} | CHANGE_COLUMNS)
    refused = _DIALECT.fail(
        f"the archive of {table.title} has columns that this query does not know: run make up, and"
        " create the view again"
    )
    unknown = (
        "(SELECT count(*) FROM information_schema.columns"
        f" WHERE table_schema = {literal(source.archive)}"
        f" AND table_name = {literal(table.archived_name)}"
        f" AND lower(column_name) NOT IN ({', '.join(map(literal, known))}))"
    )
    return (
        f"SELECT * FROM ({query}) AS archived"
        f" WHERE CASE WHEN {unknown} > 0 THEN {refused} ELSE true END"
    )


def _at_a_moment(table: AthenaTable, source: AthenaSource, history: str) -> str:
    committed = _DIALECT.time(_DIALECT.quoted(COMMITTED), table.milliseconds)
    until = (
        f"(SELECT * FROM {_relation(table, source)}"
        f" WHERE {committed} <= (SELECT until FROM moment))"
    )
    views = replace(_views(table, source, history), relation=until)
    query = _guarded(table, source, ViewQueries(views, _DIALECT).present())
    return (
        "WITH moment AS (SELECT CAST(? AS TIMESTAMP(6)) AS until)"
        f" SELECT * FROM ({query}) AS present"
    )


def _events(table: AthenaTable, source: AthenaSource) -> str:
    queries = ViewQueries(_views(table, source), _DIALECT)
    return _guarded(table, source, queries.events(source.origin))


def _require_length(statement: Statement) -> None:
    length = len(statement.sql.encode())
    if length > LONGEST_STATEMENT:
        raise StatementTooLongError(
            f"archive.athena: the statement of {statement.name} has {length:,} bytes, and Athena"
            f" takes at most {LONGEST_STATEMENT:,}; capture some of the tables in another stack, or"
            " exclude columns (excludedColumns)"
        )
