"""A change of a row, in the form in which the archive holds it, and the journal of commits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import pyarrow as pa

from clients.database import Row

EPOCH = datetime(1970, 1, 1)


class Change(NamedTuple):
    """One row inserted, updated or deleted, or a TRUNCATE.

    Two equal changes are the same to a comparison.
    """

    table: str
    """schema.table"""
    operation: str
    """c, u, d or t, as in Debezium's __op"""
    key: Any
    """None of a TRUNCATE, as are its values"""
    values: tuple[Any, ...]
    """the row's columns as archived: after an insert or update, before a delete"""


@dataclass(frozen=True)
class CapturedTable:
    """What must be known of a captured table to compare its changes."""

    name: str
    """schema.table"""
    columns: tuple[str, ...]
    keeps_deleted_values: bool = True
    """REPLICA IDENTITY FULL; otherwise a delete carries only its key"""
    key: str = "id"

    def change(self, operation: str, row: Row) -> Change:
        """Return the change that PostgreSQL made, with its values as archived."""
        archived = {name: as_archived(value) for name, value in row.items()}
        values = tuple(archived.get(column) for column in self.columns)
        return Change(self.name, operation, archived.get(self.key), values)

    def records(self, changes: Iterable[Change]) -> pa.Table:
        """Return changes as Arrow, with one column for each of the table's and Debezium's __op."""
        rows = [
            {self.key: each.key, **dict(zip(self.columns, each.values, strict=True)),
             "__op": each.operation}
            for each in changes
        ]  # fmt: skip
        return pa.Table.from_pylist(rows)


@dataclass(frozen=True)
class Commit:
    """A committed transaction."""

    changes: tuple[Change, ...]
    at: float
    """time.time() when the commit was confirmed"""


@dataclass
class Journal:
    """The transactions that a writer has committed, in order. One thread appends, others read."""

    commits: list[Commit] = field(default_factory=list)

    def changes(self) -> list[Change]:
        """Return the changes committed so far."""
        return [change for commit in list(self.commits) for change in commit.changes]

    def until(self, moment: float) -> list[Commit]:
        """Return the transactions that were confirmed by then (time.time())."""
        return [commit for commit in list(self.commits) if commit.at <= moment]

    @property
    def rows(self) -> int:
        """How many rows were changed so far."""
        return sum(len(commit.changes) for commit in list(self.commits))

    def keys(self) -> Mapping[str, set[Any]]:
        """Return the keys of the rows that were changed, by table."""
        found: dict[str, set[Any]] = {}
        for change in self.changes():
            found.setdefault(change.table, set()).add(change.key)
        return found


def as_archived(value: object) -> object:
    """Return the form that a value of PostgreSQL has in the archive.

    Debezium writes numeric as text (decimal.handling.mode=string) and timestamp as microseconds
    since 1970 (time.precision.mode=adaptive_time_microseconds). Raises TypeError for types that the
    sample schema does not use.
    """
    match value:
        case None | str() | int():
            return value
        case Decimal():
            return format(value, "f")
        case datetime() if value.tzinfo is None:
            return (value - EPOCH) // timedelta(microseconds=1)
    raise TypeError(f"the archived form of {type(value).__name__} {value!r} is not known")
