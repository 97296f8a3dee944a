"""How cost grows with the width of rows, the number of tables, and partitions.

`python -m bench.growth --stack sandbox` puts a short load on several arrangements of the stack,
and writes what a row costs in each to docs/bench/growth.json, from which `python -m bench.sizes`
makes the sizing table. For more tables and other partitions it makes copies of the sample schema,
has `pulumi up` add them to the stack, and takes them off again at the end.
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

from pydantic import BaseModel, ConfigDict

from bench import shops
from bench.archived import Lake
from bench.ceilings import Progress
from bench.containers import containers
from bench.content import TABLES
from bench.jvms import SECONDS as WARM_JVM_SECONDS
from bench.jvms import warm_jvms
from bench.plan import Schedule
from bench.result import Result
from bench.run import Bench, Plan
from bench.verification import Patience
from clients import database
from clients.archive import TOPIC_PREFIX
from clients.cluster import Cluster
from clients.console import console
from clients.stack import PROJECT, StackError, StackOutputs, read_outputs
from clients.update import changed_stack_file, update
from components.config.archive import ArchiveSettings
from components.config.streaming import TopicSettings

OUTPUT = PROJECT / "docs/bench/growth.json"
NARROW = 40


@dataclass(frozen=True)
class Trial:
    """One load."""

    rate: float
    """rows a second"""
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
    """of the stack file, beside the tables and their topics"""


def _copies(prefix: str, count: int, partitions: int) -> dict[str, int]:
    return {f"{prefix}_{number}": partitions for number in range(1, count + 1)}


PARTITIONS = {"growth_p1": 1, "growth_p24": 24}
FORTY = _copies("growth_forty", 9, partitions=6)
FOUR_HUNDRED = _copies("growth_many", 99, partitions=1)
"""At the default of six partitions they would be 7,200 replicas on three brokers of 682 MiB."""
DEFAULT_PARTITIONS = TopicSettings().partitions
DEFAULT_COMMIT_MS = ArchiveSettings(bucket="any-bucket").rotate_interval_ms
RARE_COMMITS = {"datapipe:archive": {"rotateIntervalMs": DEFAULT_COMMIT_MS}}
"""In the sandbox's 10 s moto does not get through 400 tables' commits."""
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
BATCH = 20
"""rows of a transaction"""
WARM_UP_SECONDS = 20
SETTLE_SECONDS, IDLE_SECONDS = 15, 20
"""After an update or a load, until little is left to do; and what is measured then, repeatedly"""
LONGEST_IDLE_SECONDS = 240
STEADY = 0.9
"""of the CPU of the window before: less is no less. After an update brokers are busy for minutes"""
TOPICS_FOLDER = "/var/lib/kafka/data"


class Cpu(BaseModel):
    """Of each kind of container: microseconds a row, or millicores."""

    model_config = ConfigDict(frozen=True)

    connect: float
    broker: float
    """of all brokers together"""
    database: float


class Point(BaseModel):
    """What one short bench has shown; memory is the peak in bytes."""

    model_config = ConfigDict(frozen=True)

    tables: int
    """that the load changes"""
    partitions: int
    """of most of their topics"""
    width: int
    rate: float
    rows: int
    missing: int
    cpu: Cpu
    """microseconds a row, of all that was used while the load ran"""
    idle: Cpu | None
    """millicores used without a load, some of them not with one; None: not measured"""
    wal_bytes: float
    """a row"""
    topic_bytes: float | None
    """a row, of one replica, as the brokers keep it; None: not measured"""
    archive_bytes: float
    """a row"""
    connect_held: int
    broker_held: int
    """of the fullest"""
    database_held: int
    files_per_commit: float
    latency_p50: float
    """seconds from the commit in PostgreSQL until the row was readable"""
    latency_p99: float
    out_of_memory_kills: int

    @property
    def used(self) -> Cpu:
        """Millicores while the load ran."""
        millicores = self.rate / 1000
        return Cpu(
            connect=self.cpu.connect * millicores,
            broker=self.cpu.broker * millicores,
            database=self.cpu.database * millicores,
        )

    @property
    def kind(self) -> tuple[int, int, int]:
        """What was measured, whatever came of it."""
        return self.tables, self.partitions, self.width


class Growth(BaseModel):
    """All points, on the machine that docs/bench/bench.json describes."""

    model_config = ConfigDict(frozen=True)

    points: list[Point]

    def with_points(self, points: list[Point]) -> "Growth":
        """With these instead of older ones of the same kind."""
        fresh = {each.kind for each in points}
        kept = [each for each in self.points if each.kind not in fresh]
        return Growth(points=sorted([*kept, *points], key=lambda each: each.kind))


def point(
    result: Result, topic_bytes: float | None, partitions: int, idle: Cpu | None = None
) -> Point:
    """A point from a bench's result."""
    of = {each.label: each for each in result.containers}
    brokers = [each for label, each in of.items() if is_broker(label)]
    return Point(
        tables=result.load.tables,
        partitions=partitions,
        width=result.load.width,
        rate=result.load.rate,
        rows=result.summary.rows,
        missing=result.summary.missing,
        cpu=by_kind({label: each.cpu_per_row for label, each in of.items()}),
        idle=idle,
        wal_bytes=result.summary.wal_bytes,
        topic_bytes=topic_bytes,
        archive_bytes=result.summary.event_bytes,
        connect_held=of["kafka-connect"].peak_held,
        broker_held=max(each.peak_held for each in brokers),
        database_held=of["postgresql-0"].peak_held,
        files_per_commit=result.files.files / result.files.commits,
        latency_p50=result.summary.latency.p50,
        latency_p99=result.summary.latency.p99,
        out_of_memory_kills=result.summary.out_of_memory_kills,
    )


