"""A minute of load: nothing lost, nothing twice, nothing killed, no container near its limit."""

import subprocess
import sys
from pathlib import Path

from bench.result import read
from clients.stack import PROJECT

RATE, SECONDS = 1000, 60
# Until all but a hundredth is readable: the sandbox commits every 10 s, the rest is for CI.
LATEST_SECONDS = 45.0


def test_a_minute_of_load_arrives_whole(tmp_path: Path) -> None:
    """The bench itself fails on rows that are lost, duplicated or altered, and on full memory."""
    command = [
        *(sys.executable, "-m", "bench", "--stack", "sandbox", "--output", str(tmp_path / "bench")),
        *("--rate", str(RATE), "--seconds", str(SECONDS), "--warm-up", "0", "--references", "3"),
    ]
    ran = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    print(ran.stdout)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    result = read(tmp_path / "bench.json")
    assert result.summary.rows >= 0.95 * RATE * SECONDS
    assert result.summary.latency.p99 < LATEST_SECONDS
    stages = {reference.stage: reference.rate for reference in result.references}
    assert set(stages) == {"all together", "PostgreSQL", "decoding", "brokers", "Parquet"}
    # No comparison with the bench's own rate: "all together" counts the CPU of the whole machine,
    # on which `make test` runs its other tests, too.
    assert all(rate > 0 for rate in stages.values()), stages
    assert (tmp_path / "bench.html").stat().st_size > 10_000
