"""Processes that end: by SIGKILL, by the OOM killer, or because their pod is deleted."""

import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from chaos import node
from chaos.fault import Fault
from chaos.pipeline import FaultError, Pipeline, wait_until
from polling import poll_until

MEBIBYTE = 1024 * 1024
# Small, so that the container's own process is the largest for the OOM killer.
HOG_BYTES = 12 * MEBIBYTE
HOG_SECONDS = 60
NEXT_HOG_SECONDS = 0.3
OOM_SECONDS = 60
SEEN_SECONDS = 20
# After SIGKILL.
END_SECONDS = 30


@dataclass
class Killed(Fault):
    """SIGKILL of the main process of some pods at the same time."""

    workload: str = ""
    count: int | None = 1
    """of pods, the first by their names; None: all of them"""
    needs_node: bool = True

    def inject(self, pipeline: Pipeline) -> None:
        present = [str(pod.metadata.name) for pod in pipeline.pods(self.workload)]
        if self.count is not None and len(present) < self.count:
            raise FaultError(
                f"{self.workload} has {len(present)} pods, but {self.count} are to be killed"
            )
        for pod in present[: self.count]:
            node.kill(pipeline, self.workload, pod)


@dataclass
class KilledInTurn(Fault):
    """SIGKILL of each pod of a workload, one by one, when the previous is ready again."""

    workload: str = ""
    needs_node: bool = True

    def inject(self, pipeline: Pipeline) -> None:
        for pod in [str(each.metadata.name) for each in pipeline.pods(self.workload)]:
            restarts = _restarts(pipeline, self.workload, pod)
            node.kill(pipeline, self.workload, pod)
            _wait_for_restart(pipeline, self.workload, pod, restarts)
            pipeline.wait_for_pod(pod)


@dataclass
class PodsDeleted(Fault):
    """Every pod of the namespace is deleted at the same time, as when a node restarts."""

    def inject(self, pipeline: Pipeline) -> None:
        pipeline.core.delete_collection_namespaced_pod(pipeline.namespace)


@dataclass
class OutOfMemory(Fault):
    """Processes fill each pod's cgroup until the OOM killer kills one of the container's own."""

    workload: str = ""
    needs_node: bool = True
    _hogs: list[subprocess.Popen[bytes]] = field(default_factory=list, repr=False)
    _injected: bool = field(default=False, repr=False)

    def inject(self, pipeline: Pipeline) -> None:
        self._injected = True
        for pod in pipeline.pods(self.workload):
            name = str(pod.metadata.name)
            restarts = _restarts(pipeline, self.workload, name)
            self.fill(name, str(pod.metadata.uid))
            pipeline.log(f"{self.name}: the OOM killer has killed a process of pod {name}")
            self.heal(pipeline)
            _wait_for_restart(pipeline, self.workload, name, restarts)
            pipeline.wait_for_pod(name)

    def fill(self, pod: str, uid: str) -> None:
        """Fill a pod's cgroup until the OOM killer kills one of the container's own processes.

        Raises FaultError if it kills only ours.
        """
        cgroup = node.memory_cgroup(node.main_process(uid))
        before = node.kernel_kills(cgroup)

        def has_killed() -> bool:
            ours = sum(hog.poll() is not None for hog in self._hogs)
            kills = node.kernel_kills(cgroup)
            if kills is None or (before is not None and kills - before > ours):
                return True
            self._hogs.append(node.occupy(cgroup, HOG_BYTES, HOG_SECONDS))
            return False

        poll_until(
            has_killed,
            timeout=OOM_SECONDS,
            interval=NEXT_HOG_SECONDS,
            description=f"the OOM killer to kill a process of pod {pod}",
            error=FaultError,
        )

    def heal(self, pipeline: Pipeline) -> None:
        while self._hogs:
            hog = self._hogs.pop()
            hog.kill()
            hog.wait(END_SECONDS)

    def restore(self, pipeline: Pipeline) -> None:
        """Replace pods whose status shows an OOM kill."""
        if not self._injected:
            return
        for pod in pipeline.pods(self.workload):
            if any(_was_killed_for_memory(each) for each in pod.status.container_statuses or []):
                count = len(pipeline.pods(self.workload))
                pipeline.delete_pod(str(pod.metadata.name))
                pipeline.wait_for_workload(self.workload, count)


def _was_killed_for_memory(container: Any) -> bool:
    ended = container.last_state.terminated
    return ended is not None and ended.reason == "OOMKilled"


def _restarts(pipeline: Pipeline, workload: str, name: str) -> int:
    pods = {str(pod.metadata.name): pod for pod in pipeline.pods(workload)}
    return sum(each.restart_count for each in pods[name].status.container_statuses or [])


def _wait_for_restart(pipeline: Pipeline, workload: str, pod: str, before: int) -> None:
    """Wait until the kubelet has restarted it; a server that only lost a child is not restarted."""
    with suppress(FaultError):
        wait_until(
            lambda: _restarts(pipeline, workload, pod) > before, SEEN_SECONDS, f"{pod} to restart"
        )
