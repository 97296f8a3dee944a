"""What grows how: points from results, and the sizing table from points."""

from itertools import count
from typing import Any

import pytest

from bench import growth
from bench.benchmark_page import growth_table
from bench.costs import Cpu, Growth, Point, by_kind
from bench.sample_schema import sample_schemas
from bench.sizing import RATES, size, table
from clients.stack import StackError

ANY_STACK: Any = object()
POINT = Point(
    tables=4,
    partitions=6,
    width=40,
    rate=2000,
    rows=1000,
    missing=0,
    cpu=Cpu(connect=100, broker=70, database=30),
    idle=Cpu(connect=20, broker=90, database=10),
    wal_bytes=300,
    topic_bytes=100,
    archive_bytes=60,
    connect_held=1,
    broker_held=1,
    database_held=1,
    files_per_commit=2,
    latency_p50=5,
    latency_p99=9,
    out_of_memory_kills=0,
)


def test_a_rate_needs_what_its_rows_cost() -> None:
    """10,000 rows of 100 µs are one core; of a worker's limit of one, 0.7 may be used."""
    needed = size(POINT, 10_000, commit_seconds=60)
    assert (needed.workers, needed.brokers, needed.partitions) == (2, 3, 6)
    assert needed.memory == 512 + 3 * 682 + 2 * 1024
    assert needed.log == pytest.approx(10_000 * 100 * 3600 / 2**30)
    assert needed.puts == 30 * 24 * 60 * 4 * (2 * 2 + 3)
    larger = size(POINT, 50_000, commit_seconds=60)
    assert (larger.workers, larger.brokers, larger.partitions) == (8, 10, 8)
    assert size(POINT, 25_000, commit_seconds=60).partitions == 4 * 2


def test_rarer_commits_cost_fewer_requests() -> None:
    often, rarely = (size(POINT, 1_000, seconds) for seconds in (10, 60))
    assert often.puts == 6 * rarely.puts
    assert often.cost == pytest.approx(6 * rarely.cost)


def test_the_table_has_a_line_for_each_rate() -> None:
    lines = table([POINT], commit_seconds=60).splitlines()
    assert len(lines) == 2 + len(RATES)
    assert "| 10,000 | 2 | 3 | 6 |" in lines[4]


def test_new_points_replace_old_ones_of_their_kind() -> None:
    wide, again = POINT.model_copy(update={"width": 2000}), POINT.model_copy(update={"rows": 5})
    split = POINT.model_copy(update={"partitions": 24})
    growth = Growth(points=[POINT]).with_points([wide, split]).with_points([again])
    assert growth.points == [again, wide, split]


def test_sample_schemas_are_those_that_are_captured_whole() -> None:
    four = [f"shop.{table}" for table in ("users", "products", "orders", "order_items")]
    assert sample_schemas([*four, "other.users"]) == ("shop",)
    with pytest.raises(StackError, match=r"captures other\.users"):
        sample_schemas(["other.users"])


def test_brokers_count_together() -> None:
    used = {"kafka-connect": 5.0, "kafka-0": 1.0, "kafka-1": 2.0, "postgresql-0": 4.0, "other": 9.0}
    assert by_kind(used) == Cpu(connect=5, broker=3, database=4)


@pytest.mark.parametrize(
    ("windows", "used"), [([300, 290], 290), ([900, 500, 300, 310, 1], 310), ([200, 400], 400)]
)
def test_idle_use_is_measured_once_it_has_stopped_falling(
    monkeypatch: pytest.MonkeyPatch, windows: list[float], used: float
) -> None:
    seen = iter(windows)
    monkeypatch.setattr("bench.growth.time.sleep", lambda _: None)
    monkeypatch.setattr(growth, "Cluster", lambda _: None)
    monkeypatch.setattr(
        growth, "used_cpu", lambda *_: Cpu(connect=0, broker=next(seen), database=0)
    )
    assert growth.idle_cpu(ANY_STACK, print).broker == used


def test_a_stack_whose_idle_use_keeps_falling_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    falling = (1 / 2**count for count in count())
    passed = count(step=50)
    monkeypatch.setattr("bench.growth.time.sleep", lambda _: None)
    monkeypatch.setattr("polling.time.monotonic", lambda: next(passed))
    monkeypatch.setattr(growth, "Cluster", lambda _: None)
    monkeypatch.setattr(
        growth, "used_cpu", lambda *_: Cpu(connect=0, broker=next(falling), database=0)
    )
    with pytest.raises(
        StackError,
        match="timed out after 240 s waiting for the CPU use without a load to stop falling",
    ):
        growth.idle_cpu(ANY_STACK, print)


def test_the_page_has_the_cpu_with_the_load_and_without() -> None:
    line = growth_table(Growth(points=[POINT])).splitlines()[-1]
    assert "| 200 + 140 + 60 m | 20 + 90 + 10 m |" in line
    assert "| 300, 100, 60 |" in line
