"""The sizing table: what a rate of events needs, computed from what a row cost in a bench.

    workers    = rate × a row's CPU in Connect ÷ (a worker's limit × USABLE), rounded up
    partitions = a topic's: the default, or more, for each worker's task to have as many
    brokers    = rate × a row's CPU in all brokers ÷ (a broker's limit × USABLE), at least three
    log        = rate × bytes of a row in a topic: GiB an hour of each replica
    requests   = commits per month × tables × (data files + METADATA) PUTs, and METADATA GETs each;
                 a commit is made every archive.rotateIntervalMs

docs/BENCHMARK.md has it for the rows of `make bench`; `python -m bench.sizing` prints it for those
of `make bench-growth`. What a row costs depends on the machine; the ratios depend on it less.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from bench.costs import DEFAULT_COMMIT_MS, DEFAULT_PARTITIONS, OUTPUT, Growth, Point

# The stack does not export what another stack would default to, and a copied number could differ.
from components.sizing import DEFAULT_RESOURCES

RATES = (1_000, 5_000, 10_000, 25_000, 50_000, 100_000)
# Of a CPU limit; the rest is for catching up after a fault, and for garbage collection.
USABLE = 0.7
MINIMUM_BROKERS = 3
# Objects of an Iceberg commit in addition to data: manifest, manifest list, table metadata.
METADATA = 3
MONTH_SECONDS = 30 * 86_400
# US dollars per request: S3 Standard in us-east-1, aws.amazon.com/s3/pricing in November 2026.
PUT_PRICE, GET_PRICE = 0.005 / 1000, 0.0004 / 1000
GIBIBYTE = 2**30


@dataclass(frozen=True)
class Size:
    """What a rate needs."""

    rate: int
    workers: int
    brokers: int
    partitions: int
    """of each table's topic"""
    memory: int
    """MiB, with PostgreSQL, without Schema Registry"""
    log: float | None
    """GiB per hour and replica; None if a row's bytes were not measured"""
    puts: int
    """per month"""
    cost: float
    """US dollars per month, of requests"""


def size(point: Point, rate: int, commit_seconds: float) -> Size:
    """Compute what a rate of such rows needs."""
    worker, broker = DEFAULT_RESOURCES["connect"], DEFAULT_RESOURCES["broker"]
    workers = ceil(rate * point.cpu.connect / 1e6 / (worker.cpu_limit / 1000 * USABLE))
    brokers = max(
        MINIMUM_BROKERS,
        ceil(rate * point.cpu.broker / 1e6 / (broker.cpu_limit / 1000 * USABLE)),
    )
    commits = MONTH_SECONDS / commit_seconds * point.tables
    files = point.files_per_commit * max(1, workers)
    puts, gets = commits * (files + METADATA), commits * METADATA
    return Size(
        rate=rate,
        workers=workers,
        brokers=brokers,
        partitions=workers * ceil(DEFAULT_PARTITIONS / workers),
        memory=DEFAULT_RESOURCES["postgresql"].memory_limit
        + brokers * broker.memory_limit
        + workers * worker.memory_limit,
        log=point.topic_bytes and rate * point.topic_bytes * 3600 / GIBIBYTE,
        puts=round(puts),
        cost=puts * PUT_PRICE + gets * GET_PRICE,
    )


def table(points: Iterable[Point], commit_seconds: float) -> str:
    """Return what the rates need for each kind of row that was measured, as Markdown."""
    measured = list(points)
    with_log = any(point.topic_bytes is not None for point in measured)
    columns = ["row (WAL)", "tables", "events/s", "workers", "brokers", "partitions", "memory"]
    columns += ["log per hour and replica"] if with_log else []
    lines = [[*columns, "S3 PUTs per month", "cost of requests"], ["--:"] * (len(columns) + 2)]
    for point in measured:
        for rate in RATES:
            each = size(point, rate, commit_seconds)
            needs = [f"{rate:,}", *map(str, [each.workers, each.brokers, each.partitions])]
            needs.append(f"{each.memory / 1024:.1f} GiB")
            if with_log:
                needs.append("–" if each.log is None else f"{each.log:.1f} GiB")
            costs = [f"{each.puts:,}", f"${each.cost:,.2f}"]
            lines.append([f"{point.wal_bytes:,.0f} B", str(point.tables), *needs, *costs])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main() -> None:
    """Print the table for the default interval between commits."""
    if not OUTPUT.exists():
        sys.exit(f"{OUTPUT} does not exist; run `make bench-growth` first")
    growth = Growth.model_validate_json(OUTPUT.read_text())
    print(table(growth.points, DEFAULT_COMMIT_MS / 1000))


if __name__ == "__main__":
    main()
