"""What the SQL of a query engine must say in its own words, and what engines have in common."""

from collections.abc import Sequence
from typing import Protocol

from archive_views.table import StoredColumn, ViewColumn
from archive_views.targets import Target


class Dialect(Protocol):
    """The SQL of a query engine. Arguments and results are expressions of its SQL."""

    def quoted(self, name: str) -> str:
        """Return an identifier."""

    def literal(self, text: str) -> str:
        """Return a text."""

    def typed(self, value: str, column: StoredColumn, target: Target) -> str:
        """Return an archived value of a column with the type of the target.

        A value that the type does not hold exactly is an error of the query.
        """

    def null(self, target: Target) -> str:
        """Return NULL of the type of the target."""

    def text(self, value: str) -> str:
        """Return a value as text."""

    def time(self, value: str, milliseconds: bool) -> str:
        """Return a time as a timestamp with time zone, or in UTC where the engine has none.

        `milliseconds`: it is archived as milliseconds since 1970.
        """

    def any_value(self, value: str) -> str:
        """Return the aggregate of values that are equal, or NULL."""

    def part(self, unit: str, time: str) -> str:
        """Return the year, month, day or hour of a time, in UTC."""

    def json_object(self, values: Sequence[tuple[str, str, ViewColumn]]) -> str:
        """Return a JSON object as text, from names, typed values and their columns.

        Integers, booleans and finite floating point numbers are JSON's own, others are strings.
        """

    def fail(self, message: str) -> str:
        """Return a condition whose evaluation fails the query with a message."""

    def repeated(self, query: str, columns: Sequence[str], count: str) -> str:
        """Return a query with each row of another one as often as its column `count` says."""


# Held by the archive's own types, of which integers may be wider than PostgreSQL's were.
UNCHANGED = frozenset({"as stored", "integer", "bigint", "boolean", "binary"})


class StandardSql:
    """What standard SQL says, for engines that follow it."""

    def quoted(self, name: str) -> str:
        """Return an identifier."""
        return '"' + name.replace('"', '""') + '"'

    def literal(self, text: str) -> str:
        """Return a text."""
        return "'" + text.replace("'", "''") + "'"

    def text(self, value: str) -> str:
        """Return a value as text."""
        return f"CAST({value} AS VARCHAR)"
