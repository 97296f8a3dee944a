"""What grows how: points from results, and the sizing table from points."""

import pytest

from bench.growth import Growth, Point
from bench.shops import sample_schemas
from bench.sizes import RATES, size, table
from clients.stack import StackError

POINT = Point(
    tables=4,
    partitions=6,
    width=40,
    rate=2000,
    rows=1000,
    missing=0,
    connect_cpu=100,
    broker_cpu=70,
    database_cpu=30,
    wal_bytes=300,
    topic_bytes=100,
    archive_bytes=60,
    connect_held=1,
    broker_held=1,
    database_held=1,
    files_per_commit=2,
)


def test_a_rate_needs_what_its_rows_cost() -> None:
    """10,000 rows of 100 µs are one core; of a worker's limit of one, 0.7 may be used."""
    needed = size(POINT, 10_000, commit_seconds=60)
    assert (needed.workers, needed.brokers) == (2, 3)
    assert needed.memory == 512 + 3 * 682 + 2 * 1024
    assert needed.log == pytest.approx(10_000 * 100 * 3600 / 2**30)
    assert needed.puts == 30 * 24 * 60 * 4 * (2 * 2 + 3)
    assert size(POINT, 50_000, commit_seconds=60).brokers == 10


def test_rarer_commits_cost_fewer_requests() -> None:
    often, rarely = (size(POINT, 1_000, seconds) for seconds in (10, 60))
    assert often.puts == 6 * rarely.puts
    assert often.cost == pytest.approx(6 * rarely.cost)


def test_the_table_has_a_line_for_each_rate() -> None:
    lines = table([POINT], commit_seconds=60).splitlines()
    assert len(lines) == 2 + len(RATES)
    assert "| 10,000 | 2 | 3 |" in lines[4]


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