def is_broker(label: str) -> bool:
    """Whether a container's label is that of a broker."""
    return label.removeprefix("kafka-").isdigit()


def by_kind(used: Mapping[str, float]) -> Cpu:
    """From what each container used, by its label."""
    return Cpu(
        connect=used["kafka-connect"],
        broker=sum(value for label, value in used.items() if is_broker(label)),
        database=used["postgresql-0"],
    )


@contextmanager
def arranged(
    stack: str, outputs: StackOutputs, arrangement: Arrangement, report: Progress
) -> Iterator[StackOutputs]:
    """The stack with an arrangement's copies; the block gets the outputs that it then has."""
    if not arrangement.copies:
        yield outputs
        return
    with database.connect(outputs) as connection:
        for name in arrangement.copies:
            shops.create(connection, name)
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
            report(f"pulumi up adds {len(overrides)} tables")
            began = time.monotonic()
            update(stack, file)
            report(f"pulumi up took {time.monotonic() - began:.0f} s")
        yield read_outputs(stack)
    finally:
        report("taking the added tables off")
        update(stack)
        lake = Lake(outputs)
        with database.connect(outputs) as connection:
            for name in arrangement.copies:
                shops.drop(connection, name)
        for table in overrides:
            lake.purge(table)


def measure(
    outputs: StackOutputs, trial: Trial, partitions: int, seconds: float, report: Progress
) -> Point:
    """A short bench of one load."""
    idle = idle_cpu(outputs, report)
    before = topic_sizes(outputs, trial.schemas)
    result = Bench(outputs, report).run(
        Plan(
            schedule=Schedule(seconds=seconds, rate=trial.rate, batch=BATCH, schemas=trial.schemas),
            width=trial.width,
            warm_up=WARM_UP_SECONDS,
            references=0,
            patience=Patience(300),
        )
    )
    grown = topic_sizes(outputs, trial.schemas) - before
    # Where a full log has given up its oldest segments meanwhile, that says nothing.
    topic_bytes = grown / result.summary.rows if grown > 0 else None
    return point(result, topic_bytes, partitions, idle)


def idle_cpu(outputs: StackOutputs, report: Progress) -> Cpu:
    """What the stack uses without a load, once that grows less no more.

    Raises StackError where it does so for LONGEST_IDLE_SECONDS.
    """
    time.sleep(SETTLE_SECONDS)
    deadline, before = time.monotonic() + LONGEST_IDLE_SECONDS, inf
    while time.monotonic() < deadline:
        report(f"without a load, for {IDLE_SECONDS} s")
        used = used_cpu(Cluster(outputs), IDLE_SECONDS)
        total = used.connect + used.broker + used.database
        if total >= STEADY * before:
            return used
        before = total
    raise StackError(f"without a load the stack does not come to rest in {LONGEST_IDLE_SECONDS} s")


def used_cpu(cluster: Cluster, seconds: float) -> Cpu:
    """What the stack uses in so many seconds from now on, in millicores."""
    present = containers(cluster)
    began, before = time.monotonic(), {each.label: each.usage().cpu_seconds for each in present}
    time.sleep(seconds)
    passed = time.monotonic() - began
    used = {each.label: each.usage().cpu_seconds - before[each.label] for each in present}
    return by_kind({label: cpu * 1000 / passed for label, cpu in used.items()})


def topic_sizes(outputs: StackOutputs, schemas: Iterable[str]) -> float:
    """Bytes of the topics of these schemas' tables on the brokers' disks, of one replica."""
    context = ["--context", outputs.context] if outputs.context else []
    kubectl = ["kubectl", *context, "-n", outputs.namespace]
    pods = _output([*kubectl, "get", "pods", "-o", "name"]).split()
    brokers = [pod for pod in pods if pod.removeprefix("pod/kafka-").isdigit()]
    logs = [f"{TOPICS_FOLDER}/{TOPIC_PREFIX}.{schema}.*-[0-9]*" for schema in schemas]
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
    """0 where no row was lost, otherwise 1."""
    arguments = _arguments()
    screen = console()
    lost = 0

    def report(text: str) -> None:
        screen.print(f"growth: {text}")

    try:
        outputs = read_outputs(arguments.stack)
        report(f"warming up the JVMs for {arguments.warm_up} s")
        warm_jvms(Bench(outputs, report), seconds=arguments.warm_up)
        for arrangement in ARRANGEMENTS:
            if arguments.only not in {None, arrangement.name}:
                continue
            with arranged(arguments.stack, outputs, arrangement, report) as present:
                for trial in arrangement.trials:
                    partitions = arrangement.copies.get(trial.schemas[-1], DEFAULT_PARTITIONS)
                    found = measure(present, trial, partitions, arguments.seconds, report)
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
        raise StackError(f"{' '.join(command)}: {result.stderr.strip()}")
    return result.stdout


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.growth")
    parser.add_argument("--stack", required=True)
    parser.add_argument("--seconds", type=float, default=40, help="of each load")
    parser.add_argument(
        "--warm-up", type=int, default=WARM_JVM_SECONDS, help="of the JVMs, at first"
    )
    parser.add_argument("--only", choices=[each.name for each in ARRANGEMENTS])
    parser.add_argument("--output", type=Path, default=OUTPUT)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
