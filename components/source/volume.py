"""How PostgreSQL's volume is shared by its WAL, its tables and the temporary files of sorts (MiB).

    volume × USABLE = WAL + tables + temporary files

PostgreSQL removes old WAL at the end of a checkpoint, so there is what a slot may keep and what is
written until the next one ends. Where checkpoints end evenly, that is max_wal_size / (1 +
checkpoint_completion_target); where one ends late under heavy writing, up to max_wal_size. A sort
writes about as much as its table has, so each of the two gets half of the rest: the sort of a table
that is larger fails, and leaves the volume its room for WAL.
"""

from dataclasses import dataclass

from components.config.postgres_size import UNLIMITED, megabytes
from components.settings import LARGEST_INT

# Of a volume; a filesystem needs some of it for itself.
USABLE = 0.95
# MiB: with less, queries that have nothing to do with large tables would fail.
LEAST_TEMPORARY = 64
# MB: PostgreSQL counts the limit in kB.
LARGEST_TEMPORARY = LARGEST_INT // 1024


@dataclass(frozen=True)
class PostgresVolume:
    """A server's volume, and the settings that bound its WAL."""

    storage: int
    """MiB"""
    max_wal_size: str
    max_slot_wal_keep_size: str
    checkpoint_completion_target: float

    @property
    def wal(self) -> int:
        """The WAL between even checkpoints; without a limit for slots, while they are read."""
        largest = megabytes(self.max_wal_size)
        if self.max_slot_wal_keep_size == UNLIMITED:
            return largest
        between = largest / (1 + self.checkpoint_completion_target)
        return max(largest, int(megabytes(self.max_slot_wal_keep_size) + between))

    @property
    def temp_file_limit(self) -> int:
        """The most temporary files of a session."""
        half = int(self.storage * USABLE - self.wal) // 2
        return min(max(LEAST_TEMPORARY, half), LARGEST_TEMPORARY)

    def shortage(self) -> str:
        """Say that WAL can fill the volume; empty if it can't, or if nothing bounds it."""
        needed = self.wal + 2 * LEAST_TEMPORARY
        if self.max_slot_wal_keep_size == UNLIMITED or needed <= self.storage * USABLE:
            return ""
        enough = int(needed / USABLE) + 1
        return (
            f"source.maxSlotWalKeepSize {self.max_slot_wal_keep_size} and source.maxWalSize"
            f" {self.max_wal_size} let PostgreSQL's WAL take {self.wal} MiB while a connector is"
            f" away, which leaves no room for tables on its volume of {self.storage} MiB"
            " (sizing.postgresqlStorage): PostgreSQL stops when the volume is full. Lower them or,"
            f" in a new stack, set sizing.postgresqlStorage to at least {enough}Mi"
        )
