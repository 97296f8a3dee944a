"""What a phase of bench-tpch used: CPU and memory of containers, server and machine."""

import os
from contextlib import suppress
from pathlib import Path

from bench.containers import Container, containers
from bench.sampling import machine_cpu_seconds
from bench.tpch_result import Used
from clients.cluster import Cluster
from sample_databases.server import SampleServer

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
SERVER = "the captured PostgreSQL"


class UsageMeter:
    """Adds up what was used since `restart`; `sample` must be called every few seconds."""

    def __init__(self, cluster: Cluster, server: SampleServer) -> None:
        self._cluster, self._server = cluster, server
        self._containers: dict[Path, Container] = {}
        self.find()
        self.restart()

    def restart(self) -> None:
        """Forget what was used until now."""
        self._machine = machine_cpu_seconds()
        self._first_of_server = self._of_server()
        self._first: dict[Path, float] = {}
        self._last: dict[Path, float] = {}
        self._held: dict[str, int] = {}
        self.sample()
        self._first = dict(self._last)

    def find(self) -> None:
        """Look for containers that were started since."""
        for container in containers(self._cluster):
            if container.cpu not in self._containers:
                self._containers[container.cpu] = container

    def sample(self) -> None:
        """Read all counters."""
        for path, container in self._containers.items():
            with suppress(FileNotFoundError):  # it has ended; what it used until now counts
                usage = container.usage()
                self._last[path] = usage.cpu_seconds
                label = container.label
                self._held[label] = max(self._held.get(label, 0), usage.held)

    @property
    def machine_cpu_seconds(self) -> float:
        """CPU seconds of all processes of the machine."""
        return machine_cpu_seconds() - self._machine

    def used(self) -> tuple[Used, ...]:
        """Return what each container and the server used."""
        seconds: dict[str, float] = {}
        limits: dict[str, int] = {}
        for path, last in self._last.items():
            container = self._containers[path]
            spent = last - self._first.get(path, 0)  # 0: it was started since
            seconds[container.label] = seconds.get(container.label, 0) + spent
            limits[container.label] = container.memory_limit
        found = [
            Used(
                name=label,
                cpu_seconds=round(seconds[label], 1),
                held=self._held[label],
                limit=limits[label],
            )
            for label in sorted(seconds)
        ]
        server = self._of_server() - self._first_of_server
        return (*found, Used(name=SERVER, cpu_seconds=round(server, 1), held=0, limit=0))

    def _of_server(self) -> float:
        """Return the CPU seconds of the server's processes, those that have ended included."""
        first = self._server.process()
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(FileNotFoundError, ProcessLookupError):
                words = stat.read_text().rpartition(")")[2].split()
                if stat.parent.name == str(first):
                    ticks += sum(map(int, words[11:15]))
                elif words[1] == str(first):
                    ticks += sum(map(int, words[11:13]))
        return ticks / TICKS_PER_SECOND
