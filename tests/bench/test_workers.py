"""One worker compared with two: limits in the cgroups, and the table."""

from pathlib import Path

import pytest

from bench.containers import Container
from bench.costs import Cpu
from bench.result import Machine
from bench.workers import TRIALS, limit_cpu
from bench.workers_result import WorkersPoint, WorkersResult, table


@pytest.mark.parametrize(
    ("cpu", "file", "expected"),
    [("cpu", "cpu.cfs_quota_us", "30000"), (".", "cpu.max", "30000 100000")],
)
def test_a_workers_limit_is_changed_in_both_versions_of_cgroups(
    tmp_path: Path, cpu: str, file: str, expected: str
) -> None:
    (tmp_path / cpu).mkdir(exist_ok=True)
    worker = Container("kafka-connect-1", "kafka-connect", "", 1, 1.0, tmp_path, tmp_path / cpu,
                       tmp_path)  # fmt: skip
    limit_cpu(worker, 0.3)
    assert (tmp_path / cpu / file).read_text() == expected


def test_one_worker_and_two_get_the_same_loads() -> None:
    loads = {
        count: {(one.rate, one.cpu_limit) for one in TRIALS if one.workers == count}
        for count in (1, 2)
    }
    assert loads[1] == loads[2]


def test_the_table_has_a_line_for_each_load() -> None:
    point = WorkersPoint(
        workers=2, cpu_limit=0.3, rate=5000, rows=200_000, wrong=0, archived_rate=4321.0,
        cpu=Cpu(connect=80.4, broker=44.6, database=30.2), used=(0.3, 0.21),
        latency_p50=9.04, latency_p99=20.0,
    )  # fmt: skip
    described = Machine(
        processor="a processor", cores=2, memory=1, system="Linux", kernel="6", load_before=1.25
    )
    text = table(
        WorkersResult(
            at="2026-11-28T04:00:00+00:00", revision="abc", machine=described, brokers=5, sources=4,
            sink_tasks=2, warm_up=60, points=[point],
        )
    )  # fmt: skip
    assert "| 2 | 0.3 | 5,000 | 4,321 | 80, 45, 30 | 0.30 + 0.21 | 9.0, 20.0 s | 0 |" in text
    assert "2026-11-28 at revision abc" in text
    assert "5 brokers, 4 source connectors, 2 tasks of the sink" in text
