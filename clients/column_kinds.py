"""Which columns of an archived table hold which values of PostgreSQL's columns.

The sink's transform SeparateKinds (java/column-kinds) gives values whose type has changed a column
of their own, and says so in the comments of the Iceberg table's columns:

    days since 1970-01-01 [datapipe date]    values of the column of the same name
    [datapipe float of amount]               later values of PostgreSQL's column amount
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from pyiceberg.schema import Schema

_MARK = re.compile(r"\[datapipe (\S+)(?: of (.+))?\]$")
# Of the column with the earlier values, which a command of earlier versions made.
_EARLIER_SUFFIXES = ("__previous_type", "__before")


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
    mark = _MARK.search(comment)
    if mark is not None:
        return ArchivedColumn(name, mark[2] or name, mark[1])
    earlier = (name.removesuffix(suffix) for suffix in _EARLIER_SUFFIXES if name.endswith(suffix))
    source = next((each for each in earlier if each in names), name)
    return ArchivedColumn(name, source, None)
