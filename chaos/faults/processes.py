"""Processes that die: killed by SIGKILL, by the kernel for their memory, or deleted as pods."""

import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from chaos import node
from chaos.fault import Fault
from chaos.pipeline import FaultError, Pipeline, wait_until

MEBIBYTE = 1024 * 1024
HOG_BYTES = 12 * MEBIBYTE
"""Small, so that the kernel finds the container's own process to be the largest."""
HOG_SECONDS = 60
NEXT_HOG_SECONDS = 0.3
OOM_SECONDS = 60
SEEN_SECONDS = 20


@dataclass
class Killed(Fault):
    """SIGKILL for the main process of some pods, at the same moment."""

    workload: str = ""
    victims: tuple[str, ...] = ()
    """names of pods; none: the workload's first"""
    needs_node: bool = True

    def inject(self, pipeline: Pipeline) -> None:
        present = [str(pod.metadata.name) for pod in pipeline.pods(self.workload)]
        for pod in self.victims or tuple(present[:1]):
            node.kill(pipeline, self.workload, pod)


@dataclass
class KilledInTurn(Fault):
    """SIGKILL for each pod of a workload, the next one when the last is ready again."""

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
    """Every pod of the namespace deleted at once, as a node's restart would."""

    def inject(self, pipeline: Pipeline) -> None:
        pipeline.core.delete_collection_namespaced_pod(pipeline.namespace)


@dataclass
class OutOfMemory(Fault):
    """Other memory fills each pod's cgroup until the kernel kills one of the container's own."""

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
            pipeline.say(f"{self.name}: the kernel has killed in pod {name}")
            self.heal(pipeline)
            _wait_for_restart(pipeline, self.workload, name, restarts)
            pipeline.wait_for_pod(name)

    def fill(self, pod: str, uid: str) -> None:
        """Until the kernel has killed. Raises FaultError where it kills none but our processes."""
        cgroup = node.memory_cgroup(node.main_process(uid))
        before, deadline = node.kernel_kills(cgroup), time.monotonic() + OOM_SECONDS
        while True:
            ours = sum(hog.poll() is not None for hog in self._hogs)
            kills = node.kernel_kills(cgroup)
            if kills is None or (before is not None and kills - before > ours):
                return
            if time.monotonic() > deadline:
                raise FaultError(f"the kernel killed nothing in pod {pod}")
            self._hogs.append(node.occupy(cgroup, HOG_BYTES, HOG_SECONDS))
            time.sleep(NEXT_HOG_SECONDS)

    def heal(self, pipeline: Pipeline) -> None:
        while self._hogs:
            hog = self._hogs.pop()
            hog.kill()
            hog.wait()

    def restore(self, pipeline: Pipeline) -> None:
        """A pod that was killed for its memory says so until it is replaced."""
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
    """Until the kubelet has seen the end; a server that outlives its children is not restarted."""
    with suppress(FaultError):
        wait_until(
            lambda: _restarts(pipeline, workload, pod) > before, SEEN_SECONDS, f"{pod} to restart"
        )
