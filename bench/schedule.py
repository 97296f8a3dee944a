"""The open-loop schedule of a load: which batch is due when, decided by the seed in advance.

A batch is due at its time whether or not earlier batches have finished, and its latency counts from
that time (no coordinated omission). Each connection changes only its own rows, so that its batches
do not depend on how fast the other connections are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal, NamedTuple

from bench.row_values import PARENTS, TABLES

# Insert, update, delete, as in Debezium's __op.
Operation = Literal["c", "u", "d"]

# Rows of each kind, of 100: 55 inserts, 30 updates, 15 deletes.
DEFAULT_MIX: Mapping[tuple[Operation, str], int] = {
    ("c", "users"): 10,
    ("c", "products"): 10,
    ("c", "orders"): 15,
    ("c", "order_items"): 20,
    ("u", "users"): 7,
    ("u", "products"): 8,
    ("u", "orders"): 10,
    ("u", "order_items"): 5,
    ("d", "users"): 3,
    ("d", "products"): 2,
    ("d", "orders"): 4,
    ("d", "order_items"): 6,
}

# Rows per second for which keys are reserved if no rate is given.
UNLIMITED_ROWS = 200_000


class Batch(NamedTuple):
    """A transaction: an insert of rows with consecutive keys, or a change to all of them."""

    schema: str
    table: str
    operation: Operation
    first: int
    """first key, counted from the run's first key of this table"""
    rows: int
    version: int
    """of the rows after an insert or update, before a delete"""
    due: float
    """seconds after the start"""


@dataclass(frozen=True)
class Schedule:
    """A load's parameters, and the batches that follow from them."""

    seconds: float
    rate: float | None
    """rows per second over all connections; None: as many as PostgreSQL commits"""
    connections: int = 4
    batch: int = 100
    """rows per transaction"""
    seed: int = 7
    mix: Mapping[tuple[Operation, str], int] = field(default_factory=lambda: DEFAULT_MIX)
    schemas: tuple[str, ...] = ("public",)
    """each has the sample schema's four tables"""
    parent_rows: int = PARENTS
    """of each table that other rows refer to"""

    @property
    def keys_per_connection(self) -> int:
        """Keys to reserve in each table; more than a connection can need."""
        rows = (self.rate or UNLIMITED_ROWS) * self.seconds / self.connections
        return (int(rows / self.batch) + 2) * self.batch

    @property
    def keys(self) -> int:
        """Keys to reserve in each table for all connections and the parents."""
        return self.parent_rows + self.connections * self.keys_per_connection

    def parents(self) -> list[Batch]:
        """Return the inserts of the rows that other rows refer to."""
        return [
            Batch(schema, table, "c", 0, self.parent_rows, 0, 0.0)
            for schema in self.schemas
            for table in TABLES[:3]
        ]

    def batches(self, connection: int) -> Iterator[Batch]:
        """Return the batches of one connection, in order; the same for the same schedule."""
        random = Random(f"{self.seed}-{connection}")  # noqa: S311  repeatable, not secret
        rows = _Rows(self.parent_rows + connection * self.keys_per_connection)
        kinds, weights = list(self.mix), list(self.mix.values())
        for due in self._times(connection, random):
            operation, table = random.choices(kinds, weights)[0]
            group = rows.table(random.choice(self.schemas), table)
            yield group.batch(random, operation, self.batch, due)

    def _times(self, connection: int, random: Random) -> Iterator[float]:
        """Return one random moment of each of equal intervals, in seconds after the start."""
        if self.rate is None:
            while True:
                yield 0.0
        interval = self.batch * self.connections / self.rate
        number = 0
        while (number + 1) * interval <= self.seconds:
            yield (number + random.random()) * interval
            number += 1


class _Rows:
    """The rows of one connection that exist after the batches returned so far."""

    def __init__(self, first_key: int) -> None:
        self._first_key = first_key
        self._tables: dict[tuple[str, str], _TableRows] = {}

    def table(self, schema: str, table: str) -> "_TableRows":
        """Return the rows of one table."""
        if (schema, table) not in self._tables:
            self._tables[schema, table] = _TableRows(schema, table, self._first_key)
        return self._tables[schema, table]


class _TableRows:
    """The rows of one connection in one table."""

    def __init__(self, schema: str, table: str, first_key: int) -> None:
        self._schema, self._table, self._next = schema, table, first_key
        self._live: list[tuple[int, int]] = []
        """first key and version of each batch of rows that were inserted together"""

    def batch(self, random: Random, operation: Operation, rows: int, due: float) -> Batch:
        """Return the next batch; an insert if there is no row to update or delete."""
        if operation == "c" or not self._live:
            operation, first, version = "c", self._next, 0
            self._next += rows
            self._live.append((first, 0))
        else:
            chosen = random.randrange(len(self._live))
            first, version = self._live[chosen]
            if operation == "u":
                version += 1
                self._live[chosen] = (first, version)
            else:
                self._live[chosen] = self._live[-1]
                self._live.pop()
        return Batch(self._schema, self._table, operation, first, rows, version, due)


def rows_by_operation(mix: Mapping[tuple[Operation, str], int]) -> Sequence[tuple[str, int]]:
    """Return the rows of each operation in a mix, of its sum."""
    names: Mapping[Operation, str] = {"c": "inserts", "u": "updates", "d": "deletes"}
    return [
        (name, sum(weight for (kind, _), weight in mix.items() if kind == operation))
        for operation, name in names.items()
    ]
