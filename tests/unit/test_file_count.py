"""How many files Confluent's sink writes, what the preview says of it, and what it proposes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.sizing import CONNECT_JVM, Sizing, heap_for
from components.streaming.connectors.confluent_s3 import ConfluentS3SinkConnector
from components.streaming.connectors.converters import JsonConverter
from components.streaming.connectors.memory import Workers
from components.streaming.sinks.file_count import BOUND, DAY_MS, FileCount

DESIGN = FileCount(24, 1000, 60_000, 10_000)


def any_size(_flush_size: int) -> bool:
    return True


def files_of_a_partition(rows: int, length_ms: int, flush_size: int, interval_ms: int) -> int:
    """Return how many files a sink closes that gets rows evenly: by size and by the clock."""
    closed = in_file = opened = 0
    for number in range(rows):
        now = number * length_ms // rows
        if in_file and now // interval_ms > opened // interval_ms:
            closed, in_file = closed + 1, 0
        opened = opened if in_file else now
        in_file += 1
        if in_file == flush_size:
            closed, in_file = closed + 1, 0
    return closed + (in_file > 0)


@given(
    rows=st.integers(1, 3000),
    flush_size=st.integers(1, 500),
    interval_ms=st.sampled_from([1000, 60_000, 3_600_000]),
    hours=st.sampled_from([1, 6, 24]),
)
def test_no_sink_closes_more_files_than_are_counted(
    rows: int, flush_size: int, interval_ms: int, hours: int
) -> None:
    closed = files_of_a_partition(rows, hours * 3_600_000, flush_size, interval_ms)
    counted = FileCount(1, flush_size, interval_ms, None)
    assert closed <= rows / flush_size + counted.by_clock * hours / 24 + 1


def test_the_designs_settings_at_ten_thousand_rows_a_second() -> None:
    """The figure that was measured: 864,000 files a day by flush.size."""
    assert DESIGN.a_day - DESIGN.by_clock == 864_000
    assert DESIGN.by_clock == 24 * DAY_MS // 60_000


class TestRemark:
    def test_without_a_rate_it_counts_per_million_rows(self) -> None:
        remark = FileCount(24, 1000, 60_000, None).remark(any_size)
        assert remark.level == "info"
        assert "1,000 files per million rows by archive.flushSize 1000" in remark.text
        assert "34,560 by archive.rotateIntervalMs 60000 in 24 partitions" in remark.text

    def test_a_slow_stack_gets_no_warning(self) -> None:
        assert FileCount(24, 1000, 60_000, 100).remark(any_size).level == "info"

    def test_a_warning_names_the_rate_and_the_bound(self) -> None:
        remark = DESIGN.remark(any_size)
        assert remark.level == "warning"
        assert "898,560 files a day" in remark.text
        assert "archive.rowsPerSecond 10000" in remark.text
        assert "more than 100,000" in remark.text

    @given(
        partitions=st.integers(1, 500),
        rate=st.integers(1, 50_000),
        largest=st.sampled_from([1000, 5000, 50_000, 200_000]),
    )
    def test_what_it_proposes_is_below_the_bound_and_fits(
        self, partitions: int, rate: int, largest: int
    ) -> None:
        files = FileCount(partitions, 1000, 60_000, rate)
        text = files.remark(lambda flush_size: flush_size <= largest).text
        proposed = re.search(r"flushSize (\d+) and archive\.rotateIntervalMs (\d+); rows", text)
        if proposed is None:
            assert files.a_day <= BOUND or "No setting" in text
            return
        flush_size, interval = map(int, proposed.groups())
        assert flush_size <= largest
        assert FileCount(partitions, flush_size, interval, rate).a_day <= BOUND

    def test_where_no_setting_fits_it_names_what_else_there_is(self) -> None:
        text = DESIGN.remark(lambda flush_size: flush_size <= 1000).text
        for way_out in ("topics.partitions", "sizing.connect", "archive.sink iceberg"):
            assert way_out in text


@pytest.mark.parametrize(("partitions", "proposes"), [(24, False), (6, True)])
def test_the_default_workers_heap_decides(partitions: int, proposes: bool) -> None:
    """24 open files of more than 3,100 rows don't fit a worker of 1 GiB; 6 do."""
    heap = heap_for(Sizing().connect.memory_limit, CONNECT_JVM)
    workers = Workers(heap=heap, count=1, brokers=3, tables=4, partitions=partitions)
    sink = ConfluentS3SinkConnector(
        name="sink",
        key_converter=JsonConverter(),
        value_converter=JsonConverter(),
        tasks_max=partitions,
    )
    remark = FileCount(partitions, 1000, 60_000, 10_000).remark(
        lambda flush_size: workers.fits([sink.model_copy(update={"flush_size": flush_size})])
    )
    assert ("set archive.flushSize" in remark.text) is proposes
