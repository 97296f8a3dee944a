"""The result of bench-tpch: its file, and its text in docs/BENCHMARK.md."""

from collections.abc import Sequence
from pathlib import Path

from bench.result import Machine, Part
from clients.stack import PROJECT

FOLDER = PROJECT / "docs/bench"
# Published on 15 April 2026: TPC-H at scale factor 50, the snapshot only.
PUBLISHED = "https://thenewstack.io/postgres-iceberg-cdc-benchmarks/"
PUBLISHED_SCALE_FACTOR = 50
# Rows of the eight tables at that scale factor, rounded: lineitem is not an exact multiple.
PUBLISHED_ROWS = 433_000_000
PUBLISHED_MINUTES = {
    "Supermetal": "13",
    "Flink": "90 to 116",
    "Kafka Connect with Debezium": "120",
    "Spark": "more than 180",
}
KAFKA_CONNECT_SECONDS = 120 * 60


class Used(Part):
    """What a container, or the captured server, used in a phase."""

    name: str
    cpu_seconds: float
    held: int
    """bytes, at most; 0: not measured"""
    limit: int


class Phase(Part):
    """The snapshot, or the stream of changes."""

    rows: int
    """that were to be archived"""
    archived: int
    seconds: float
    """the snapshot: from the creation of the slot to the commit of the last row. The stream: from
    the first change to the commit of the last"""
    load_seconds: float = 0
    """the stream: while changes were made"""
    machine_cpu_seconds: float
    """of everything on the machine"""
    most_unread: int
    """records that were in the topics and not yet archived, at most"""
    used: tuple[Used, ...]

    @property
    def rate(self) -> float:
        """Rows archived per second."""
        return self.archived / self.seconds

    @property
    def rows_per_cpu_second(self) -> float:
        """Rows archived for each second of CPU that the machine used: the rate of a busy core."""
        return self.archived / self.machine_cpu_seconds


class Verified(Part):
    """The comparison of every row."""

    tables: int
    rows: int
    differing: tuple[str, ...]
    """tables that differ, or were not compared, with the reason"""


class Kill(Part):
    """The kill of the Connect worker during the snapshot."""

    archived: int
    """rows when it was killed"""
    unread: int | None
    """records that were in the topics then and not archived; None: no broker answered"""
    seconds: float
    """from the creation of the slot to the kill"""
    recovery: float | None
    """from the kill until more rows were archived; None: no more were"""


class TpchResult(Part):
    """A snapshot and a stream of TPC-H, as docs/bench has them in a file for each scale factor."""

    at: str
    revision: str
    machine: Machine
    postgresql: int
    """major version"""
    scale_factor: float
    rows: dict[str, int]
    """of each table before the snapshot"""
    database_bytes: int
    snapshot: Phase
    stream: Phase | None
    verified: Verified
    kill: Kill | None = None
    """None: the worker was not killed"""
    repeated: dict[str, int] | None = None
    """for each table the rows of the snapshot that were archived in addition to one of each key;
    None: not counted, in a result of before 28 November 2026"""


def output_of(scale_factor: float) -> Path:
    """Return the file of a scale factor's result."""
    return FOLDER / f"tpch-sf{scale_factor:g}.json"


def recorded() -> list[TpchResult]:
    """Return the committed results, the smallest scale factor first."""
    results = [
        TpchResult.model_validate_json(file.read_text()) for file in FOLDER.glob("tpch-sf*.json")
    ]
    return sorted(results, key=lambda result: result.scale_factor)


def faults(result: TpchResult, is_killed: bool) -> list[str]:
    """Return what is wrong with a result; `is_killed`: the worker was to be killed."""
    phases = [result.snapshot, *([result.stream] if result.stream else [])]
    return [
        *(
            f"{phase.archived:,} of {phase.rows:,} rows archived"
            for phase in phases
            if phase.archived != phase.rows
        ),
        *result.verified.differing,
        *(
            f"{table}: {count:,} rows archived more than once"
            for table, count in (result.repeated or {}).items()
            if count
        ),
        *(_too_late(result) if is_killed else ()),
    ]


def _too_late(result: TpchResult) -> list[str]:
    """Return why a kill did not interrupt the snapshot."""
    kill, later = result.kill, "; choose a lower --kill-at or a larger scale factor"
    if kill is None:
        return [f"the snapshot ended before the worker was killed{later}"]
    if kill.archived + (kill.unread or 0) >= result.snapshot.rows:
        return [f"all rows were in the topics before the worker was killed{later}"]
    return []


def text(results: Sequence[TpchResult]) -> str:
    """Return the results and the published figures, as Markdown."""
    lines = [line for result in results for line in _of_scale_factor(result)]
    return "\n".join([*lines, "### Published figures", "", *_beside_published(results)])


