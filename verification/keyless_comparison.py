"""Compares a table without a primary key with its archive: which rows exist, and how often.

An archived update holds the new row only, so the archive has one row too many for each: the old
one. What can be compared is which rows PostgreSQL has more often than the archive, and whether the
archive has more rows than PostgreSQL and its updates together.
"""

from verification.archive_state import COUNTED
from verification.compared_table import ComparedTable
from verification.database import Buckets, bucket_digests, row_digests, snapshot
from verification.loading import load_digests
from verification.position import wait_for_archive
from verification.result import Kind

ROUNDS = 3
# `surplus` is how often the archive has a row more than PostgreSQL; negative, less.
DIFFERING = """
CREATE OR REPLACE TABLE differing AS
SELECT digest, (coalesce(archived.rows, 0) - coalesce(present.rows, 0))::BIGINT AS surplus
FROM ({counted}) AS archived
FULL JOIN (SELECT digest, count(*) AS rows FROM present GROUP BY digest) AS present
    USING (digest) WHERE surplus <> 0
"""
TOTALS = """
SELECT coalesce(sum(-surplus) FILTER (surplus < 0), 0)::BIGINT,
    coalesce(sum(surplus) FILTER (surplus > 0), 0)::BIGINT FROM differing
"""
# A row that differs in one attempt and not in the same way in the next was being changed.
KEEP_LASTING = """
CREATE OR REPLACE TABLE differing AS
SELECT digest, CASE WHEN sign(differing.surplus) = sign(earlier.surplus)
    THEN sign(differing.surplus) * least(abs(differing.surplus), abs(earlier.surplus))
    ELSE 0 END::BIGINT AS surplus
FROM differing JOIN earlier USING (digest)
"""


class KeylessComparison:
    """Compares one table; the result is in counts()."""

    def __init__(self, compared: ComparedTable) -> None:
        self._compared, self._table = compared, compared.source
        self._connection, self._state = compared.connection, compared.state
        self._database = compared.state.database
        self.rows = 0
        self.updates = 0
        self._missing = self._extra = 0

    def run(self) -> None:
        """Compare. Raises NotReachedError if the archive does not get there in time."""
        for attempt in range(ROUNDS):
            if self._is_equal(attempt):
                self._missing = self._extra = 0
                return

    def counts(self) -> dict[Kind, int]:
        """Return how many rows differ, by kind."""
        return {Kind.MISSING: self._missing, Kind.EXTRA: self._extra, Kind.DIFFERENT: 0}

    def _is_equal(self, attempt: int) -> bool:
        self._compared.report(f"checksums in PostgreSQL, about {self._table.estimate:,} rows")
        with snapshot(self._connection) as lsn:
            in_database = bucket_digests(self._connection, self._table, self._state.buckets)
        self.rows = sum(count for count, _ in in_database.values())
        self._state.refresh(self._compared.report)
        if in_database == _without_empty(self._state.bucket_digests(lsn)):
            self.updates = self._state.updates(lsn)
            return True
        with snapshot(self._connection) as lsn:
            load_digests(
                self._database,
                row_digests(self._connection, self._table, Buckets(1), [0]),
            )
        if attempt:
            self._database.execute("CREATE OR REPLACE TABLE earlier AS FROM differing")
        wait_for_archive(self._compared, lsn, lambda: self._refreshed(lsn))
        if attempt:
            self._database.execute(KEEP_LASTING)
            self._count(lsn)
        return not self._missing + self._extra

    def _refreshed(self, lsn: int) -> int:
        """Read the archive again; return how many rows differ."""
        self._state.refresh(self._compared.report)
        self._database.execute(DIFFERING.format(counted=COUNTED), self._state.bounds(lsn))
        return self._count(lsn)

    def _count(self, lsn: int) -> int:
        less, more = self._database.execute(TOTALS).fetchone() or (0, 0)
        self.updates = self._state.updates(lsn)
        # Each update leaves its old row in the archive. Fewer than that hide rows that are missing.
        self._missing = int(less) + max(0, self.updates - int(more))
        self._extra = max(0, int(more) - self.updates)
        return self._missing + self._extra


def _without_empty(digests: dict[int, tuple[int, int]]) -> dict[int, tuple[int, int]]:
    """Leave out buckets whose rows were all deleted."""
    return {number: value for number, value in digests.items() if value != (0, 0)}
