"""What each container uses, second by second, read from the kernel's counters.

Reading a dozen small files takes a millisecond. Asking the kubelet takes much more of its CPU, and
its figures are ten seconds old. The node's cgroups must be on this machine, which they are not for
kind or EKS.

There are three measures of memory:

    held         anonymous and shared memory, which only a kill frees. Compared with the limit it
                 shows how near an OOM kill is. The bench checks this one.
    working set  held, kernel memory and recently used page cache: what kubectl top and the
                 kubelet's evictions use. A broker's grows with its logs, up to the limit.
    usage        everything, including page cache that the kernel reclaims first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from clients.cluster import Cluster

CGROUPS = Path("/sys/fs/cgroup")
WORKER = "kafka-connect"


@dataclass(frozen=True)
class Usage:
    """A container's counters at one moment."""

    held: int
    """bytes"""
    working_set: int
    usage: int
    cpu_seconds: float
    """since its start"""
    throttled_seconds: float
    """since its start: time in which it could have run but had used up its CPU limit"""
    out_of_memory_kills: int


@dataclass(frozen=True)
class Container:
    """A running container of the pipeline."""

    pod: str
    name: str
    address: str
    """of the pod"""
    memory_limit: int
    """bytes"""
    cpu_limit: float
    """cores"""
    memory: Path
    cpu: Path
    accounting: Path
    """folders of the cgroup; the same folder in version 2"""

    number: int | None = field(default=None, kw_only=True)
    """of the worker among several"""

    @property
    def label(self) -> str:
        """The pod's name without a Deployment's suffix, and the container's name if it differs.

        Of several workers each has its number: kafka-connect/1, kafka-connect/2.
        """
        if not self.pod.startswith(f"{WORKER}-"):
            return self.pod if self.name in self.pod else f"{self.pod}/{self.name}"
        parts = [WORKER, *([str(self.number)] if self.number else [])]
        return "/".join([*parts, *([] if self.name in WORKER else [self.name])])

    def usage(self) -> Usage:
        """Read the counters. Raises FileNotFoundError if the container is gone."""
        return _usage_2(self) if self.memory == self.cpu else _usage_1(self)


def containers(cluster: Cluster) -> list[Container]:
    """Return the running containers whose cgroups are on this machine."""
    pods = cluster.get(f"/api/v1/namespaces/{cluster.namespace}/pods")["items"]
    found = [
        container
        for pod in pods
        for status in pod["status"].get("containerStatuses", [])
        if "running" in status["state"]
        and (container := _container(pod, status["name"], status["containerID"])) is not None
    ]
    workers = sorted({each.pod for each in found if is_worker(each.label)})
    if len(workers) < 2:
        return found
    return [
        replace(each, number=workers.index(each.pod) + 1) if each.pod in workers else each
        for each in found
    ]


def is_worker(label: str) -> bool:
    """Return whether a label is that of a Connect worker."""
    return label.partition("/")[0] == WORKER


def _container(pod: Mapping[str, Any], name: str, container_id: str) -> Container | None:
    """Return a container; None if its cgroup is not on this machine."""
    identifier = container_id.rsplit("//", maxsplit=1)[-1]
    spec = next(each for each in pod["spec"]["containers"] if each["name"] == name)
    limits = spec.get("resources", {}).get("limits", {})
    version_1 = (CGROUPS / "memory").is_dir()
    controllers = ("memory", "cpu", "cpuacct") if version_1 else (".", ".", ".")
    folders = [_find(CGROUPS / each, identifier) for each in controllers]
    if None in folders:
        return None
    memory, cpu, accounting = (folder for folder in folders if folder is not None)
    return Container(
        pod["metadata"]["name"],
        name,
        pod["status"].get("podIP", ""),
        int(parse_quantity(limits.get("memory", "0"))),
        float(parse_quantity(limits.get("cpu", "0"))),
        memory,
        cpu,
        accounting,
    )


def _find(root: Path, identifier: str) -> Path | None:
    return next((folder for folder in root.glob(f"**/*{identifier}*") if folder.is_dir()), None)


def _usage_1(container: Container) -> Usage:
    memory = _fields(container.memory / "memory.stat")
    cpu = _fields(container.cpu / "cpu.stat")
    usage = _number(container.memory / "memory.usage_in_bytes")
    return Usage(
        held=memory["total_rss"] + memory.get("total_shmem", 0),
        working_set=usage - memory["total_inactive_file"],
        usage=usage,
        cpu_seconds=_number(container.accounting / "cpuacct.usage") / 1e9,
        throttled_seconds=cpu.get("throttled_time", 0) / 1e9,
        out_of_memory_kills=_fields(container.memory / "memory.oom_control").get("oom_kill", 0),
    )


def _usage_2(container: Container) -> Usage:
    memory = _fields(container.memory / "memory.stat")
    cpu = _fields(container.cpu / "cpu.stat")
    usage = _number(container.memory / "memory.current")
    return Usage(
        held=memory["anon"] + memory["shmem"],
        working_set=usage - memory["inactive_file"],
        usage=usage,
        cpu_seconds=cpu["usage_usec"] / 1e6,
        throttled_seconds=cpu.get("throttled_usec", 0) / 1e6,
        out_of_memory_kills=_fields(container.memory / "memory.events").get("oom_kill", 0),
    )


def _number(path: Path) -> int:
    return int(path.read_text())


def _fields(path: Path) -> dict[str, int]:
    pairs = (line.split() for line in path.read_text().splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}
