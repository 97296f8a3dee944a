"""The tables of docs/BENCHMARK.md, generated from the committed measurements by `make docs`."""

from collections.abc import Callable
from statistics import fmean

from bench import archive_age, costs, maintenance_result, sizing, snapshot, tpch_result
from bench.containers import is_worker
from bench.costs import TABLES_SERIES, Cpu, Growth, Point
from bench.program import result as program_result
from bench.report import MEBIBYTE
from bench.result import Result, read
from bench.snapshot import Snapshot
from clients.stack import PROJECT

RESULT = PROJECT / "docs/bench/bench.json"


def bench_table(result: Result) -> str:
    """Return the summary and the stages' ceilings, as Markdown."""
    summary, load, machine = result.summary, result.load, result.machine
    rows = [
        ("load", f"{load.rate:,.0f} row changes per second for {load.seconds:.0f} s"),
        ("archived, sustained", f"**{summary.steady_rate:,.0f} per second**"),
        ("lag", f"{summary.lag_slope:+,.0f} rows per second in the load's second half"),
        ("rows not yet readable, on average by sixths of the load",
         " / ".join(f"{rows:,.0f}" for rows in mean_lags(result, 6))),
        ("lost, duplicated, altered", f"{summary.missing}, {summary.duplicated},"
         f" {summary.altered} of {summary.rows:,}"),
        ("commit to readable, p50 / p95 / p99 / max", " / ".join(
            f"{value:.1f}" for value in (summary.latency.p50, summary.latency.p95,
                                         summary.latency.p99, summary.latency.max)) + " s"),
        ("fullest container", f"{summary.fullest_container}, {summary.fullest_share:.0%} of its"
         f" memory limit; {summary.out_of_memory_kills} OOM kills"),
        ("files", f"{result.files.files_per_hour:,.0f} per hour of"
         f" {result.files.bytes_per_file / MEBIBYTE:.2f} MiB"),
        ("bottleneck", summary.bottleneck),
    ]  # fmt: skip
    for reference in sorted(result.references, key=lambda each: each.rate):
        used = f"{summary.steady_rate / reference.rate:.0%} used"
        rows.append(
            (
                f"ceiling: {reference.stage}",
                f"{reference.rate:,.0f} per second ({reference.how}); {used}",
            )
        )
    about = (
        f"Measured on {result.at[:10]} at revision {result.revision}, with everything on one"
        f" machine of {machine.cores} cores ({machine.processor}) and"
        f" {machine.memory / 2**30:.0f} GiB:"
    )
    table = "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])
    return f"{about}\n\n{table}"


