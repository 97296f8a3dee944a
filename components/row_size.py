"""The limits that let a row of the largest size through, from the source's producer to the archive.

Kafka's producers refuse a record above max.request.size and its brokers a batch above
max.message.bytes; a batch has at least one record. Fetches need no limit of their own: a batch that
is larger than a fetch is returned whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

from components.settings import MEBIBYTE
from components.sizing import BROKER_JVM, COLLECTOR_SHARE, JvmProfile, limit_for

# Bytes of a batch in addition to its record, and the share by which data that can't be compressed
# grows in any of Kafka's formats.
BATCH_OVERHEAD = 4096
COMPRESSION_SHARE = 1 / 64
# Bytes of a dead letter's headers, which have a stack trace.
DEAD_LETTER_HEADERS = 256 * 1024
# MiB of records that a sink task takes in one poll, if all are of the largest size. Polls of 8
# records and of 1000 took the same time for 100,000 small ones.
POLLED = 6
# MiB, Kafka's default of a producer's buffer.memory.
PRODUCER_BUFFER = 32
# The most that a broker has of a record at a time: as a leader the request and what it checks, as
# a follower the response, and room for the collector.
BROKER_COPIES = 4
BROKER_SHARE = 0.5
# How many transfers of such a record a JVM makes at the same time, each with a direct buffer of the
# record's size.
TRANSFERS = 3


@dataclass(frozen=True)
class RowSize:
    """The size of the largest row, as a record in Kafka."""

    mebibytes: int = 1

    @property
    def record_bytes(self) -> int:
        """The source's producers' max.request.size."""
        return self.mebibytes * MEBIBYTE

    @property
    def batch_bytes(self) -> int:
        """The topics' max.message.bytes."""
        return int(self.record_bytes * (1 + COMPRESSION_SHARE)) + BATCH_OVERHEAD

    @property
    def dead_letter_bytes(self) -> int:
        """The max.message.bytes of dead letter topics, and their producers' max.request.size."""
        return self.batch_bytes + DEAD_LETTER_HEADERS

    @classmethod
    def of_dead_letter(cls, limit: int) -> RowSize | None:
        """Return the largest size of which dead letters have at most so many bytes; or None."""
        sizes = range(limit // MEBIBYTE, 0, -1)
        return next((row for row in map(cls, sizes) if row.dead_letter_bytes <= limit), None)

    @property
    def producer_buffer(self) -> int:
        """MiB of a producer's buffer.memory, which must hold a record that waits for another."""
        return max(PRODUCER_BUFFER, 2 * self.mebibytes)

    def polled_records(self, wanted: int) -> int:
        """Return how many records a sink task may take in one poll, at most those wanted."""
        return max(1, min(wanted, POLLED // self.mebibytes))

    @property
    def _direct(self) -> int:
        """MiB of direct memory for the transfers of such records, in addition to a JVM's own."""
        return TRANSFERS * (self.mebibytes - 1)

    def jvm(self, profile: JvmProfile) -> JvmProfile:
        """Return a JVM's profile with direct memory for the transfers of such records."""
        return replace(profile, direct=profile.direct + self._direct)

    def heap_of(self, heap: int) -> float:
        """Return what that direct memory leaves of a JVM's heap (MiB)."""
        return float(heap - self._direct / (1 + COLLECTOR_SHARE))

    def heap_with(self, left: float) -> int:
        """Return the lowest heap (MiB) of which that direct memory leaves so many MiB."""
        return ceil(left + self._direct / (1 + COLLECTOR_SHARE))

    def require_brokers_heap(self, heap: int) -> None:
        """Raise ValueError where the brokers' heap can't hold such rows.

        `heap`: MiB, with rows of 1 MiB.
        """
        if not self._fits_brokers(heap):
            smaller = range(self.mebibytes - 1, 0, -1)
            fitting = next((size for size in smaller if RowSize(size)._fits_brokers(heap)), 1)
            enough = limit_for(
                self.heap_with(self.mebibytes * BROKER_COPIES / BROKER_SHARE), BROKER_JVM
            )
            raise ValueError(
                f"kafka.maxRowSize: {self.mebibytes}Mi does not fit a broker's heap of {heap} MiB;"
                f" set at most {fitting}Mi, or sizing.broker.memoryLimit to at least {enough}Mi"
            )

    def _fits_brokers(self, heap: int) -> bool:
        return self.mebibytes * BROKER_COPIES <= self.heap_of(heap) * BROKER_SHARE


DEFAULT_ROW_SIZE = RowSize()
