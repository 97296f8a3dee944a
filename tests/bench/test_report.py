"""From what a run wrote down to its result, report and verdict, with figures made by hand."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from bench.__main__ import faults
from bench.archive_reader import add_archived, expected_rows
from bench.benchmark_page import bench_table, mean_lags
from bench.charts import Chart, Line, nice_above
from bench.containers import Container, Usage
from bench.gc_pauses import paused_seconds
from bench.journal import BatchJournal, CommittedBatch
from bench.report import html
from bench.result import Machine, Reference, Result, read
from bench.result_builder import Recording, build_result
from bench.row_values import RowValues
from bench.sampling import Sample
from bench.schedule import Batch, Schedule
from bench.timeline import Cumulative, lag_seconds, rates, slope
from clients.archive import ArchiveCommit

MEBIBYTE = 1024 * 1024
START = 1_000_000.0
SECONDS, RATE = 20, 100
MAINTENANCE = "archive-maintenance-1"
MACHINE = Machine(
    processor="a processor", cores=2, memory=8 << 30, system="Debian", kernel="6", load_before=0.1
)


def journal() -> BatchJournal:
    """Make a journal with a hundred inserts into users at each full second."""
    schedule = Schedule(seconds=SECONDS, rate=RATE, batch=RATE, connections=1)
    made = BatchJournal(schedule, RowValues(run="a"), {"public.users": 1, **others()}, first_lsn=0)
    made.started, made.finished = START, START + SECONDS
    for second in range(SECONDS):
        batch = Batch("public", "users", "c", second * RATE, RATE, 0, float(second))
        due = START + second
        made.committed.append(CommittedBatch(batch, second + 1, 5, due, due, due + 0.25))
    return made


def others() -> dict[str, int]:
    return {f"public.{table}": 1 for table in ("products", "orders", "order_items")}


def archived_users(first: int, count: int) -> pa.Table:
    """Return what the archive holds of the journal's rows."""
    keys = [1 + first + number for number in range(count)]
    return pa.table(
        {
            "id": keys,
            "email": [f"a-{key}@bench.example.com" for key in keys],
            "first_name": [f"name {key % 1000}" for key in keys],
            "last_name": ["v0"] * count,
            "created_at": [5] * count,
            "updated_at": [5] * count,
            "__op": ["c"] * count,
            "__deleted": ["false"] * count,
            "__source_lsn": keys,
        }
    )


def usage(second: float, throttled: float = 0.0) -> Usage:
    """Half a core, and memory that grows to 600 MiB."""
    held = int((400 + 10 * second) * MEBIBYTE)
    return Usage(held, held, held, second / 2, throttled, 0)


def sample(second: float) -> Sample:
    """Make a sample: a tenth of the offsets are markers, and the source confirms a second later."""
    rows = min(SECONDS, max(0, int(second))) * RATE
    return Sample(
        at=START + second,
        rows=rows,
        written_lsn=1000 * rows,
        confirmed_lsn=1000 * max(0, rows - RATE),
        offsets=7 + rows * 10 // 9,
        usage={
            "kafka-connect": usage(max(0.0, second)),
            # A run of the maintenance that ends as the load begins.
            **({MAINTENANCE: usage(0.0)} if second <= 0 else {}),
        },
        machine_cpu_seconds=1.9 * second,
        generator_cpu_seconds=0.1 * second,
        paused={"kafka-connect": 0.02 * second} if second % 10 == 0 else {},
    )


@pytest.fixture
def measured() -> Iterator[Result]:
    """Snapshots come every five seconds, with all that was committed until then."""
    connect, maintenance = (
        Container(pod, container, "", 1024 * MEBIBYTE, 1.0, *[Path()] * 3)
        for pod, container in (("kafka-connect-a-b", "kafka-connect"), (MAINTENANCE, "archive"))
    )
    commits = [ArchiveCommit("public.users", START + 5 * n, 500, 2, 50_000) for n in range(1, 5)]
    with expected_rows(journal()) as comparison:
        for number, commit in enumerate(commits):
            rows = archived_users(500 * number, 500)
            add_archived(comparison, journal(), "public.users", rows, commit.at)
        recording = Recording(
            journal=journal(),
            samples=[sample(second) for second in range(-1, SECONDS + 2)],
            commits=commits,
            containers=[connect, maintenance],
            comparison=comparison,
            restarts=0,
            machine=MACHINE,
        )
        yield build_result(recording, [Reference(stage="brokers", how="alone", rate=400.0)])


def test_the_headline_follows_from_the_account(measured: Result) -> None:
    summary = measured.summary
    assert summary.rows == 2000
    assert summary.committed_rate == 100
    assert summary.streamed_rate == pytest.approx(100, rel=0.02)
    assert (summary.missing, summary.duplicated, summary.altered) == (0, 0, 0)
    assert summary.latency.max == pytest.approx(4.75)
    assert summary.latency.p50 == pytest.approx(2.75)
    assert summary.latency_from_due.max == pytest.approx(5.0)
    assert summary.lateness.max == pytest.approx(0.25)
    assert summary.event_bytes == 100


