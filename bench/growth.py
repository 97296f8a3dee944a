"""Measures how cost grows with the width of rows, the number of tables, and partitions.

`python -m bench.growth --stack sandbox` puts a short load on several arrangements of the stack, and
writes what a row costs in each to docs/bench/growth.json. For more tables and other partitions it
creates copies of the sample schema, lets `pulumi up` add them to the stack, and removes them again
at the end.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

from bench import sample_schema
from bench.containers import containers
from bench.costs import (
    DEFAULT_COMMIT_MS,
    DEFAULT_PARTITIONS,
    OUTPUT,
    Cpu,
    Growth,
    Point,
    by_kind,
    is_broker,
    point_from_result,
)
from bench.iceberg_files import IcebergFiles
from bench.row_values import TABLES
from bench.run import Bench, RunSettings
from bench.schedule import Schedule
from bench.warm_up import SECONDS as WARM_JVM_SECONDS
from bench.warm_up import warm_jvms
from clients import database
from clients.cluster import Cluster
from clients.console import console
from clients.ending import run_and_exit
from clients.stack import StackError, StackOutputs, read_managed
from clients.update import changed_stack_file, remove_tables, update
from polling import NotReadyError, poll_until
from workload.progress import Log, Progress
from workload.timeouts import Timeouts

NARROW = 40


@dataclass(frozen=True)
class Trial:
    """One load."""

    rate: float
    """rows per second"""
    schemas: tuple[str, ...] = ("public",)
    width: int = NARROW
    """characters of the text columns"""


@dataclass(frozen=True)
class Arrangement:
    """What the stack captures, and the loads that are put on it."""

    name: str
    copies: Mapping[str, int]
    """of the sample schema, by name: the partitions of their topics"""
    trials: tuple[Trial, ...]
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """of the stack file, in addition to the tables and their topics"""


def _copies(prefix: str, count: int, partitions: int) -> dict[str, int]:
    return {f"{prefix}_{number}": partitions for number in range(1, count + 1)}


PARTITIONS = {"growth_p1": 1, "growth_p24": 24}
FORTY = _copies("growth_forty", 9, partitions=6)
# With the default of six partitions they would be 7,200 replicas on three brokers of 682 MiB.
FOUR_HUNDRED = _copies("growth_many", 99, partitions=1)
# At the sandbox's interval of 10 s moto cannot complete the commits of 400 tables.
RARE_COMMITS = {"datapipe:archive": {"rotateIntervalMs": DEFAULT_COMMIT_MS}}
ARRANGEMENTS = (
    Arrangement("width", {}, (Trial(4000), Trial(1000, width=2_000), Trial(150, width=20_000))),
    Arrangement(
        "partitions", PARTITIONS, tuple(Trial(4000, schemas=(name,)) for name in PARTITIONS)
    ),
    Arrangement("forty-tables", FORTY, (Trial(4000, schemas=("public", *FORTY)),)),
    Arrangement(
        "400-tables",
        FOUR_HUNDRED,
        (Trial(2000, schemas=("public", *FOUR_HUNDRED)),),
        settings=RARE_COMMITS,
    ),
)
# Rows per transaction.
BATCH = 20
WARM_UP_SECONDS = 20
# After an update or a load the stack is left alone first; its idle use is measured repeatedly then.
SETTLE_SECONDS, IDLE_SECONDS = 15, 20
# After an update brokers are busy for minutes.
LONGEST_IDLE_SECONDS = 240
# Idle use has stopped falling once a window's CPU is this share of the window before.
STEADY = 0.9
TOPICS_FOLDER = "/var/lib/kafka/data/data"


@contextmanager
def arranged(
    stack: str, outputs: StackOutputs, arrangement: Arrangement, log: Log
) -> Iterator[StackOutputs]:
    """Add an arrangement's copies to the stack for the block, which gets the stack's outputs."""
    if not arrangement.copies:
        yield outputs
        return
    with database.connect(outputs) as connection:
        for name in arrangement.copies:
            sample_schema.create(connection, name)
    overrides = {
        f"{schema}.{table}": {"partitions": partitions}
        for schema, partitions in arrangement.copies.items()
        for table in TABLES
    }
    settings = {
        "datapipe:tables": [*outputs.tables, *overrides],
        "datapipe:topics": {"overrides": overrides},
        **arrangement.settings,
    }
    try:
        with changed_stack_file(stack, settings) as file:
            log(f"pulumi up adds {len(overrides)} tables")
            began = time.monotonic()
            update(stack, file)
            log(f"pulumi up took {time.monotonic() - began:.0f} s")
        yield read_managed(stack)
    finally:
        log("pulumi up removes the added tables")
        remove_tables(stack, overrides)
        files = IcebergFiles(outputs)
        with database.connect(outputs) as connection:
            for name in arrangement.copies:
                sample_schema.drop(connection, name)
        for table in overrides:
            files.purge(table)


def measure(
    outputs: StackOutputs, trial: Trial, partitions: int, seconds: float, log: Log
) -> Point:
    """Run a short bench of one load."""
    idle = idle_cpu(outputs, log)
    before = topic_sizes(outputs, trial.schemas)
    result = Bench(outputs, log).run(
        RunSettings(
            schedule=Schedule(seconds=seconds, rate=trial.rate, batch=BATCH, schemas=trial.schemas),
            width=trial.width,
            warm_up=WARM_UP_SECONDS,
            references=0,
            timeouts=Timeouts(arrival=300, settle=15, poll=2),
        )
    )
    grown = topic_sizes(outputs, trial.schemas) - before
    # A full log deletes its oldest segments, so that its growth says nothing.
    topic_bytes = grown / result.summary.rows if grown > 0 else None
    return point_from_result(result, topic_bytes, partitions, idle)


def idle_cpu(outputs: StackOutputs, log: Log) -> Cpu:
    """Return what the stack uses without a load, once that has stopped falling.

    Raises StackError if it still falls after LONGEST_IDLE_SECONDS.
    """
    time.sleep(SETTLE_SECONDS)
    before = inf

    def steady() -> Cpu:
        nonlocal before
        log(f"measuring without a load for {IDLE_SECONDS} s")
        used = used_cpu(Cluster(outputs), IDLE_SECONDS)
        previous, before = before, used.total
        if used.total < STEADY * previous:
            raise NotReadyError(f"{used.total:.0f} millicores after {previous:.0f}")
        return used

    return poll_until(
        steady,
        timeout=LONGEST_IDLE_SECONDS,
        interval=0,
        description="the CPU use without a load to stop falling",
        error=StackError,
    )


def used_cpu(cluster: Cluster, seconds: float) -> Cpu:
    """Measure what the stack uses from now on, in millicores."""
    present = containers(cluster)
    began, before = time.monotonic(), {each.label: each.usage().cpu_seconds for each in present}
    time.sleep(seconds)
    passed = time.monotonic() - began
    used = {each.label: each.usage().cpu_seconds - before[each.label] for each in present}
    return by_kind({label: cpu * 1000 / passed for label, cpu in used.items()})


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


def main() -> int:
    """Return 0 if no row was lost, otherwise 1."""
    arguments = _arguments()
    screen, log = console(), Progress("growth").log
    lost = 0
    try:
        outputs = read_managed(arguments.stack)
        log(f"warming up the JVMs for {arguments.warm_up} s")
        warm_jvms(Bench(outputs, log), seconds=arguments.warm_up)
        for arrangement in ARRANGEMENTS:
            if arguments.only not in {None, arrangement.name}:
                continue
            with arranged(arguments.stack, outputs, arrangement, log) as present:
                for trial in arrangement.trials:
                    partitions = arrangement.copies.get(trial.schemas[-1], DEFAULT_PARTITIONS)
                    found = measure(present, trial, partitions, arguments.seconds, log)
                    screen.print(found.model_dump())
                    _keep(arguments.output, found)
                    lost += found.missing
    except StackError as error:
        print(f"growth: {error}", file=sys.stderr)
        return 1
    return 1 if lost else 0


def _keep(output: Path, found: Point) -> None:
    known = Growth.model_validate_json(output.read_text()) if output.exists() else Growth(points=[])
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(known.with_points([found]).model_dump_json(indent=1) + "\n")


def _output(command: list[str]) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise StackError(f"{' '.join(command)} failed: {result.stderr.strip()}")
    return result.stdout


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="datapipe bench-growth",
        epilog="Exit codes: 0 no row was lost; 1 otherwise; 2 wrong usage; 130 interrupted.",
    )
    parser.add_argument("--stack", required=True)
    parser.add_argument("--seconds", type=float, default=40, help="duration of each load")
    parser.add_argument(
        "--warm-up",
        type=int,
        default=WARM_JVM_SECONDS,
        help="seconds of load before everything, to warm the JVMs up",
    )
    parser.add_argument("--only", choices=[each.name for each in ARRANGEMENTS])
    parser.add_argument("--output", type=Path, default=OUTPUT)
    return parser.parse_args()


if __name__ == "__main__":
    run_and_exit(main)
