"""What a row cost in short benches of several arrangements: docs/bench/growth.json."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from bench.containers import is_worker
from bench.result import Result
from clients.stack import PROJECT

# The stack does not export these defaults if it sets other values, and copied numbers could differ.
from components.config.archive import ArchiveSettings
from components.config.streaming import TopicSettings

OUTPUT = PROJECT / "docs/bench/growth.json"
DEFAULT_PARTITIONS = TopicSettings().partitions
DEFAULT_COMMIT_MS = ArchiveSettings(bucket="any-bucket").rotate_interval_ms


class Cpu(BaseModel):
    """CPU of each kind of container: microseconds per row, or millicores."""

    model_config = ConfigDict(frozen=True)

    connect: float
    """of all workers together"""
    broker: float
    """of all brokers together"""
    database: float

    @property
    def total(self) -> float:
        """The sum over all containers."""
        return self.connect + self.broker + self.database


class Point(BaseModel):
    """The result of one short bench; memory is the peak in bytes."""

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
    """microseconds per row, of all CPU that was used while the load ran"""
    idle: Cpu | None
    """millicores without a load, some of which a load saves; None: not measured"""
    wal_bytes: float
    """per row"""
    topic_bytes: float | None
    """per row and replica, as the brokers store it; None: not measured"""
    archive_bytes: float
    """per row"""
    connect_held: int
    """of the worker that held most"""
    broker_held: int
    """of the broker that held most"""
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
        """What was measured: tables, partitions and width."""
        return self.tables, self.partitions, self.width


class Growth(BaseModel):
    """All points, measured on the machine that docs/bench/bench.json describes."""

    model_config = ConfigDict(frozen=True)

    points: list[Point]

    def with_points(self, points: list[Point]) -> "Growth":
        """Return these and the older points of other kinds."""
        fresh = {each.kind for each in points}
        kept = [each for each in self.points if each.kind not in fresh]
        return Growth(points=sorted([*kept, *points], key=lambda each: each.kind))


def point_from_result(
    result: Result, topic_bytes: float | None, partitions: int, idle: Cpu | None = None
) -> Point:
    """Return the point that a bench's result is."""
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
        connect_held=max(each.peak_held for label, each in of.items() if is_worker(label)),
        broker_held=max(each.peak_held for each in brokers),
        database_held=of["postgresql-0"].peak_held,
        files_per_commit=result.files.files / result.files.commits,
        latency_p50=result.summary.latency.p50,
        latency_p99=result.summary.latency.p99,
        out_of_memory_kills=result.summary.out_of_memory_kills,
    )


def is_broker(label: str) -> bool:
    """Return whether a container's label is that of a broker."""
    return label.removeprefix("kafka-").isdigit()


def by_kind(used: Mapping[str, float]) -> Cpu:
    """Sum what each container used, by its label, for each kind of container."""
    return Cpu(
        connect=sum(value for label, value in used.items() if is_worker(label)),
        broker=sum(value for label, value in used.items() if is_broker(label)),
        database=used["postgresql-0"],
    )
