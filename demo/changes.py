"""A change of a row, in one form for what was committed and for what was archived."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import psycopg
import pyarrow as pa
from psycopg import sql

from clients.database import Row

EPOCH = datetime(1970, 1, 1)
FULL = "f"
"""pg_class.relreplident of REPLICA IDENTITY FULL"""


class Change(NamedTuple):
    """One row inserted, updated or deleted. Two that are equal can't be told apart."""

    table: str
    operation: str
    """c, u or d, as Debezium's __op"""
    key: Any
    values: tuple[Any, ...]
    """the row's columns, after an insert or update, before a delete; as archived"""


class ArchivedChange(NamedTuple):
    """A change that was read back, and its position in the WAL."""

    change: Change
    lsn: int


@dataclass(frozen=True)
class Captured:
    """A captured table, as far as its changes must be recognised."""

    table: str
    """schema.table"""
    columns: tuple[str, ...]
    keeps_deleted_values: bool
    """REPLICA IDENTITY FULL; otherwise a delete carries its key alone"""
    key: str = "id"

    def change(self, operation: str, row: Mapping[str, Any]) -> Change:
        """The change that left this row, or removed it."""
        compared = operation != "d" or self.keeps_deleted_values
        values = tuple(row.get(column) for column in self.columns) if compared else ()
        return Change(self.table, operation, row.get(self.key), values)

    def committed(self, operation: str, row: Row) -> Change:
        """The change that PostgreSQL made."""
        return self.change(operation, {name: as_archived(value) for name, value in row.items()})

    def archived(self, rows: pa.Table) -> list[ArchivedChange]:
        """The changes that the archive holds."""
        return [
            ArchivedChange(self.change(operation_of(row), row), row["__source_lsn"])
            for row in rows.to_pylist()
        ]


def as_archived(value: object) -> object:
    """The form that a value of PostgreSQL has in the archive.

    Debezium writes numeric as text (decimal.handling.mode=string) and timestamp as microseconds
    since 1970 (time.precision.mode=adaptive_time_microseconds). Raises TypeError for other types
    than the sample schema's.
    """
    match value:
        case None | str() | int():
            return value
        case Decimal():
            return format(value, "f")
        case datetime() if value.tzinfo is None:
            return (value - EPOCH) // timedelta(microseconds=1)
    raise TypeError(f"no archived form is known for {type(value).__name__} {value!r}")


def operation_of(row: Mapping[str, Any]) -> str:
    """__op, unless __deleted contradicts it; then a text that equals no operation."""
    operation, deleted = row["__op"], row["__deleted"]
    if (operation == "d") == (deleted == "true"):
        return str(operation)
    return f"{operation} with __deleted={deleted}"


def captured(connection: psycopg.Connection[Row], table: str) -> Captured:
    """What the database says of a table. Raises psycopg's UndefinedTable where there is none."""
    schema, name = table.split(".")
    everything = sql.SQL("SELECT * FROM {} LIMIT 0").format(sql.Identifier(schema, name))
    description = connection.execute(everything).description or []
    identity = connection.execute(
        "SELECT relreplident::text AS identity FROM pg_class WHERE oid = %s::regclass", [table]
    ).fetchone()
    return Captured(
        table=table,
        columns=tuple(column.name for column in description),
        keeps_deleted_values=identity is not None and identity["identity"] == FULL,
    )


def rows_with_keys(
    connection: psycopg.Connection[Row], table: Captured, keys: Iterable[Any]
) -> dict[Any, tuple[Any, ...]]:
    """The rows that PostgreSQL holds now, by key, in their archived form."""
    query = sql.SQL("SELECT * FROM {} WHERE {} = ANY(%s)").format(
        sql.Identifier(*table.table.split(".")), sql.Identifier(table.key)
    )
    found = [table.committed("r", row) for row in connection.execute(query, [list(keys)])]
    return {row.key: row.values for row in found}
