"""The comparison of a load without and with maintenance counts and reports right."""

import pytest

from bench.maintenance import read_run
from bench.maintenance_result import Comparison, Run, Trial, latencies, percentile, table
from clients.stack import StackError

REPORT = (
    '{"table": "cdc.%s", "snapshots": 5, "files": 2, "meanFileBytes": 9, "metadataBytes": 8,'
    ' "rewritten": %d, "expired": %d, "orphans": 0, "seconds": 1}'
)
TRIAL = Trial(
    rows=1000,
    committed_rate=100.0,
    archived_rate=90.5,
    latency_p50=5.0,
    latency_p95=9.0,
    latency_max=12.3,
    missing=0,
    duplicated=0,
    altered=0,
    files=40,
    snapshots=44,
)


def test_rows_are_readable_in_the_order_in_which_they_were_committed() -> None:
    committed = [(0.0, 10), (1.0, 10), (2.0, 10)]
    readable = [(5.0, 15), (9.0, 15)]
    assert latencies(committed, readable) == [(4.0, 5), (5.0, 10), (7.0, 10), (8.0, 5)]


def test_rows_that_never_arrive_have_no_latency() -> None:
    assert latencies([(0.0, 10), (1.0, 10)], [(3.0, 12)]) == [(2.0, 2), (3.0, 10)]


def test_percentiles_are_over_rows_not_over_commits() -> None:
    delays = [(1.0, 90), (2.0, 9), (50.0, 1)]
    assert [percentile(delays, share) for share in (0.5, 0.95, 1)] == [1.0, 2.0, 50.0]
    with pytest.raises(ValueError, match="no row has arrived"):
        percentile([], 0.5)


def test_a_runs_report_is_the_sum_of_its_tables() -> None:
    log = "\n".join(
        ["cdc.users: 3 files compacted", REPORT % ("users", 3, 7), REPORT % ("o", 4, 1)]
    )
    assert read_run(log, 21.5) == Run(seconds=21.5, rewritten=7, expired=8)
    with pytest.raises(StackError, match="the maintenance reported on no table"):
        read_run("cdc.users: failed", 1)


def test_both_loads_stand_side_by_side() -> None:
    runs = (Run(seconds=20, rewritten=30, expired=5), Run(seconds=31.4, rewritten=1, expired=2))
    result = Comparison(
        at="2026-11-27T20:00:00+00:00",
        revision="abc",
        cores=2,
        rate=4000,
        seconds=120,
        without=TRIAL,
        maintained=TRIAL.model_copy(update={"latency_max": 15.0, "duplicated": 1, "runs": runs}),
    )
    lines = table(result).splitlines()
    assert lines[0] == (
        "Measured on 2026-11-27 at revision abc, with 2 cores: 4,000 row changes per second for"
        " 120 s, twice. 2 runs of 20 to 31 s merged 31 files and expired 7 snapshots."
    )
    assert (
        "| commit to readable, p50 / p95 / max | 5.0 / 9.0 / 12.3 s | 5.0 / 9.0 / 15.0 s |" in lines
    )
    assert "| lost, duplicated, altered | 0, 0, 0 of 1,000 | 0, 1, 0 of 1,000 |" in lines
