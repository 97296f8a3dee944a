"""Compares one Connect worker with two: what a row costs, and how much they archive at most.

`python -m bench.workers --stack sandbox --stack-file tests/several/Pulumi.sandbox.yaml` needs a
stack that was deployed from that file (scripts/several.sh). It changes the number of workers with
`pulumi up` and puts the same loads on them. For the highest rate it lowers the CPU limit of the
running workers in their cgroups: a machine of two cores is busy before two whole workers are, and
a restarted worker would have to compile again.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import machine
from bench.containers import Container, containers, is_worker
from bench.result import Machine
from bench.run import Bench, RunSettings
from bench.schedule import Schedule
from bench.workers_result import OUTPUT, WorkersPoint, WorkersResult, point_from_result
from clients.cluster import Cluster
from clients.connect import connectors
from clients.console import console
from clients.ending import run_and_exit
from clients.stack import StackError, StackOutputs, read_managed
from clients.update import changed_stack_file, update
from polling import NotReadyError, poll_until
from workload.machine import revision
from workload.option_numbers import not_negative, positive
from workload.progress import Log, Progress
from workload.timeouts import Timeouts

PERIOD_US = 100_000
REBALANCED_SECONDS = 120


@dataclass(frozen=True)
class Trial:
    """A load on some workers."""

    workers: int
    rate: float
    cpu_limit: float | None = None
    """cores of each worker; None: the stack's"""


# More than a worker of 0.3 CPU archives, so that the workers' limit decides how fast it is done.
TRIALS = (
    Trial(1, 2500),
    Trial(2, 2500),
    Trial(2, 5000, cpu_limit=0.3),
    Trial(1, 5000, cpu_limit=0.3),
)


def main() -> int:
    """Return 0 if no row was lost or changed, otherwise 1."""
    arguments = _arguments()
    log = Progress("workers").log
    try:
        outputs = read_managed(arguments.stack)
        described = machine.describe()
        points: list[WorkersPoint] = []
        for trial in TRIALS:
            _scale(arguments.stack, arguments.stack_file, outputs, trial.workers, log)
            points.append(_measure(outputs, trial, arguments, log))
            console().print(points[-1].model_dump())
            result = _result(outputs, described, points, arguments.warm_up)
            arguments.output.parent.mkdir(parents=True, exist_ok=True)
            arguments.output.write_text(result.model_dump_json(indent=1) + "\n")
        update(arguments.stack, arguments.stack_file)
    except StackError as error:
        print(f"workers: {error}", file=sys.stderr)
        return 1
    return 1 if any(point.wrong for point in points) else 0


def _scale(stack: str, base: Path, outputs: StackOutputs, workers: int, log: Log) -> None:
    """Update the stack to this number of workers, and wait until all tasks run."""
    if len(_workers(outputs)) != workers:
        log(f"pulumi up to {workers} workers")
        with changed_stack_file(stack, {"datapipe:connect": {"workers": workers}}, base) as file:
            update(stack, file)

    def spread() -> bool:
        if len(_workers(outputs)) != workers:
            raise NotReadyError("a worker starts or ends")
        present = connectors(Cluster(outputs), outputs.connect)
        if stopped := [each.name for each in present if not each.runs]:
            raise NotReadyError(f"{', '.join(stopped)} not RUNNING")
        return True

    poll_until(
        spread,
        timeout=REBALANCED_SECONDS,
        interval=2,
        description=f"the tasks to run on {workers} workers",
        error=StackError,
    )


def _workers(outputs: StackOutputs) -> list[Container]:
    found = (each for each in containers(Cluster(outputs)) if is_worker(each.label))
    return sorted(found, key=lambda each: each.label)


def _measure(
    outputs: StackOutputs, trial: Trial, arguments: argparse.Namespace, log: Log
) -> WorkersPoint:
    workers = _workers(outputs)
    own = workers[0].cpu_limit
    settings = RunSettings(
        schedule=Schedule(seconds=arguments.seconds, rate=trial.rate),
        width=120,
        warm_up=0 if trial.cpu_limit else arguments.warm_up,
        references=0,
        timeouts=Timeouts(arrival=300, settle=5, poll=1),
    )
    with _limited(workers, trial.cpu_limit or own):
        result = Bench(outputs, log).run(settings)
    return point_from_result(result, [each.label for each in workers], trial.cpu_limit or own)


@contextmanager
def _limited(workers: list[Container], cores: float) -> Iterator[None]:
    """Let each worker have so many cores for the block, and then its own limit again."""
    try:
        for worker in workers:
            limit_cpu(worker, cores)
        yield
    finally:
        for worker in workers:
            limit_cpu(worker, worker.cpu_limit)


def limit_cpu(container: Container, cores: float) -> None:
    """Change a container's CPU limit in the kernel; the limits of its pod stay above it."""
    quota = round(cores * PERIOD_US)
    if container.memory == container.cpu:
        (container.cpu / "cpu.max").write_text(f"{quota} {PERIOD_US}")
    else:
        (container.cpu / "cpu.cfs_quota_us").write_text(str(quota))


def _result(
    outputs: StackOutputs,
    described: Machine,
    points: list[WorkersPoint],
    warm_up: float,
) -> WorkersResult:
    present = connectors(Cluster(outputs), outputs.connect)
    pods = Cluster(outputs).pods()
    return WorkersResult(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        revision=revision(),
        machine=described,
        brokers=sum(pod.name.removeprefix("kafka-").isdigit() for pod in pods),
        sources=sum(each.kind == "source" for each in present),
        sink_tasks=sum(len(each.tasks) for each in present if each.kind == "sink"),
        warm_up=warm_up,
        points=points,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.workers")
    parser.add_argument("--stack", required=True)
    parser.add_argument("--stack-file", type=Path, required=True)
    parser.add_argument("--seconds", type=positive, default=40, help="duration of each load")
    parser.add_argument(
        "--warm-up",
        type=not_negative,
        default=60,
        help="seconds of load before those at the same rate",
    )
    parser.add_argument("--output", type=Path, default=OUTPUT)
    return parser.parse_args()


if __name__ == "__main__":
    run_and_exit(main)
