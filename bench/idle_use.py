"""What the stack uses without a load, and the sizes of its topics."""

import subprocess
import time
from collections.abc import Iterable

from bench import aws_process
from bench.containers import containers
from bench.costs import Cpu, by_kind, is_broker, is_counted
from bench.run import Observer
from clients.cluster import Cluster
from clients.stack import StackError, StackOutputs
from workload.progress import Log

# After a load the stack is left alone first; its idle use is measured repeatedly then.
QUIET_SECONDS, WINDOW_SECONDS = 5, 20
# Idle use has stopped falling once a window's CPU is this share of the window before.
STEADY = 0.9
TOPICS_FOLDER = "/var/lib/kafka/data/data"


class UsageObserver(Observer):
    """Measures AWS' stand-in during the load, and the whole stack without one after it."""

    def __init__(self, outputs: StackOutputs, log: Log) -> None:
        self._outputs, self._log = outputs, log
        self._before: float | None = None
        self._after: float | None = None
        self.idle: Cpu | None = None
        """millicores; None: its use still fell when the time was over"""

    def started(self) -> None:
        """Remember what the stand-in has used before the load."""
        self._before = self._aws()

    def archived(self) -> None:
        """Remember what it has used before the bench reads the archive."""
        self._after = self._aws()

    def settle(self, seconds: float) -> None:
        """Measure the idle use in windows until the time is over, and keep the last."""
        self._log(f"measuring without a load for {seconds:.0f} s")
        time.sleep(QUIET_SECONDS)
        windows = [
            used_cpu(self._outputs, WINDOW_SECONDS)
            for _ in range(max(2, int((seconds - QUIET_SECONDS) // WINDOW_SECONDS)))
        ]
        before, last = windows[-2:]
        if last.total < STEADY * before.total:
            self._log(f"it still falls: {last.total:.0f} after {before.total:.0f} millicores")
        else:
            self.idle = last

    def aws_per_row(self, rows: int) -> float | None:
        """Return the stand-in's microseconds per row; None without one on this machine."""
        if self._before is None or self._after is None:
            return None
        return (self._after - self._before) * 1e6 / rows

    def _aws(self) -> float | None:
        return aws_process.cpu_seconds(self._outputs.archive.endpoint)


def used_cpu(outputs: StackOutputs, seconds: float) -> Cpu:
    """Measure what the stack uses from now on, in millicores."""
    endpoint = outputs.archive.endpoint
    present = [each for each in containers(Cluster(outputs)) if is_counted(each.label)]
    began, before = time.monotonic(), {each.label: each.usage().cpu_seconds for each in present}
    aws_before = aws_process.cpu_seconds(endpoint)
    time.sleep(seconds)
    passed = time.monotonic() - began
    used = {each.label: each.usage().cpu_seconds - before[each.label] for each in present}
    aws_after = aws_process.cpu_seconds(endpoint)
    of_containers = by_kind({label: cpu * 1000 / passed for label, cpu in used.items()})
    if aws_before is None or aws_after is None:
        return of_containers
    return of_containers.model_copy(update={"aws": (aws_after - aws_before) * 1000 / passed})


def topic_sizes(outputs: StackOutputs, schemas: Iterable[str]) -> float:
    """Return the bytes of one replica of these schemas' topics on the brokers' disks."""
    context = ["--context", outputs.context] if outputs.context else []
    kubectl = ["kubectl", *context, "-n", outputs.namespace]
    pods = _output([*kubectl, "get", "pods", "-o", "name"]).split()
    brokers = [pod for pod in pods if is_broker(pod.removeprefix("pod/"))]
    logs = [f"{TOPICS_FOLDER}/{outputs.topic_of(schema)}.*-[0-9]*" for schema in schemas]
    folders = f"du -sk {' '.join(logs)}"
    sizes = [
        int(line.split()[0]) * 1024
        for broker in brokers
        for line in _output([*kubectl, "exec", broker, "-c", "kafka", "--", "sh", "-c", folders])
        .strip()
        .splitlines()
    ]
    return sum(sizes) / len(brokers)


def _output(command: list[str]) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise StackError(f"{' '.join(command)} failed: {result.stderr.strip()}")
    return result.stdout
