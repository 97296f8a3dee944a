"""Kills of pods' processes: how many of a workload's pods they hit."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from chaos import catalog, node
from chaos.faults.processes import Killed
from chaos.pipeline import FaultError, Pipeline


class Pods:
    """A pipeline of which only the pods are known."""

    def __init__(self, count: int) -> None:
        self.count = count

    def pods(self, workload: str) -> list[Any]:
        return [
            SimpleNamespace(metadata=SimpleNamespace(name=f"{workload}-{number}"))
            for number in range(self.count)
        ]


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(node, "kill", lambda _pipeline, _workload, pod: found.append(pod))
    return found


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("connect-killed", ["kafka-connect-0"]),
        ("broker-killed", ["kafka-0"]),
        ("two-brokers-killed", ["kafka-0", "kafka-1"]),
        ("all-brokers-killed", [f"kafka-{number}" for number in range(5)]),
    ],
)
def test_a_kill_hits_as_many_of_five_pods_as_it_says(
    killed: list[str], fault: str, expected: list[str]
) -> None:
    (chosen,) = [one for one in catalog.faults() if one.name == fault]
    chosen.inject(cast(Pipeline, Pods(5)))
    assert killed == expected


def test_more_victims_than_pods_are_refused_and_none_is_killed(killed: list[str]) -> None:
    fault = Killed("two", "two", workload="kafka", count=2)
    with pytest.raises(FaultError, match="kafka has 1 pods, but 2 are to be killed"):
        fault.inject(cast(Pipeline, Pods(1)))
    assert killed == []
