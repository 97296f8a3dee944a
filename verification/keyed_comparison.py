"""Compares a table with a primary key with its archive, while rows change.

First the checksums of buckets, then the rows of those that differ. A row that differs may have been
changed by a transaction that was in progress when the snapshot was taken, or its change may not be
archived yet. It is compared again, with a newer snapshot, once the archive contains everything up
to that snapshot. It counts as different if its last archived change was readable before the
snapshot was taken: its transaction had been committed by then, so the snapshot shows it.
"""

import pyarrow as pa

from verification.archive_state import LATEST, registered
from verification.compared_table import ComparedTable
from verification.database import bucket_digests, digests_of, row_digests, snapshot
from verification.loading import load_digests
from verification.position import wait_for_archive
from verification.result import Kind

# Attempts to compare rows that change all the time.
ROUNDS = 6
# More differing rows than these are read in a pass over the table instead of by their keys.
LOOKED_UP = 20_000

DIFFERING = """
CREATE OR REPLACE TABLE differing AS
SELECT key, present.digest AS in_database,
    CASE WHEN position % 2 = 1 THEN archived.digest END AS in_archive, position
FROM present FULL JOIN ({latest}) AS archived USING (key)
WHERE in_database IS DISTINCT FROM in_archive
"""
# The archive's last change of each row in question, before the next snapshot is taken.
SEEN = """
CREATE OR REPLACE TABLE seen AS
SELECT key, max(position) AS seen FROM changes WHERE {within} GROUP BY key
"""
# No WAL position is higher.
LAST = 2**61
CANDIDATES = "key IN (SELECT key FROM candidates)"
SETTLED = "differing.position IS NULL OR differing.position <= coalesce(seen, -1)"


class KeyedComparison:
    """Compares one table. The result is in DuckDB's table `found`, and in counts()."""

    def __init__(self, compared: ComparedTable) -> None:
        self._compared, self._table = compared, compared.source
        self._connection, self._state = compared.connection, compared.state
        self._options = compared.options
        self._database = compared.state.database
        self._buckets = compared.state.buckets
        self.rows = 0
        self.unsettled = 0
        self._database.execute(
            "CREATE OR REPLACE TABLE found"
            " (key VARCHAR, in_database UBIGINT, in_archive UBIGINT, position BIGINT)"
        )

    def run(self) -> None:
        """Compare. Raises NotReachedError if the archive does not get there in time."""
        if self._options.selects_keys:
            self._compare_changed(self._options.since or 0)
            return
        self._compared.report(f"checksums in PostgreSQL, about {self._table.estimate:,} rows")
        with snapshot(self._connection) as lsn:
            in_database = bucket_digests(self._connection, self._table, self._buckets)
        self.rows = sum(count for count, _ in in_database.values())
        self._state.refresh(self._compared.report)
        in_archive = self._state.bucket_digests(lsn)
        differing = [
            number
            for number in in_database.keys() | in_archive.keys()
            if in_database.get(number) != in_archive.get(number)
        ]
        if differing:
            self._compared.report(f"{len(differing):,} of {self._buckets.count:,} ranges differ")
            self._settle_buckets(differing)

    def _compare_changed(self, since: int) -> None:
        self._state.refresh(self._compared.report)
        keys = self._state.changed_keys(LAST, since)
        self.rows = len(keys)
        self._settle_keys(keys)

    def counts(self) -> dict[Kind, int]:
        """Return how many rows differ, by kind."""
        found = self._database.execute(
            "SELECT count(*) FILTER (in_archive IS NULL), count(*) FILTER (in_database IS NULL),"
            " count(*) FROM found"
        ).fetchone() or (0, 0, 0)
        missing, extra, total = map(int, found)
        return {
            Kind.MISSING: missing,
            Kind.EXTRA: extra,
            Kind.DIFFERENT: total - missing - extra,
        }

    def _settle_buckets(self, numbers: list[int]) -> None:
        """Compare the rows of some buckets; look up by their keys what then still differs."""
        bucket = f"bucket & {self._buckets.count - 1}"
        within = f"{bucket} IN ({', '.join(map(str, numbers))})"
        for _ in range(ROUNDS):
            self._database.execute("DELETE FROM found")
            self._database.execute(SEEN.format(within=within))
            with snapshot(self._connection) as lsn:
                load_digests(
                    self._database,
                    row_digests(self._connection, self._table, self._buckets, numbers),
                )
            if self._keep_settled(lsn, within) <= LOOKED_UP:
                self._settle_keys(self._unsettled_keys())
                return
        self.unsettled = len(self._unsettled_keys())

    def _settle_keys(self, keys: list[str]) -> None:
        for _ in range(ROUNDS):
            if not keys:
                return
            wanted = pa.table({"key": pa.array(keys, pa.string())})
            with registered(self._database, "wanted", wanted):
                self._database.execute("CREATE OR REPLACE TABLE candidates AS FROM wanted")
            self._database.execute(SEEN.format(within=CANDIDATES))
            with snapshot(self._connection) as lsn:
                load_digests(
                    self._database, digests_of(self._connection, self._table, keys).items()
                )
            self._keep_settled(lsn, CANDIDATES)
            keys = self._unsettled_keys()
        self.unsettled = len(keys)

    def _keep_settled(self, lsn: int, within: str) -> int:
        """Keep the rows that differ for certain in `found`; return the number of the others."""
        if self._differing(lsn, within):
            self._wait_for(lsn, within)
        self._database.execute(
            f"INSERT INTO found SELECT differing.* FROM differing LEFT JOIN seen USING (key)"
            f" WHERE {SETTLED}"
        )
        self._database.execute(
            "CREATE OR REPLACE TABLE unsettled AS SELECT key"
            f" FROM differing LEFT JOIN seen USING (key) WHERE NOT ({SETTLED})"
        )
        ((count,),) = self._database.execute("SELECT count(*) FROM unsettled").fetchall()
        return int(count)

    def _unsettled_keys(self) -> list[str]:
        return [key for (key,) in self._database.execute("FROM unsettled").fetchall()]

    def _wait_for(self, lsn: int, within: str) -> None:
        """Read the archive until nothing differs, or it contains everything up to a position."""
        wait_for_archive(self._compared, lsn, lambda: self._refreshed(lsn, within))

    def _refreshed(self, lsn: int, within: str) -> int:
        self._state.refresh(self._compared.report)
        return self._differing(lsn, within)

    def _differing(self, lsn: int, within: str) -> int:
        latest = LATEST.replace(" GROUP BY", f" AND {within} GROUP BY")
        self._database.execute(DIFFERING.format(latest=latest), self._state.bounds(lsn))
        ((count,),) = self._database.execute("SELECT count(*) FROM differing").fetchall()
        return int(count)
