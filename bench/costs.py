"""What a row cost in short benches of several arrangements: docs/bench/growth.json."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from bench.containers import is_worker
from bench.result import Result
from clients.stack import PROJECT

# The stack does not export these defaults if it sets other values, and copied numbers could differ.
from components.config.archive import ArchiveSettings
from components.config.streaming import TopicSettings

OUTPUT = PROJECT / "docs/bench/growth.json"
DATABASE = "postgresql-0"
# The series of points with the same rate over more and more tables.
TABLES_SERIES = "tables"
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
    aws: float | None = None
    """of the stand-in for AWS, which is not a container; None: not measured"""

    @property
    def total(self) -> float:
        """The sum over all containers."""
        return self.connect + self.broker + self.database


class Moment(BaseModel):
    """When a point was measured, and with what."""

    model_config = ConfigDict(frozen=True)

    at: str
    """as ISO 8601 has it"""
    revision: str
    load_average: float
    """of the machine in the minute before the load"""


class Point(BaseModel):
    """The result of one short bench; memory is the peak in bytes."""

    model_config = ConfigDict(frozen=True)

    series: str
    """the points that are compared with each other: width, partitions or tables"""
    measured: Moment | None = None
    """None: before this was recorded"""
    tables: int
    """that the load changes"""
    partitions: int
    """of most of their topics"""
    width: int
    rate: float
    commit_seconds: float
    """between two commits of the archive"""
    rows: int
    missing: int
    duplicated: int | None = None
    """None: not recorded"""
    altered: int | None = None
    seconds: float | None = None
    """from the load's start until all was readable, in which the CPU was counted"""
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
    def above_idle(self) -> Cpu | None:
        """Microseconds per row beyond what the same seconds without a load use; None: unknown."""
        if self.idle is None or self.seconds is None:
            return None
        per_row = self.seconds * 1000 / self.rows
        aws = self.cpu.aws, self.idle.aws
        return Cpu(
            connect=self.cpu.connect - self.idle.connect * per_row,
            broker=self.cpu.broker - self.idle.broker * per_row,
            database=self.cpu.database - self.idle.database * per_row,
            aws=None if aws[0] is None or aws[1] is None else aws[0] - aws[1] * per_row,
        )

    @property
    def kind(self) -> tuple[str, int, int, int]:
        """What was measured: series, tables, partitions and width."""
        return self.series, self.tables, self.partitions, self.width


class Growth(BaseModel):
    """All points, measured on the machine that docs/bench/bench.json describes.

    Each is written as soon as it is measured, so that a run can go on where another one ended.
    """

    model_config = ConfigDict(frozen=True)

    points: list[Point]

    def with_points(self, points: list[Point]) -> "Growth":
        """Return these and the older points of other kinds."""
        fresh = {each.kind for each in points}
        kept = [each for each in self.points if each.kind not in fresh]
        return Growth(points=sorted([*kept, *points], key=lambda each: each.kind))


@dataclass(frozen=True)
class Arranged:
    """How the stack was arranged for a point."""

    series: str
    partitions: int
    commit_seconds: float


def point_from_result(result: Result, arranged: Arranged) -> Point:
    """Return the point that a bench's result is, without what only bench.growth measures."""
    of = {each.label: each for each in result.containers}
    brokers = [each for label, each in of.items() if is_broker(label)]
    return Point(
        series=arranged.series,
        measured=Moment(
            at=result.at, revision=result.revision, load_average=result.machine.load_before
        ),
        tables=result.load.tables,
        partitions=arranged.partitions,
        commit_seconds=arranged.commit_seconds,
        width=result.load.width,
        rate=result.load.rate,
        rows=result.summary.rows,
        missing=result.summary.missing,
        duplicated=result.summary.duplicated,
        altered=result.summary.altered,
        seconds=result.series.at[-1],
        cpu=by_kind({label: each.cpu_per_row for label, each in of.items()}),
        idle=None,
        wal_bytes=result.summary.wal_bytes,
        topic_bytes=None,
        archive_bytes=result.summary.event_bytes,
        connect_held=max(each.peak_held for label, each in of.items() if is_worker(label)),
        broker_held=max(each.peak_held for each in brokers),
        database_held=of[DATABASE].peak_held,
        files_per_commit=result.files.files / result.files.commits,
        latency_p50=result.summary.latency.p50,
        latency_p99=result.summary.latency.p99,
        out_of_memory_kills=result.summary.out_of_memory_kills,
    )


def is_broker(label: str) -> bool:
    """Return whether a container's label is that of a broker."""
    return label.removeprefix("kafka-").isdigit()


def is_counted(label: str) -> bool:
    """Return whether a container is one of those that by_kind() sums: those of Jobs may end."""
    return is_worker(label) or is_broker(label) or label == DATABASE


def by_kind(used: Mapping[str, float]) -> Cpu:
    """Sum what each container used, by its label, for each kind of container."""
    return Cpu(
        connect=sum(value for label, value in used.items() if is_worker(label)),
        broker=sum(value for label, value in used.items() if is_broker(label)),
        database=used[DATABASE],
    )