def mean_lags(result: Result, parts: int) -> list[float]:
    """Return the mean number of rows not yet readable in each of equal parts of the load.

    The lag rises and falls with each commit of the sink, so its slope alone does not show
    whether it stays flat.
    """
    length = result.load.seconds / parts
    lags: list[list[float]] = [[] for _ in range(parts)]
    for at, lag in zip(result.series.at, result.series.lag_rows, strict=True):
        if 0 <= at < result.load.seconds:
            lags[int(at // length)].append(lag)
    return [fmean(each) for each in lags if each]


def growth_table(measured: Growth) -> str:
    """Return what wider rows and more partitions have used, as Markdown."""
    lines = [
        "| tables | partitions each | text columns | rows/s | WAL, topic, archive (B per row) |"
        " CPU with the load | without a load | most memory held | p50, p99 | measured |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|:--|",
    ]
    for each in measured.points:
        if each.series == TABLES_SERIES:
            continue
        row_sizes = [each.wal_bytes, each.topic_bytes, each.archive_bytes]
        cells = [
            str(each.tables),
            str(each.partitions),
            f"{each.width:,} characters",
            f"{each.rate:,.0f}",
            ", ".join("–" if size is None else f"{size:,.0f}" for size in row_sizes),
            _millicores(each.used),
            "–" if each.idle is None else _millicores(each.idle),
            _held(each),
            f"{each.latency_p50:.1f}, {each.latency_p99:.1f} s",
            _moment(each),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def tables_table(measured: Growth) -> str:
    """Return what the same rate has used over more and more tables, as Markdown."""
    lines = [
        "| tables | partitions each | rows/s | commits every | missing, duplicated, altered |"
        " m without a load | µs per row in addition | most memory held | p50, p99 | measured |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|:--|",
    ]
    for each in measured.points:
        if each.series != TABLES_SERIES:
            continue
        counts = [each.missing, each.duplicated, each.altered]
        cells = [
            str(each.tables),
            str(each.partitions),
            f"{each.rate:,.0f}",
            f"{each.commit_seconds:.0f} s",
            ", ".join("–" if count is None else str(count) for count in counts)
            + f" of {each.rows:,}",
            _all_parts(each.idle),
            _all_parts(each.above_idle),
            _held(each),
            f"{each.latency_p50:.1f}, {each.latency_p99:.1f} s",
            _moment(each),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _held(point: Point) -> str:
    held = [point.connect_held, point.broker_held, point.database_held]
    return " + ".join(f"{size / MEBIBYTE:.0f}" for size in held) + " MiB"


def _moment(point: Point) -> str:
    """Return when a point was measured, and how busy the machine was."""
    if point.measured is None:
        return "26 November 2026 or earlier"
    return f"{point.measured.at[:10]}, load average {point.measured.load_average:.1f}"


def _all_parts(cpu: Cpu | None) -> str:
    """Return the CPU of the worker, all brokers, PostgreSQL and the stand-in for AWS."""
    if cpu is None:
        return "–"
    parts = [cpu.connect, cpu.broker, cpu.database, cpu.aws]
    return " + ".join("–" if part is None else f"{part:,.0f}" for part in parts)


def _millicores(cpu: Cpu) -> str:
    """Return the millicores of the worker, all brokers and PostgreSQL."""
    return f"{cpu.connect:,.0f} + {cpu.broker:,.0f} + {cpu.database:,.0f} m"


def sizing_table(result: Result) -> str:
    """Return what rates of the bench's rows need, as Markdown."""
    commit_seconds = costs.DEFAULT_COMMIT_MS / 1000
    arranged = costs.Arranged("bench", costs.DEFAULT_PARTITIONS, commit_seconds)
    return sizing.table([costs.point_from_result(result, arranged)], commit_seconds)


def snapshot_text(result: Snapshot) -> str:
    """Return the result of a large table's snapshot, in sentences."""
    workers = (each for each in result.peaks if is_worker(each.container))
    worker = max(workers, key=lambda each: each.held)
    killed = (
        f"the worker was killed when {result.killed_at:,} rows were archived, and the"
        f" snapshot {'began again' if result.repeated else 'went on'}"
        if result.killed_at is not None
        else "nothing was killed"
    )
    return (
        f"A table with {result.rows:,} rows ({result.table_bytes / 2**30:.1f} GiB in PostgreSQL)"
        f" was added on {result.at[:10]} at revision {result.revision}: {killed}. After"
        f" {result.archiving / 60:.0f} minutes {result.archived:,} rows were archived"
        f" ({result.rate:,.0f} per second): {result.missing} missing, {result.altered} altered,"
        f" {result.repeated:,} twice."
        f" The worker held at most {worker.held / worker.limit:.0%} of its memory limit."
    )


# What is generated from each committed measurement.
SECTIONS: dict[str, Callable[[], str]] = {
    "bench": lambda: bench_table(read(RESULT)),
    "sizing": lambda: sizing_table(read(RESULT)),
    "growth": lambda: growth_table(Growth.model_validate_json(costs.OUTPUT.read_text())),
    "tables": lambda: tables_table(Growth.model_validate_json(costs.OUTPUT.read_text())),
    "maintenance": lambda: maintenance_result.table(
        maintenance_result.Comparison.model_validate_json(maintenance_result.OUTPUT.read_text())
    ),
    "archive": lambda: archive_age.text(
        archive_age.ArchiveAge.model_validate_json(archive_age.OUTPUT.read_text())
    ),
    "tpch": lambda: tpch_result.text(tpch_result.recorded()),
    "program": lambda: program_result.text(
        program_result.ProgramGrowth.model_validate_json(program_result.OUTPUT.read_text())
    ),
    "snapshot": lambda: snapshot_text(Snapshot.model_validate_json(snapshot.OUTPUT.read_text())),
}


def section(name: str) -> str:
    """Return the text of a section of docs/BENCHMARK.md, whose cog blocks call this."""
    return SECTIONS[name]()
