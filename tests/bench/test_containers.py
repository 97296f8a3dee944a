"""A container's counters from both versions of cgroups, laid out as the kernel does."""

from pathlib import Path
from typing import Any

import pytest

from bench import containers
from bench.containers import Container, Usage
from clients.cluster import Cluster

IDENTIFIER = "0a1b2c"
POD: dict[str, Any] = {
    "metadata": {"name": "kafka-connect-1-2"},
    "spec": {
        "containers": [
            {"name": "kafka-connect", "resources": {"limits": {"memory": "1Gi", "cpu": "500m"}}}
        ]
    },
    "status": {
        "podIP": "10.0.0.9",
        "containerStatuses": [
            {
                "name": "kafka-connect",
                "containerID": f"containerd://{IDENTIFIER}",
                "state": {"running": {}},
            }
        ],
    },
}


class OnePod(Cluster):
    """A cluster with one pod, that answers without an API server."""

    def __init__(self, *pods: dict[str, Any]) -> None:
        self.namespace = "any"
        self.items = pods or (POD,)

    def get(self, path: str, **query: str) -> Any:
        assert path.endswith("/namespaces/any/pods")
        return {"items": self.items}


def written(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)


@pytest.fixture
def version_1(tmp_path: Path) -> Path:
    inside = f"kubepods/burstable/pod7/{IDENTIFIER}"
    written(
        tmp_path / "memory" / inside,
        {
            "memory.usage_in_bytes": "900\n",
            "memory.stat": "total_rss 400\ntotal_shmem 50\ntotal_inactive_file 300\n",
            "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
        },
    )
    written(tmp_path / "cpu" / inside, {"cpu.stat": "nr_throttled 3\nthrottled_time 250000000\n"})
    written(tmp_path / "cpuacct" / inside, {"cpuacct.usage": "1500000000\n"})
    return tmp_path


@pytest.fixture
def version_2(tmp_path: Path) -> Path:
    written(
        tmp_path / f"kubepods.slice/pod7/cri-containerd-{IDENTIFIER}.scope",
        {
            "memory.current": "900\n",
            "memory.stat": "anon 400\nshmem 50\ninactive_file 300\n",
            "memory.events": "max 9\noom_kill 2\n",
            "cpu.stat": "usage_usec 1500000\nthrottled_usec 250000\n",
        },
    )
    return tmp_path


@pytest.mark.parametrize("version", ["version_1", "version_2"])
def test_both_versions_tell_the_same(
    version: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containers, "CGROUPS", request.getfixturevalue(version))
    (found,) = containers.containers(OnePod())
    assert (found.label, found.address) == ("kafka-connect", "10.0.0.9")
    assert (found.memory_limit, found.cpu_limit) == (1 << 30, 0.5)
    assert found.usage() == Usage(
        held=450,
        working_set=600,
        usage=900,
        cpu_seconds=1.5,
        throttled_seconds=0.25,
        out_of_memory_kills=2,
    )


def test_a_cgroup_that_is_elsewhere_is_no_container_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containers, "CGROUPS", tmp_path)
    assert containers.containers(OnePod()) == []


def test_a_container_beside_the_pods_own_bears_both_names() -> None:
    beside = Container("kafka-0", "sidecar", "", 1, 1.0, Path(), Path(), Path())
    assert beside.label == "kafka-0/sidecar"


def test_each_of_several_workers_counts_for_itself(
    version_2: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containers, "CGROUPS", version_2)
    pods = [{**POD, "metadata": {"name": f"kafka-connect-7f-{end}"}} for end in ("zz", "aa")]
    second, first = containers.containers(OnePod(*pods))
    assert (first.pod[-2:], first.label) == ("aa", "kafka-connect/1")
    assert (second.pod[-2:], second.label) == ("zz", "kafka-connect/2")
    assert containers.is_worker(first.label)
    assert not containers.is_worker("kafka-0")
