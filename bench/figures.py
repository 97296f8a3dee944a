"""The figures of docs/BENCHMARK.md, made from the committed measurements so that they can't drift.

`python -m bench.figures docs/BENCHMARK.md` writes each measurement's between their two markers.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from bench import growth, sizes, snapshot
from bench.growth import Cpu, Growth
from bench.report import MEBIBYTE
from bench.result import Result, read
from bench.snapshot import Snapshot
from clients.stack import PROJECT

RESULT = PROJECT / "docs/bench/bench.json"


def section(result: Result) -> str:
    """The headline and the reference lines, as Markdown."""
    summary, load, machine = result.summary, result.load, result.machine
    rows = [
        ("load", f"{load.rate:,.0f} row changes a second for {load.seconds:.0f} s"),
        ("archived, sustained", f"**{summary.steady_rate:,.0f} a second**"),
        ("lag", f"{summary.lag_slope:+,.0f} rows a second in the load's second half"),
        ("lost, duplicated, altered", f"{summary.missing}, {summary.duplicated},"
         f" {summary.altered} of {summary.rows:,}"),
        ("commit to readable, p50 / p95 / p99 / max", " / ".join(
            f"{value:.1f}" for value in (summary.latency.p50, summary.latency.p95,
                                         summary.latency.p99, summary.latency.max)) + " s"),
        ("fullest container", f"{summary.fullest_container}, {summary.fullest_share:.0%} of its"
         f" memory limit; {summary.out_of_memory_kills} OOM kills"),
        ("files", f"{result.files.files_per_hour:,.0f} an hour of"
         f" {result.files.bytes_per_file / MEBIBYTE:.2f} MiB"),
        ("bottleneck", summary.bottleneck),
    ]  # fmt: skip
    for reference in sorted(result.references, key=lambda each: each.rate):
        used = f"{summary.steady_rate / reference.rate:.0%} of it used"
        rows.append(
            (
                f"ceiling: {reference.stage}",
                f"{reference.rate:,.0f} a second ({reference.how}); {used}",
            )
        )
    about = (
        f"Measured on {result.at[:10]} at revision {result.revision}, everything on one machine of"
        f" {machine.cores} cores ({machine.processor}) and {machine.memory / 2**30:.0f} GiB:"
    )
    table = "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])
    return f"{about}\n\n{table}"


def growth_section(measured: Growth) -> str:
    """What each arrangement used that was measured; as Markdown."""
    lines = [
        "| tables | partitions each | text columns | rows/s | WAL, topic, archive (B a row) |"
        " CPU with the load | without one | most memory held | p50, p99 | files a commit |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for each in measured.points:
        sizes = [each.wal_bytes, each.topic_bytes, each.archive_bytes]
        held = [each.connect_held, each.broker_held, each.database_held]
        cells = [
            str(each.tables),
            str(each.partitions),
            f"{each.width:,} characters",
            f"{each.rate:,.0f}",
            ", ".join("–" if size is None else f"{size:,.0f}" for size in sizes),
            _of_each(each.used),
            "–" if each.idle is None else _of_each(each.idle),
            " + ".join(f"{size / MEBIBYTE:.0f}" for size in held) + " MiB",
            f"{each.latency_p50:.1f}, {each.latency_p99:.1f} s",
            f"{each.files_per_commit:.1f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _of_each(cpu: Cpu) -> str:
    """Millicores of the worker, the brokers together and PostgreSQL."""
    return f"{cpu.connect:,.0f} + {cpu.broker:,.0f} + {cpu.database:,.0f} m"


def sizing_section(result: Result) -> str:
    """What rates of the bench's rows need, by what they cost in the bench; as Markdown."""
    measured = growth.point(result, None, growth.DEFAULT_PARTITIONS)
    return sizes.table([measured], growth.DEFAULT_COMMIT_MS / 1000)


def snapshot_section(result: Snapshot) -> str:
    """A large table's snapshot, in a sentence or two."""
    worker = next(each for each in result.peaks if each.container == "kafka-connect")
    killed = (
        f"the worker was killed when {result.killed_at:,} rows were archived and began anew"
        if result.killed_at is not None
        else "nothing was killed"
    )
    return (
        f"{result.rows:,} rows ({result.table_bytes / 2**30:.1f} GiB in PostgreSQL) that a table"
        f" had before it was added, measured on {result.at[:10]} at revision {result.revision}:"
        f" {killed}; after {result.archiving / 60:.0f} minutes {result.archived:,} were archived"
        f" ({result.rate:,.0f} a second): {result.missing} missing, {result.altered} altered,"
        f" {result.repeated:,} twice, as what was read before the kill is read again. The worker"
        f" held at most {worker.held / worker.limit:.0%} of its memory."
    )


SECTIONS: dict[str, tuple[Path, Callable[[], str]]] = {
    "bench": (RESULT, lambda: section(read(RESULT))),
    "sizing": (RESULT, lambda: sizing_section(read(RESULT))),
    "growth": (
        growth.OUTPUT,
        lambda: growth_section(Growth.model_validate_json(growth.OUTPUT.read_text())),
    ),
    "snapshot": (
        snapshot.OUTPUT,
        lambda: snapshot_section(Snapshot.model_validate_json(snapshot.OUTPUT.read_text())),
    ),
}
"""By the name in the markers: the measurement, and its figures."""


def with_section(text: str, name: str, figures: str) -> str:
    """A document with the figures between their markers brought up to date.

    Raises ValueError where the markers are not there.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found_begin, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        raise ValueError(f"the document has no {begin} … {end}; put them where the figures belong")
    return f"{before}{begin}\n{figures}\n{end}{after}"


def with_figures(text: str) -> str:
    """A document with the figures of everything that was measured and is committed."""
    for name, (result, figures) in SECTIONS.items():
        if result.exists():
            text = with_section(text, name, figures())
    return text


def main() -> None:
    """Rewrite the file that is named."""
    document = Path(sys.argv[1])
    document.write_text(with_figures(document.read_text()))


if __name__ == "__main__":
    main()