def _of_scale_factor(result: TpchResult) -> list[str]:
    machine, rows = result.machine, sum(result.rows.values())
    differing = len(result.verified.differing)
    equal = "all equal" if not differing else f"{differing} not equal"
    return [
        f"### Scale factor {result.scale_factor:g}",
        "",
        f"Measured on {result.at[:10]} at revision {result.revision}, with everything on one"
        f" machine of {machine.cores} cores ({machine.processor}), PostgreSQL {result.postgresql}"
        f" included; load average before: {machine.load_before:.1f}. {rows:,} rows,"
        f" {result.database_bytes / 2**20:,.0f} MiB in PostgreSQL. `make verify` compared"
        f" {result.verified.rows:,} rows of {result.verified.tables} tables: {equal}.",
        "",
        "| | snapshot | stream of changes |",
        "|---|--:|--:|",
        *(f"| {name} | {' | '.join(cells)} |" for name, *cells in _rows(result)),
        "",
        *_interrupted(result),
    ]


def _interrupted(result: TpchResult) -> list[str]:
    """Return what a kill did, and how many rows came more than once, as paragraphs."""
    paragraphs = []
    if (kill := result.kill) is not None:
        unread = "" if kill.unread is None else f" and {kill.unread:,} more were in the topics"
        went_on = (
            "no more rows were archived after it"
            if kill.recovery is None
            else f"more rows were archived {kill.recovery:,.0f} s later"
        )
        paragraphs.append(
            f"The worker was killed {kill.seconds:,.0f} s after the snapshot's beginning, when"
            f" {kill.archived:,} of {result.snapshot.rows:,} rows were archived{unread}; {went_on}."
            " The snapshot's time and rates include that."
        )
    if result.repeated is not None:
        found = [f"{count:,} of {table}" for table, count in result.repeated.items() if count]
        paragraphs.append(
            "Rows of the snapshot that were archived more than once, counted by their keys:"
            f" {', '.join(found) or 'none'}."
        )
    return [line for paragraph in paragraphs for line in (paragraph, "")]


def _rows(result: TpchResult) -> list[tuple[str, str, str]]:
    def of(phase: Phase | None) -> list[str]:
        if phase is None:
            return ["–"] * (5 + len(result.snapshot.used))
        used = {each.name: each for each in phase.used}
        return [
            f"{phase.archived:,} of {phase.rows:,}",
            f"{phase.seconds:,.0f} s",
            f"**{phase.rate:,.0f}**",
            f"{phase.rows_per_cpu_second:,.0f}",
            f"{phase.most_unread:,}",
            *(_used(used.get(each.name), phase) for each in result.snapshot.used),
        ]

    names = [
        "rows archived",
        "time",
        "rows per second",
        "rows per second of CPU, of the whole machine",
        "records unread in the topics, at most",
        *(f"{each.name}: CPU, most memory held" for each in result.snapshot.used),
    ]
    return list(zip(names, of(result.snapshot), of(result.stream), strict=True))


def _used(used: Used | None, phase: Phase) -> str:
    if used is None:
        return "–"
    cores = f"{used.cpu_seconds / phase.seconds:.2f}"
    return f"{cores}, {used.held / used.limit:.0%} of its limit" if used.limit else cores


def _beside_published(results: Sequence[TpchResult]) -> list[str]:
    """Return what others have published for the same work, and what differs."""
    measured = " or ".join(f"{result.scale_factor:g}" for result in results)
    rate = PUBLISHED_ROWS / KAFKA_CONNECT_SECONDS
    times = ", ".join(f"{tool} {minutes}" for tool, minutes in PUBLISHED_MINUTES.items())
    return [
        f"Published for the same tables: [The New Stack, 15 April 2026]({PUBLISHED}), sponsored by"
        f" the maker of Supermetal, has the snapshot at scale factor {PUBLISHED_SCALE_FACTOR}"
        f" (about {PUBLISHED_ROWS:,} rows) into Iceberg, in minutes: {times}. Kafka Connect's"
        f" {KAFKA_CONNECT_SECONDS // 60} minutes are about {round(rate, -2):,.0f} rows per second."
        " What differs:",
        "",
        f"- Here everything shares {results[-1].machine.cores} cores: PostgreSQL, three brokers"
        " with three replicas, the worker within 1 CPU and 1 GiB, Kubernetes and the stand-in for"
        " S3. In the article each tool has one node of a size that is the same for all; how many"
        " cores that is, we could not find out. So rows per core can't be compared.",
        f"- The scale factor is {measured} instead of {PUBLISHED_SCALE_FACTOR}.",
        "- This pipeline archives each row exactly once, with its operation and its position in the"
        " WAL. Whether the article's tools were set to do so, we do not know.",
    ]
