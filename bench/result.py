"""The result of a bench: what the JSON file has and the report shows."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Part(BaseModel):
    """A part of the result, in seconds, bytes and rows unless the name says otherwise."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class Machine(Part):
    """What everything ran on: node, pipeline, AWS stand-in, load and measurements."""

    processor: str
    cores: int
    memory: int
    system: str
    kernel: str
    load_before: float
    """the machine's load average of one minute, before the load began"""


class LoadShape(Part):
    """The load's parameters."""

    rate: float
    seconds: float
    connections: int
    batch: int
    width: int
    seed: int
    tables: int
    mix: dict[str, int]
    """rows of each operation, of 100"""


class Percentiles(Part):
    """Percentiles over rows, in seconds."""

    p50: float
    p95: float
    p99: float
    max: float


class Summary(Part):
    """The summary of a bench."""

    rows: int
    committed_rate: float
    """rows per second that PostgreSQL committed while the load ran"""
    streamed_rate: float
    """rows per second that reached the topics while the load ran"""
    archived_rate: float
    """rows per second from the first commit to the archive's last snapshot"""
    steady_rate: float
    """rows per second that became readable in the load's second half: what was sustained"""
    lag_slope: float
    """rows per second by which the archive fell behind in the load's second half; 0 is flat"""
    latency: Percentiles
    """from the commit in PostgreSQL to the snapshot that made the row readable"""
    latency_from_due: Percentiles
    """from when the row was due: no coordinated omission"""
    lateness: Percentiles
    """of the load itself, from due to committed"""
    missing: int
    duplicated: int
    altered: int
    out_of_memory_kills: int
    restarts: int
    fullest_container: str
    fullest_share: float
    """peak of held memory, as a share of the limit"""
    bottleneck: str
    wal_bytes: float
    """WAL per row"""
    event_bytes: float
    """archived files' size per row"""


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
    """seconds of each second in which it had used up its CPU limit"""
    cpu_per_row: float
    """microseconds, from the first row to the last snapshot"""
    out_of_memory_kills: int


class Files(Part):
    """The Parquet files that the load led to."""

    commits: int
    """snapshots of all tables"""
    files: int
    size: int
    files_per_hour: float
    bytes_per_file: float
    commit_interval: float
    """median seconds between two snapshots of a table"""


class Reference(Part):
    """What one stage can do alone, measured in the same run."""

    stage: str
    how: str
    rate: float
    """rows per second"""


class Series(Part):
    """Second by second since the load's start; None if a part did not answer."""

    at: list[float]
    committed: list[float | None]
    """rows per second"""
    streamed: list[float | None]
    archived: list[float | None]
    lag_wal: list[float | None]
    """bytes of WAL that the source has not confirmed"""
    lag_rows: list[float]
    """committed and not yet readable in the archive"""
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
    """by container, seconds of GC pauses in each second"""
    latency_at: list[float]
    """the second of the commit"""
    latency_p50: list[float]
    latency_p95: list[float]
    latency_p99: list[float]
    latency_max: list[float]


class Result(Part):
    """The whole result of a bench."""

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
        """Write it as JSON, with camelCase names."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.model_dump_json(by_alias=True, indent=1) + "\n")


def read(path: Path) -> Result:
    """Read a written result. Raises pydantic.ValidationError if its format is another."""
    return Result.model_validate_json(path.read_text())
