"""The journal of a load: which batches were committed, when each was due, and when it was done."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa

from bench.row_values import Parents, RowValues
from bench.schedule import Batch, Schedule


class CommittedBatch(NamedTuple):
    """A batch that PostgreSQL has committed."""

    batch: Batch
    number: int
    """its place in the order of its connection; a row is changed by one connection only"""
    written_us: int
    """now() of its transaction, in microseconds since 1970 by the database's clock"""
    due: float
    """when it should have begun, in seconds since 1970"""
    begun: float
    at: float
    """when the commit was confirmed, in seconds since 1970"""


@dataclass
class BatchJournal:
    """What a load has committed, as ranges of keys, and what its rows' values follow from."""

    schedule: Schedule
    values: RowValues
    first_keys: dict[str, int]
    """by schema.table: the key of the run's row number 0"""
    first_lsn: int
    """where the WAL ended before the first change"""
    started: float = 0.0
    """when the schedule began, in seconds since 1970"""
    finished: float = 0.0
    committed: list[CommittedBatch] = field(default_factory=list)
    retried: int = 0
    """transactions that were begun again after a lost connection"""
    cpu_seconds: float = 0.0
    """of the generator's own threads"""

    @property
    def rows(self) -> int:
        """How many rows were changed."""
        return sum(each.batch.rows for each in self.committed)

    def rows_by_table(self) -> dict[str, int]:
        """Return how many rows of each changed table were changed."""
        rows: Counter[str] = Counter()
        for each in self.committed:
            rows[f"{each.batch.schema}.{each.batch.table}"] += each.batch.rows
        return dict(rows)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that the load may change, as schema.table."""
        return tuple(self.first_keys)

    @property
    def began(self) -> float:
        """When the first batch was begun, in seconds since 1970."""
        return self.committed[0].begun

    def parents(self, schema: str) -> Parents:
        """Return the rows that other rows of the schema refer to."""
        users, products, orders = (
            self.first_keys[f"{schema}.{table}"] for table in ("users", "products", "orders")
        )
        return Parents(users, products, orders, self.schedule.parent_rows)

    def of_table(self, table: str) -> Iterable[CommittedBatch]:
        """Return what was committed to schema.table."""
        return (
            each for each in self.committed if f"{each.batch.schema}.{each.batch.table}" == table
        )

    def batches(self, table: str) -> pa.Table:
        """Return what was committed to schema.table as Arrow, one row for each range of keys."""
        first_key = self.first_keys[table]
        rows = [
            {
                "first": first_key + each.batch.first,
                "count": each.batch.rows,
                "number": each.number,
                "operation": each.batch.operation,
                "version": each.batch.version,
                "written_us": each.written_us,
                "due": each.due,
                "confirmed": each.at,
            }
            for each in self.of_table(table)
        ]
        return pa.Table.from_pylist(rows, BATCHES)


BATCHES = pa.schema(
    {
        "first": pa.int64(),
        "count": pa.int64(),
        "number": pa.int64(),
        "operation": pa.string(),
        "version": pa.int64(),
        "written_us": pa.int64(),
        "due": pa.float64(),
        "confirmed": pa.float64(),
    }
)
