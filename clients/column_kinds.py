"""Which columns of an archived table hold which values of PostgreSQL's columns.

The columns' comments say it (archive_views/column_comments.py).
"""

from collections.abc import Collection
from dataclasses import dataclass

from pyiceberg.schema import Schema

from archive_views.column_comments import stored_column


@dataclass(frozen=True)
class ArchivedColumn:
    """A column of an archived table."""

    name: str
    source: str
    """PostgreSQL's column whose values it holds"""
    kind: str | None
    """of its values, as docs/TYPES.md lists them; None: made by an earlier version"""


def archived_columns(schema: Schema) -> list[ArchivedColumn]:
    """Return the columns of an Iceberg table, in its order."""
    names = {field.name for field in schema.fields}
    return [_parse(field.name, field.doc or "", names) for field in schema.fields]


def columns_by_source(schema: Schema) -> dict[str, tuple[ArchivedColumn, ...]]:
    """Return the columns of each of PostgreSQL's columns, the one of the same name first.

    A row has a value in at most one of them: the one of the kind that the column had then.
    """
    found: dict[str, tuple[ArchivedColumn, ...]] = {}
    for column in sorted(archived_columns(schema), key=lambda each: each.name != each.source):
        found[column.source] = (*found.get(column.source, ()), column)
    return found


def _parse(name: str, comment: str, names: Collection[str]) -> ArchivedColumn:
    column = stored_column(name, comment, names)
    return ArchivedColumn(column.name, column.source, column.kind)