def test_containers_are_measured_against_their_limits(measured: Result) -> None:
    (connect,) = measured.containers
    assert connect.peak_held == (400 + 10 * (SECONDS + 1)) * MEBIBYTE
    assert connect.cpu == pytest.approx(0.5)
    assert connect.cpu_per_row == pytest.approx(21 / 2 / 2000 * 1e6)
    assert "machine" in measured.summary.bottleneck


def test_pauses_are_spread_over_the_seconds_between_two_scrapes(measured: Result) -> None:
    pauses = measured.series.gc["kafka-connect"]
    assert pauses[:20] == [pytest.approx(0.02)] * 20
    assert pauses[20] is None


def test_pauses_are_those_that_stop_the_program() -> None:
    text = (
        'jvm_gc_collection_seconds_sum{gc="G1 Young Generation"} 1.5\n'
        'jvm_gc_collection_seconds_sum{gc="G1 Concurrent GC"} 9.0\n'
        'jvm_gc_collection_seconds_sum{gc="G1 Old Generation"} 0.25\n'
    )
    assert paused_seconds(text) == 1.75
    assert paused_seconds("jvm_threads_current 12\n") is None


def test_the_stages_share_one_machine(measured: Result) -> None:
    shared, brokers = measured.references
    assert shared.rate == pytest.approx(2 / (1.9 * 21 / 2000))
    assert brokers.rate == 400


def test_files_are_counted(measured: Result) -> None:
    assert (measured.files.files, measured.files.bytes_per_file) == (8, 25_000)
    assert measured.files.files_per_hour == 8 / 20 * 3600
    assert measured.files.commit_interval == 5


def test_lag_is_told_in_rows_seconds_and_bytes(measured: Result) -> None:
    series = measured.series
    before_the_first_snapshot = series.at.index(4.0)
    assert series.lag_rows[before_the_first_snapshot] == 400
    assert series.lag_seconds[before_the_first_snapshot] == 3.75
    assert series.lag_wal[before_the_first_snapshot] == 100_000
    assert series.lag_rows[-1] == 0
    assert series.lag_seconds[-1] == 0


def test_a_lag_that_only_rises_and_falls_with_the_commits_is_flat(measured: Result) -> None:
    """A commit each five seconds makes 500 rows readable, and the load writes 100 a second."""
    flat = mean_lags(measured, 4)
    assert flat == pytest.approx([flat[0]] * 4, abs=1)
    assert " / ".join(f"{rows:,.0f}" for rows in mean_lags(measured, 6)) in bench_table(measured)
    rising = [lag + 10 * second for second, lag in enumerate(measured.series.lag_rows)]
    series = measured.series.model_copy(update={"lag_rows": rising})
    growing = mean_lags(measured.model_copy(update={"series": series}), 4)
    assert growing == pytest.approx([growing[0] + 50 * n for n in range(4)], abs=1)


def test_a_result_survives_its_file(measured: Result, tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    measured.write(path)
    assert read(path) == measured
    assert json.loads(path.read_text())["summary"]["committedRate"] == 100


def test_the_report_stands_alone(measured: Result) -> None:
    page = html(measured)
    assert "http" not in page.replace("http-equiv", "")
    assert "lost / duplicated / altered" in page
    for svg in page.split("<svg")[1:]:
        ET.fromstring("<svg" + svg.split("</svg>")[0] + "</svg>")  # noqa: S314  our own


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"missing": 3}, "3 rows are missing"),
        ({"duplicated": 2}, "2 rows are in the archive more than once"),
        ({"altered": 1}, "never committed"),
        ({"out_of_memory_kills": 1}, "killed at their container"),
        ({"restarts": 1}, "restarted"),
        ({"fullest_share": 0.96}, "96% of its memory limit"),
    ],
)
def test_what_must_not_be_is_a_fault(
    measured: Result, changed: dict[str, float], words: str
) -> None:
    assert faults(measured) == []
    summary = measured.summary.model_copy(update=changed)
    (fault,) = faults(measured.model_copy(update={"summary": summary}))
    assert words in fault


def test_a_lag_is_the_age_of_the_oldest_row_that_is_missing() -> None:
    committed = Cumulative([(1.0, 10), (2.0, 10), (3.0, 10)])
    archived = Cumulative([(4.0, 10)])
    assert lag_seconds(committed, archived, 3.5) == 2.5
    assert lag_seconds(committed, archived, 5.0) == 3.0
    assert lag_seconds(committed, Cumulative([(4.0, 30)]), 5.0) == 0.0


def test_rates_and_slopes() -> None:
    assert rates([0, 10, None, 40], [0.0, 2.0, 3.0, 4.0]) == [None, 5.0, None, None]
    assert slope([0, 1, 2, 3], [5, 7, 9, 11]) == pytest.approx(2)
    assert slope([1.0], [4.0]) == 0


def test_a_chart_leaves_gaps_and_ends_at_a_round_number() -> None:
    chart = Chart("a", "b", [Line("c", [0, 1, 2, 3, 4], [1.0, 2.0, None, 3.0, 4.0])], limit=7.0)
    assert chart.svg().count("<polyline") == 2
    assert ">8<" in chart.svg()
    assert [nice_above(value) for value in (0, 1, 1.1, 2.3, 30, 51)] == [1, 1, 1.25, 2.5, 40, 80]
