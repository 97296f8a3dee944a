"""The account of a load: what was committed, when it was due, and when it was done."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from bench.content import Content, Parents
from bench.plan import Batch, Schedule


class Committed(NamedTuple):
    """A batch that PostgreSQL has committed."""

    batch: Batch
    number: int
    """its place in the order of its connection; rows are changed by one connection only"""
    written_us: int
    """when its transaction began by the database's clock, microseconds since 1970: now()"""
    due: float
    """when it should have been begun, seconds since 1970"""
    begun: float
    at: float
    """when the commit was confirmed, seconds since 1970"""


@dataclass
class Account:
    """All that a load has committed, and what is needed to know its rows again."""

    schedule: Schedule
    content: Content
    first_keys: dict[str, int]
    """by schema.table: the key of the run's row number 0"""
    first_lsn: int
    """where the WAL ended before the first change"""
    started: float = 0.0
    """when the schedule began, seconds since 1970"""
    finished: float = 0.0
    committed: list[Committed] = field(default_factory=list)
    retried: int = 0
    """transactions that were begun again after a lost connection"""
    cpu_seconds: float = 0.0
    """of the generator's own threads"""

    @property
    def rows(self) -> int:
        """Rows changed."""
        return sum(each.batch.rows for each in self.committed)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that the load may change, as schema.table."""
        return tuple(self.first_keys)

    def parents(self, schema: str) -> Parents:
        """The rows that others of the schema refer to."""
        return Parents(
            *(self.first_keys[f"{schema}.{table}"] for table in ("users", "products", "orders"))
        )

    def of_table(self, table: str) -> Iterable[Committed]:
        """What was done to schema.table."""
        return (
            each for each in self.committed if f"{each.batch.schema}.{each.batch.table}" == table
        )
