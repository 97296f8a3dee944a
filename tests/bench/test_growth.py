"""What grows how: points from results, and the sizing table from points."""

import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bench import aws_process, growth, idle_use
from bench.arrangements import ARRANGEMENTS, TABLES_PREFIX, Arrangement, Trial
from bench.benchmark_page import growth_table, tables_table
from bench.costs import Cpu, Growth, Moment, Point, by_kind
from bench.sample_schema import sample_schemas
from bench.sizing import RATES, size, table
from clients.stack import StackError
from polling.lines import LineReader

ANY_STACK: Any = object()
POINT = Point(
    series="width",
    commit_seconds=10,
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
    ("windows", "used"),
    [([900, 500, 300, 290], 290), ([300, 250], None), ([200, 400], 400), ([900, 300, 100], None)],
)
def test_idle_use_counts_only_once_it_has_stopped_falling(
    monkeypatch: pytest.MonkeyPatch, windows: list[float], used: float | None
) -> None:
    seen = iter(windows)
    monkeypatch.setattr("bench.idle_use.time.sleep", lambda _: None)
    monkeypatch.setattr(
        idle_use, "used_cpu", lambda *_: Cpu(connect=0, broker=next(seen), database=0)
    )
    observer = idle_use.UsageObserver(ANY_STACK, lambda *_: None)
    observer.settle(5 + 20 * len(windows))
    assert (observer.idle and observer.idle.broker) == used
    assert next(seen, None) is None


