"""How cost grows with the rows' width, and with the tables and partitions of the stack.

`python -m bench.growth --stack sandbox` adds what it measures to docs/bench/growth.json, from which
`python -m bench.sizes` makes the sizing table. How many tables there are is the stack's business:

    python -m bench.growth --stack sandbox --make-shops 9     # makes shop_1 … shop_9, 36 tables
    pulumi config set --path …                                # as it then prints
    make up && make bench-growth
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from bench import shops
from bench.content import TABLES
from bench.plan import Schedule
from bench.result import Result
from bench.run import Bench, Plan
from bench.verification import Patience
from clients import database
from clients.archive import TOPIC_PREFIX
from clients.console import console
from clients.stack import PROJECT, StackError, StackOutputs, read_outputs

OUTPUT = PROJECT / "docs/bench/growth.json"
WIDTHS = {40: 2000.0, 2_000: 500.0, 20_000: 60.0}
"""Characters of the text columns, and the rows a second with which they are measured."""
TOPICS_FOLDER = "/var/lib/kafka/data"


class Point(BaseModel):
    """What one short bench has shown; CPU is in microseconds a row, memory the peak in bytes."""

    model_config = ConfigDict(frozen=True)

    tables: int
    width: int
    rate: float
    rows: int
    missing: int
    connect_cpu: float
    broker_cpu: float
    """of all brokers together"""
    database_cpu: float
    wal_bytes: float
    """a row"""
    topic_bytes: float
    """a row, of one replica, as the brokers keep it"""
    archive_bytes: float
    """a row"""
    connect_held: int
    broker_held: int
    """of the fullest"""
    database_held: int
    files_per_commit: float


class Growth(BaseModel):
    """All points, on the machine that docs/bench/bench.json describes."""

    model_config = ConfigDict(frozen=True)

    points: list[Point]

    def with_points(self, points: list[Point]) -> "Growth":
        """With these instead of older ones of as many tables and the same width."""
        fresh = {(point.tables, point.width) for point in points}
        kept = [each for each in self.points if (each.tables, each.width) not in fresh]
        return Growth(points=sorted([*kept, *points], key=lambda each: (each.tables, each.width)))


def point(result: Result, topic_bytes: float) -> Point:
    """A point from a bench's result."""
    of = {each.label: each for each in result.containers}
    brokers = [of[label] for label in of if label.removeprefix("kafka-").isdigit()]
    return Point(
        tables=result.load.tables,
        width=result.load.width,
        rate=result.load.rate,
        rows=result.summary.rows,
        missing=result.summary.missing,
        connect_cpu=of["kafka-connect"].cpu_per_row,
        broker_cpu=sum(each.cpu_per_row for each in brokers),
        database_cpu=of["postgresql-0"].cpu_per_row,
        wal_bytes=result.summary.wal_bytes,
        topic_bytes=topic_bytes,
        archive_bytes=result.summary.event_bytes,
        connect_held=of["kafka-connect"].peak_held,
        broker_held=max(each.peak_held for each in brokers),
        database_held=of["postgresql-0"].peak_held,
        files_per_commit=result.files.files / result.files.commits,
    )


def measure(outputs: StackOutputs, seconds: float, report: Callable[[str], None]) -> list[Point]:
    """A short bench for each width, on every sample schema that the stack captures."""
    points = []
    for width, rate in WIDTHS.items():
        before = topic_sizes(outputs)
        result = Bench(outputs, report).run(
            Plan(
                schedule=Schedule(
                    seconds=seconds,
                    rate=rate,
                    batch=20,
                    schemas=shops.sample_schemas(outputs.tables),
                ),
                width=width,
                warm_up=0,
                references=0,
                patience=Patience(300),
            )
        )
        grown = topic_sizes(outputs) - before
        points.append(point(result, grown / result.summary.rows))
    return points


def topic_sizes(outputs: StackOutputs) -> float:
    """Bytes of the captured tables' topics on the brokers' disks, of one replica."""
    context = ["--context", outputs.context] if outputs.context else []
    kubectl = ["kubectl", *context, "-n", outputs.namespace]
    pods = _output([*kubectl, "get", "pods", "-o", "name"]).split()
    brokers = [pod for pod in pods if pod.removeprefix("pod/kafka-").isdigit()]
    folders = f"du -sk {TOPICS_FOLDER}/{TOPIC_PREFIX}.*-[0-9]*"
    sizes = [
        int(line.split()[0]) * 1024
        for broker in brokers
        for line in _output([*kubectl, "exec", broker, "-c", "kafka", "--", "sh", "-c", folders])
        .strip()
        .splitlines()
    ]
    return sum(sizes) / len(brokers)


def make_shops(outputs: StackOutputs, count: int) -> list[str]:
    """Make copies of the sample schema, and tell all tables that `datapipe:tables` should hold."""
    names = [f"shop_{number}" for number in range(1, count + 1)]
    with database.connect(outputs) as connection:
        for name in names:
            shops.create(connection, name)
    return [f"{schema}.{table}" for schema in ("public", *names) for table in TABLES]


def main() -> int:
    """0 where no row was lost, otherwise 1."""
    arguments = _arguments()
    screen = console()
    try:
        outputs = read_outputs(arguments.stack)
        if arguments.make_shops:
            print(json.dumps({"datapipe:tables": make_shops(outputs, arguments.make_shops)}))
            return 0
        points = measure(outputs, arguments.seconds, lambda text: screen.print(f"growth: {text}"))
    except StackError as error:
        print(f"growth: {error}", file=sys.stderr)
        return 1
    output: Path = arguments.output
    known = Growth.model_validate_json(output.read_text()) if output.exists() else Growth(points=[])
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(known.with_points(points).model_dump_json(indent=1) + "\n")
    for each in points:
        screen.print(each.model_dump())
    return 1 if any(each.missing for each in points) else 0


def _output(command: list[str]) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise StackError(f"{' '.join(command)}: {result.stderr.strip()}")
    return result.stdout


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.growth")
    parser.add_argument("--stack", required=True)
    parser.add_argument("--seconds", type=float, default=40, help="of each load")
    parser.add_argument("--make-shops", type=int, default=0, metavar="COPIES")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
