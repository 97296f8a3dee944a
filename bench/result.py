"""The result of a bench: what the JSON file holds and the report shows."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Part(BaseModel):
    """A part of the result; seconds, bytes and rows unless the name says otherwise."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class Machine(Part):
    """What all of it ran on: node, pipeline, AWS stand-in, load and measurements."""

    processor: str
    cores: int
    memory: int
    system: str
    kernel: str
    load_before: float
    """processes that wanted to run before the load began, on average of a minute"""


class LoadShape(Part):
    """The load that was asked for."""

    rate: float
    seconds: float
    connections: int
    batch: int
    width: int
    seed: int
    tables: int
    mix: dict[str, int]
    """rows of each operation and table, of 100"""


class Percentiles(Part):
    """Of rows, in seconds."""

    p50: float
    p95: float
    p99: float
    max: float


class Summary(Part):
    """The headline."""

    rows: int
    committed_rate: float
    """rows a second that PostgreSQL committed while the load ran"""
    streamed_rate: float
    """rows a second that reached the topics while the load ran"""
    archived_rate: float
    """rows a second from the first commit to the last snapshot, with the wait for it"""
    steady_rate: float
    """rows a second that became readable in the load's second half: what was sustained"""
    lag_slope: float
    """rows a second by which the archive fell behind in the load's second half; 0 is flat"""
    latency: Percentiles
    """from the commit in PostgreSQL to the snapshot that made the row readable"""
    latency_from_due: Percentiles
    """from the moment at which the schedule wanted the row: nothing is omitted"""
    lateness: Percentiles
    """of the load itself: from due to committed"""
    missing: int
    duplicated: int
    altered: int
    out_of_memory_kills: int
    restarts: int
    fullest_container: str
    fullest_share: float
    """held memory against the limit, at its peak"""
    bottleneck: str
    wal_bytes: float
    """of WAL that a row made"""
    event_bytes: float
    """of a row in the archive's files"""


class TableResult(Part):
    """The comparison of one table."""

    table: str
    committed: int
    archived: int
    missing: int
    duplicated: int
    altered: int


class ContainerResult(Part):
    """What a container used; peaks are of the whole run, CPU is of the load's time."""

    label: str
    memory_limit: int
    peak_held: int
    peak_working_set: int
    cpu_limit: float
    cpu: float
    """cores, on average"""
    throttled: float
    """seconds that it was kept waiting by its limit, of each second"""
    cpu_per_row: float
    """microseconds, from the first row to the last snapshot"""
    out_of_memory_kills: int


class Files(Part):
    """The Parquet files that the load made."""

    commits: int
    """snapshots, of all tables"""
    files: int
    size: int
    files_per_hour: float
    bytes_per_file: float
    commit_interval: float
    """seconds between two snapshots of a table, in the middle"""


class Reference(Part):
    """What one stage alone can do, measured in the same run."""

    stage: str
    how: str
    rate: float
    """rows a second"""


class Series(Part):
    """Second by second since the load's start; None where a part could not be asked."""

    at: list[float]
    committed: list[float | None]
    """rows a second"""
    streamed: list[float | None]
    archived: list[float | None]
    lag_wal: list[float | None]
    """bytes of WAL that the source has not confirmed"""
    lag_rows: list[float]
    """committed and not readable in the archive"""
    lag_seconds: list[float]
    """age of the oldest row that is not readable in the archive"""
    machine_cpu: list[float | None]
    """cores"""
    generator_cpu: list[float | None]
    held: dict[str, list[float | None]]
    """by container, bytes"""
    working_set: dict[str, list[float | None]]
    cpu: dict[str, list[float | None]]
    """by container, cores"""
    throttled: dict[str, list[float | None]]
    gc: dict[str, list[float | None]] = {}
    """by container, seconds of pauses in each second"""
    latency_at: list[float]
    """the second of the commit"""
    latency_p50: list[float]
    latency_p95: list[float]
    latency_p99: list[float]
    latency_max: list[float]


class Result(Part):
    """All of it."""

    version: int = 1
    at: str
    """when the load began, UTC"""
    revision: str
    """of the repository"""
    machine: Machine
    load: LoadShape
    summary: Summary
    tables: list[TableResult]
    containers: list[ContainerResult]
    files: Files
    references: list[Reference]
    series: Series

    def write(self, path: Path) -> None:
        """As JSON, with names as in JavaScript."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.model_dump_json(by_alias=True, indent=1) + "\n")


def read(path: Path) -> Result:
    """A result that was written. Raises pydantic.ValidationError where it is of another version."""
    return Result.model_validate_json(path.read_text())
