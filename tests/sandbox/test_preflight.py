"""Preflight reports each missing thing in one sentence, and nothing on a suitable machine."""

import dataclasses
from pathlib import Path

import pytest

from sandbox import preflight
from tools.errors import UserError

GOOD = preflight.Facts(
    user_id=0,
    processor="x86_64",
    missing_tools=[],
    cgroup_controllers=frozenset({"cpu", "cpuset", "memory", "pids"}),
    available_memory_mib=16_000,
    free_disk_mib={Path("/var/lib"): 50_000},
    ports_in_use=[],
    routes=["default via 192.0.2.1 dev eth0", "192.0.2.0/24 dev eth0 proto kernel scope link"],
    other_node_programs=[],
)


def test_a_machine_with_everything_passes() -> None:
    assert preflight.problems(GOOD) == []
    preflight.require(GOOD)


@pytest.mark.parametrize(
    ("lack", "told"),
    [
        ({"user_id": 1000}, "root is needed"),
        ({"processor": "riscv64"}, "its processor is riscv64"),
        ({"missing_tools": ["mvn"]}, "`mvn` is missing; Debian package: maven"),
        ({"cgroup_controllers": frozenset({"cpu", "pids"})}, "controllers memory are not mounted"),
        ({"available_memory_mib": 3000}, "3000 MiB of memory are available, 6144 MiB are needed"),
        ({"free_disk_mib": {Path("/cache"): 100}}, "100 MiB are free in /cache"),
        ({"ports_in_use": [("127.0.0.1", 12379)]}, "port 12379 on 127.0.0.1 is taken"),
        ({"routes": ["10.231.8.0/24 dev tun0"]}, "the route `10.231.8.0/24 dev tun0` overlaps"),
        ({"other_node_programs": ["kubelet, process 7"]}, "another Kubernetes node runs here"),
    ],
)
def test_each_lack_is_told_in_one_sentence(lack: dict[str, object], told: str) -> None:
    found = preflight.problems(dataclasses.replace(GOOD, **lack))  # type: ignore[arg-type]
    assert len(found) == 1
    assert told in found[0]


def test_all_lacks_are_told_at_once() -> None:
    poor = dataclasses.replace(GOOD, user_id=1, available_memory_mib=1, missing_tools=["go", "ip"])
    with pytest.raises(UserError) as refusal:
        preflight.require(poor)
    assert len(str(refusal.value).splitlines()) == 1 + 4


@pytest.mark.parametrize(
    ("route", "overlaps"),
    [
        ("10.0.0.0/8 via 10.0.0.1 dev tun0", True),
        ("unreachable 10.231.0.0/16 metric 5", True),
        ("10.231.64.9 dev wg0 scope link", True),
        ("10.232.0.0/16 dev eth1", False),
        ("default via 10.231.0.1 dev eth0", False),
    ],
)
def test_only_routes_into_the_sandboxs_network_overlap(route: str, overlaps: bool) -> None:
    assert preflight.overlaps_sandbox(route) is overlaps


def test_available_memory_is_read_in_mebibytes() -> None:
    meminfo = "MemTotal:       24576000 kB\nMemAvailable:   12288000 kB\n"
    assert preflight.available_memory_mib(meminfo) == 12_000


def test_this_machines_facts_can_be_collected() -> None:
    found = preflight.facts()
    assert found.available_memory_mib > 0
    assert all(free > 0 for free in found.free_disk_mib.values())