def test_idle_use_is_that_of_what_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of the maintenance can end in the middle of a window."""

    class Measured:
        def __init__(self, label: str, *seconds: float) -> None:
            self.label, self._seconds = label, iter(seconds)

        def usage(self) -> SimpleNamespace:
            if (used := next(self._seconds, None)) is None:
                raise FileNotFoundError(self.label)
            return SimpleNamespace(cpu_seconds=used)

    found = [
        Measured("kafka-connect", 1.0, 2.0),
        Measured("kafka-0", 1.0, 1.5),
        Measured("postgresql-0", 1.0, 1.25),
        Measured("archive-maintenance-1", 5.0),
    ]
    monkeypatch.setattr(idle_use, "containers", lambda _cluster: found)
    monkeypatch.setattr(idle_use, "Cluster", lambda _outputs: None)
    monkeypatch.setattr(aws_process, "cpu_seconds", lambda _endpoint: None)
    outputs: Any = SimpleNamespace(archive=SimpleNamespace(endpoint=""))
    used = idle_use.used_cpu(outputs, 0.01)
    assert used.connect == pytest.approx(2 * used.broker) == pytest.approx(4 * used.database)


def test_the_stand_ins_cpu_is_that_of_the_process_at_its_port() -> None:
    program = "import time\nwhile time.process_time() < 0.2: pass\nprint(flush=True)\ninput()"
    command = [sys.executable, "-c", program, "sandbox.aws_server", "--port=41234"]
    with (
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process,
        ExitStack() as stack,
    ):
        stack.callback(process.kill)
        assert process.stdout is not None
        assert LineReader(process.stdout).next_line(60) == ""
        used = aws_process.cpu_seconds("http://10.0.0.1:41234")
        other = aws_process.cpu_seconds("http://10.0.0.1:41235")
    assert used is not None
    assert 0.15 <= used < 5
    assert other is None
    assert aws_process.cpu_seconds(None) is None


def test_the_page_has_the_cpu_with_the_load_and_without() -> None:
    line = growth_table(Growth(points=[POINT])).splitlines()[-1]
    assert "| 200 + 140 + 60 m | 20 + 90 + 10 m |" in line
    assert "| 300, 100, 60 |" in line


def test_the_page_has_a_line_for_each_number_of_tables() -> None:
    """At 2,000 rows a second, 1,000 rows in 2 s: 40 m of idle use are 80 µs of each row."""
    point = POINT.model_copy(
        update={
            "series": "tables",
            "tables": 400,
            "duplicated": 0,
            "altered": 0,
            "seconds": 2.0,
            "cpu": Cpu(connect=100, broker=250, database=30, aws=60),
            "idle": Cpu(connect=20, broker=90, database=10, aws=5),
            "measured": Moment(at="2026-11-28T04:00:00+00:00", revision="a", load_average=3.14),
        }
    )
    measured = Growth(points=[point, POINT])
    (line,) = tables_table(measured).splitlines()[2:]
    assert line.startswith("| 400 | 6 | 2,000 | 10 s | 0, 0, 0 of 1,000 | 20 + 90 + 10 + 5 |")
    assert "| 60 + 70 + 10 + 50 |" in line
    assert line.endswith("| 2026-11-28, load average 3.1 |")
    assert len(growth_table(measured).splitlines()) == 2 + 1


def test_what_was_not_measured_is_a_dash() -> None:
    point = POINT.model_copy(update={"series": "tables", "idle": None})
    line = tables_table(Growth(points=[point])).splitlines()[-1]
    assert "| 0, –, – of 1,000 | – | – |" in line
    without_aws = point.model_copy(update={"idle": POINT.idle, "seconds": 1.0})
    assert "| 20 + 90 + 10 + – |" in tables_table(Growth(points=[without_aws]))


NOW = datetime(2026, 11, 28, 4, tzinfo=UTC)


def _measured(arrangement: Arrangement, trial: Trial, age: timedelta) -> Point:
    _, tables, partitions, width = arrangement.kind(trial)
    at = (NOW - age).isoformat(timespec="seconds")
    return POINT.model_copy(
        update={
            "series": arrangement.series,
            "tables": tables,
            "partitions": partitions,
            "width": width,
            "measured": Moment(at=at, revision="any", load_average=0),
        }
    )


def test_a_run_goes_on_with_the_lines_that_are_not_measured_yet() -> None:
    width = next(each for each in ARRANGEMENTS if each.name == "width")
    first, second, third = width.trials
    known = Growth(
        points=[
            _measured(width, first, timedelta(hours=1)),
            _measured(width, second, timedelta(hours=25)),
            _measured(width, third, timedelta(hours=1)).model_copy(update={"measured": None}),
        ]
    )
    assert growth.due(width, known, NOW, again=False) == (second, third)
    assert growth.due(width, known, NOW, again=True) == width.trials
    assert growth.due(width, Growth(points=[]), NOW, again=False) == width.trials


def test_each_trial_has_a_line_of_its_own() -> None:
    kinds = Counter(
        arrangement.kind(trial) for arrangement in ARRANGEMENTS for trial in arrangement.trials
    )
    assert set(kinds.values()) == {1}
    assert len({each.name for each in ARRANGEMENTS}) == len(ARRANGEMENTS)


@pytest.mark.parametrize("tables", [4, 40, 100, 400])
def test_an_arrangement_of_tables_has_so_many_and_only_adds_to_the_one_before(tables: int) -> None:
    found = next(each for each in ARRANGEMENTS if each.name == f"tables-{tables}")
    (trial,) = found.trials
    assert len(found.overrides) == trial.tables == tables
    assert set(trial.schemas) == set(found.copies)
    assert f"{TABLES_PREFIX}_1" in found.copies
    assert found.commit_seconds("sandbox") == 60


def test_an_update_names_the_tables_that_leave() -> None:
    arrangement = Arrangement("any", "partitions", {"growth_p1": 1}, (), commit_ms=20_000)
    settings = arrangement.settings(("public.users",), ["growth_p24.users"])
    assert settings["datapipe:tables"] == [
        "public.users",
        *(f"growth_p1.{table}" for table in ("users", "products", "orders", "order_items")),
    ]
    assert settings["datapipe:topics"]["delete"] == ["growth_p24.users"]
    assert settings["datapipe:topics"]["overrides"]["growth_p1.users"] == {"partitions": 1}
    assert settings["datapipe:archive"] == {"rotateIntervalMs": 20_000}
    assert "delete" not in arrangement.settings((), [])["datapipe:topics"]
