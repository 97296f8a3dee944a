"""What bench-tpch measures of containers that are started and killed meanwhile."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest

from bench import tpch_usage
from bench.containers import Container, Usage
from bench.tpch_usage import UsageMeter
from clients.cluster import Cluster
from sample_databases.server import SampleServer
from tests.bench.test_containers import OnePod


@dataclass(frozen=True)
class Counting(Container):
    """A container whose counters a test sets; None: it has ended."""

    counters: dict[Path, Usage | None] = field(kw_only=True)

    def usage(self) -> Usage:
        found = self.counters[self.cpu]
        if found is None:
            raise FileNotFoundError(self.cpu)
        return found


class ThisProcess:
    """A server that is this process."""

    def process(self) -> int:
        return os.getpid()


def test_a_worker_that_was_killed_counts_with_its_successor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counters: dict[Path, Usage | None] = {}
    folder = Path("old")
    old = Counting(
        "kafka-connect-1-2", "kafka-connect", "", 1000, 1, folder, folder, folder, counters=counters
    )
    new = replace(old, cpu=Path("new"))
    found: list[Container] = [old]

    def containers(_: Cluster) -> list[Container]:
        return found

    monkeypatch.setattr(tpch_usage, "containers", containers)
    used = Usage(300, 0, 0, cpu_seconds=10, throttled_seconds=0, out_of_memory_kills=0)
    counters[old.cpu] = used
    meter = UsageMeter(OnePod(), cast(SampleServer, ThisProcess()))
    counters[old.cpu] = replace(used, cpu_seconds=14, held=700)
    meter.sample()
    counters[old.cpu], counters[new.cpu] = None, replace(used, cpu_seconds=3)
    found[:] = [new]
    meter.find()
    meter.sample()
    worker = next(each for each in meter.used() if each.name == "kafka-connect")
    assert (worker.cpu_seconds, worker.held) == (4 + 3, 700)
    meter.restart()
    counters[new.cpu] = replace(used, cpu_seconds=4.5)
    meter.sample()
    worker = next(each for each in meter.used() if each.name == "kafka-connect")
    assert worker.cpu_seconds == 1.5
