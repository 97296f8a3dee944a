"""How a source's producer groups its records, by the number of partitions that it writes to.

    transaction = PARTITION_MS for each partition, from 1 to 5 s: its end costs a marker in each
    timeout     = ten times that: on a busy machine a transaction to 150 partitions took more than
                  12 s, and a task that fails by it has all of it to write again
    linger      = a tenth of the transaction
    batch       = its share of half the producer's buffer.memory, at most 128 KiB: a batch is open
                  for each partition, and when they fill the buffer all are sent as they are

What that saves was measured with 40 tables of 6 partitions: docs/TUNING.md.
"""

from dataclasses import dataclass

from components.row_size import PRODUCER_BUFFER
from components.settings import MEBIBYTE

PARTITION_MS = 20
SHORTEST_MS, LONGEST_MS = 1_000, 5_000
SMALLEST_BATCH, LARGEST_BATCH = 4 * 1024, 128 * 1024
TIMEOUT_INTERVALS = 10


@dataclass(frozen=True)
class Batching:
    """The producer's settings, in ms and bytes."""

    transaction_interval_ms: int
    """how long readers of committed records wait for one at most"""
    transaction_timeout_ms: int
    """for which a dead worker's open transaction blocks them"""
    linger_ms: int
    batch_bytes: int


def batching(partitions: int) -> Batching:
    """Return what suits so many partitions of all captured tables together."""
    interval = min(max(partitions * PARTITION_MS, SHORTEST_MS), LONGEST_MS)
    share = PRODUCER_BUFFER * MEBIBYTE // (2 * max(1, partitions))
    return Batching(
        transaction_interval_ms=interval,
        transaction_timeout_ms=TIMEOUT_INTERVALS * interval,
        linger_ms=interval // 10,
        batch_bytes=min(max(share, SMALLEST_BATCH), LARGEST_BATCH),
    )


# A source's where nobody has counted its partitions.
FEW_PARTITIONS = batching(1)
