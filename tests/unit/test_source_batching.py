"""The source's batches and transactions follow from the number of partitions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.row_size import PRODUCER_BUFFER
from components.settings import MEBIBYTE
from components.streaming.connectors.batching import Batching, batching


@pytest.mark.parametrize(
    ("partitions", "expected"),
    [
        (24, Batching(1_000, 10_000, 100, 131_072)),
        (50, Batching(1_000, 10_000, 100, 131_072)),
        (240, Batching(4_800, 48_000, 480, 69_905)),
        (2_400, Batching(5_000, 50_000, 500, 6_990)),
    ],
)
def test_more_partitions_have_longer_transactions_and_smaller_batches(
    partitions: int, expected: Batching
) -> None:
    assert batching(partitions) == expected


@given(st.integers(1, 100_000))
def test_a_transaction_ends_well_before_it_times_out(partitions: int) -> None:
    found = batching(partitions)
    assert found.linger_ms < found.transaction_interval_ms
    assert 10 * found.transaction_interval_ms <= found.transaction_timeout_ms


@given(st.integers(1, 4_096))
def test_the_open_batches_never_fill_the_buffer(partitions: int) -> None:
    assert batching(partitions).batch_bytes * partitions <= PRODUCER_BUFFER * MEBIBYTE / 2
