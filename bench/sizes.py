"""The sizing table: what a rate of events needs, computed from what bench.growth has measured.

    workers   = rate × a row's CPU in Connect ÷ (a worker's limit × USABLE), rounded up
    brokers   = rate × a row's CPU in all brokers ÷ (a broker's limit × USABLE), at least three
    log       = rate × bytes of a row in a topic: GiB an hour of each replica
    requests  = commits of a month × tables × (data files + METADATA) PUTs, and as many GETs as
                METADATA; a commit is made every archive.rotateIntervalMs

`python -m bench.sizes` prints it as Markdown. The costs of a row are those of the measuring
machine, with everything on its cores; other machines differ, their ratios less so.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from bench.growth import OUTPUT, Growth, Point
from components.config.archive import ArchiveSettings
from components.sizing import DEFAULT_RESOURCES

RATES = (1_000, 5_000, 10_000, 25_000, 50_000, 100_000)
USABLE = 0.7
"""of a CPU limit: the rest is for catching up after a fault, and for collectors"""
MINIMUM_BROKERS = 3
METADATA = 3
"""Objects that an Iceberg commit writes beside data: manifest, list of manifests, table metadata"""
MONTH_SECONDS = 30 * 86_400
PUT_PRICE, GET_PRICE = 0.005 / 1000, 0.0004 / 1000
"""US dollars a request: S3 Standard in us-east-1, aws.amazon.com/s3/pricing in November 2026"""
GIBIBYTE = 2**30


@dataclass(frozen=True)
class Size:
    """What a rate needs."""

    rate: int
    workers: int
    brokers: int
    memory: int
    """MiB, with PostgreSQL, without Schema Registry"""
    log: float
    """GiB an hour of each replica"""
    puts: int
    """a month"""
    cost: float
    """US dollars a month, of requests"""


def size(point: Point, rate: int, commit_seconds: float) -> Size:
    """What a rate of such rows needs."""
    worker, broker = DEFAULT_RESOURCES["connect"], DEFAULT_RESOURCES["broker"]
    workers = ceil(rate * point.connect_cpu / 1e6 / (worker.cpu_limit / 1000 * USABLE))
    brokers = max(
        MINIMUM_BROKERS,
        ceil(rate * point.broker_cpu / 1e6 / (broker.cpu_limit / 1000 * USABLE)),
    )
    commits = MONTH_SECONDS / commit_seconds * point.tables
    files = point.files_per_commit * max(1, workers)
    puts, gets = commits * (files + METADATA), commits * METADATA
    return Size(
        rate=rate,
        workers=workers,
        brokers=brokers,
        memory=DEFAULT_RESOURCES["postgresql"].memory_limit
        + brokers * broker.memory_limit
        + workers * worker.memory_limit,
        log=rate * point.topic_bytes * 3600 / GIBIBYTE,
        puts=round(puts),
        cost=puts * PUT_PRICE + gets * GET_PRICE,
    )


def table(points: Iterable[Point], commit_seconds: float) -> str:
    """For each kind of row that was measured, what the rates need; as Markdown."""
    lines = [
        "| row (WAL) | tables | events/s | workers | brokers | memory | log, an hour and replica |"
        " S3 PUTs a month | cost of requests |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for point in points:
        for rate in RATES:
            each = size(point, rate, commit_seconds)
            lines.append(
                f"| {point.wal_bytes:,.0f} B | {point.tables} | {each.rate:,} | {each.workers} |"
                f" {each.brokers} | {each.memory / 1024:.1f} GiB | {each.log:.1f} GiB |"
                f" {each.puts:,} | ${each.cost:,.2f} |"
            )
    return "\n".join(lines)


def main() -> None:
    """Print the table, for the default interval between commits."""
    growth = Growth.model_validate_json(OUTPUT.read_text())
    default = ArchiveSettings(bucket="any-bucket").rotate_interval_ms / 1000
    print(table(growth.points, default))


if __name__ == "__main__":
    main()
