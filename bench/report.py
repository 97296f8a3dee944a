"""The report: one HTML file that needs no others, and a summary for the terminal."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.charts import Chart, Line
from bench.result import Percentiles, Result

MEBIBYTE = 1024 * 1024

STYLE = (Path(__file__).parent / "report.css").read_text()


def html(result: Result) -> str:
    """Return the report as one HTML page."""
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>datapipe bench</title>"
        f"<meta name=viewport content='width=device-width'><style>{STYLE}</style>"
        f"<h1>datapipe bench</h1><p class=muted>{_about(result)}</p>"
        f"<div class=cards>{''.join(_cards(result))}</div>"
        f"<h2>Stages</h2>{_stages(result)}<p>Bottleneck: {escape(result.summary.bottleneck)}.</p>"
        f"<h2>Second by second</h2><p class=muted>The dotted line is the end of the load.</p>"
        f"<div class=charts>{''.join(chart.svg() for chart in charts(result))}</div>"
        f"<h2>Containers</h2>{_containers(result)}"
        "<p class=muted>Held is anonymous and shared memory, which only a kill frees. The working"
        " set also has recently used file pages, which the kernel reclaims when the container needs"
        " memory.</p>"
        f"<h2>Latency</h2>{_latency(result)}"
        f"<h2>Source against archive</h2>{_tables(result)}"
        f"<h2>Files</h2>{_files(result)}<h2>Load and machine</h2>{_load(result)}</html>\n"
    )


def charts(result: Result) -> list[Chart]:
    """Return the report's charts."""
    series = result.series
    at, end = series.at, result.load.seconds
    found = [
        Chart(
            "Rates",
            "rows per second",
            [
                Line("committed", at, _smooth(series.committed)),
                Line("into topics", at, _smooth(series.streamed)),
                Line("readable in the archive (mean of 20 s)", at, _smooth(series.archived, 20)),
            ],
            end_of_load=end,
        ),
        Chart("Lag", "rows not yet readable", [Line("rows", at, series.lag_rows)], end_of_load=end),
        Chart(
            "Age of the oldest row that is not yet readable",
            "seconds",
            [Line("lag", at, series.lag_seconds)],
            end_of_load=end,
        ),
        Chart(
            "WAL that the source has not confirmed",
            "bytes",
            [Line("WAL", at, series.lag_wal)],
            end_of_load=end,
        ),
        Chart(
            "Latency by second of the commit",
            "seconds from commit to readable",
            [
                Line("p50", series.latency_at, series.latency_p50),
                Line("p95", series.latency_at, series.latency_p95),
                Line("p99", series.latency_at, series.latency_p99),
                Line("max", series.latency_at, series.latency_max),
            ],
        ),
        Chart(
            "CPU",
            f"cores; the machine has {result.machine.cores}",
            [
                Line("machine", at, _smooth(series.machine_cpu)),
                *(Line(name, at, _smooth(values)) for name, values in series.cpu.items()),
                Line("load generator", at, _smooth(series.generator_cpu)),
            ],
            limit=result.machine.cores,
            end_of_load=end,
        ),
        Chart(
            "Throttled at the container's CPU limit",
            "seconds of each second",
            [Line(name, at, _smooth(values)) for name, values in series.throttled.items()],
            end_of_load=end,
        ),
    ]
    if series.gc:
        found.append(
            Chart(
                "Garbage collection",
                "seconds of pauses in each second",
                [Line(name, at, values) for name, values in series.gc.items()],
                end_of_load=end,
            )
        )
    for container in result.containers:
        found.append(
            Chart(
                f"Memory of {container.label}",
                "MiB; dashed: the limit",
                [
                    Line("held", at, _mebibytes(series.held[container.label])),
                    Line("working set", at, _mebibytes(series.working_set[container.label])),
                ],
                limit=container.memory_limit / MEBIBYTE,
                end_of_load=end,
            )
        )
    return found


def print_summary(console: Console, result: Result) -> None:
    """Print the summary for the terminal."""
    summary = result.summary
    _print(console, "stages", ("stage", "rows/s", "used", "how"), stage_rows(result))
    _print(console, "containers", CONTAINER_COLUMNS, container_rows(result))
    _print(console, "latency, seconds", ("", "p50", "p95", "p99", "max"), latency_rows(result))
    console.print(
        f"\nbottleneck: {summary.bottleneck}\n"
        f"files: {result.files.files_per_hour:.0f} per hour of"
        f" {result.files.bytes_per_file / 1024:.0f} KiB\n"
        f"lag: {summary.lag_slope:+.0f} rows per second in the load's second half\n"
        f"bench: {summary.rows} rows at {summary.committed_rate:.0f}/s,"
        f" {summary.steady_rate:.0f}/s archived, {summary.missing} missing,"
        f" {summary.duplicated} duplicated, {summary.altered} altered,"
        f" {summary.out_of_memory_kills} OOM kills",
        soft_wrap=True,
    )


CONTAINER_COLUMNS = ("container", "held, peak", "limit", "%", "working set", "CPU", "limit",
                     "throttled", "µs/row")  # fmt: skip


def stage_rows(result: Result) -> list[tuple[str, ...]]:
    """Return the rows of the stages: end to end first, then what each stage can do alone."""
    own = result.summary.steady_rate
    rows: list[tuple[str, ...]] = [("end to end", f"{own:,.0f}", "", "this run, its second half")]
    for reference in sorted(result.references, key=lambda each: each.rate):
        share = f"{own / reference.rate:.0%}" if reference.rate else "–"
        rows.append((reference.stage, f"{reference.rate:,.0f}", share, reference.how))
    return rows


def container_rows(result: Result) -> list[tuple[str, ...]]:
    """Return memory and CPU of each container."""
    return [
        (
            each.label,
            f"{each.peak_held / MEBIBYTE:.0f}",
            f"{each.memory_limit / MEBIBYTE:.0f} MiB",
            f"{each.peak_held / each.memory_limit:.0%}",
            f"{each.peak_working_set / MEBIBYTE:.0f}",
            f"{each.cpu:.2f}",
            f"{each.cpu_limit:.1f}",
            f"{each.throttled:.0%}",
            f"{each.cpu_per_row:.0f}",
        )
        for each in result.containers
    ]


def latency_rows(result: Result) -> list[tuple[str, ...]]:
    """Return the percentiles over all rows."""
    summary = result.summary
    named: Mapping[str, Percentiles] = {
        "commit to readable": summary.latency,
        "due to readable": summary.latency_from_due,
        "due to committed (by the load)": summary.lateness,
    }
    rows: list[tuple[str, ...]] = []
    for name, each in named.items():
        values = (each.p50, each.p95, each.p99, each.max)
        rows.append((name, *(f"{value:.2f}" for value in values)))
    return rows


def _about(result: Result) -> str:
    machine, load = result.machine, result.load
    return escape(
        f"{result.at}, revision {result.revision}; {load.rate:,.0f} rows per second for"
        f" {load.seconds:.0f} s over {load.connections} connections, {load.tables} tables;"
        f" everything on one machine: {machine.cores} cores of {machine.processor},"
        f" {machine.memory / 2**30:.0f} GiB"
    )


def _cards(result: Result) -> list[str]:
    summary = result.summary
    cards = {
        "rows per second, sustained": f"{summary.steady_rate:,.0f}",
        "rows": f"{summary.rows:,}",
        "lost / duplicated / altered": f"{summary.missing} / {summary.duplicated}"
        f" / {summary.altered}",
        "seconds to readable, p50 / p99": f"{summary.latency.p50:.1f} / {summary.latency.p99:.1f}",
        f"of its memory limit, {summary.fullest_container}": f"{summary.fullest_share:.0%}",
        "OOM kills": str(summary.out_of_memory_kills),
    }
    return [
        f"<div class=card><b>{escape(value)}</b>{escape(name)}</div>"
        for name, value in cards.items()
    ]


def _stages(result: Result) -> str:
    return _html_table(("stage", "rows/s", "used", "how"), stage_rows(result), text=(3,))


def _containers(result: Result) -> str:
    return _html_table(CONTAINER_COLUMNS, container_rows(result))


def _latency(result: Result) -> str:
    return _html_table(("seconds", "p50", "p95", "p99", "max"), latency_rows(result))


def _tables(result: Result) -> str:
    columns = ("table", "committed", "archived", "missing", "duplicated", "altered")
    return _html_table(
        columns,
        [
            (each.table, *(f"{getattr(each, column):,}" for column in columns[1:]))
            for each in result.tables
        ],
    )


def _files(result: Result) -> str:
    files = result.files
    return _html_table(
        ("", ""),
        [
            ("snapshots", f"{files.commits}"),
            ("data files", f"{files.files}"),
            ("files per hour", f"{files.files_per_hour:,.0f}"),
            ("bytes per file", f"{files.bytes_per_file:,.0f}"),
            ("bytes per row", f"{result.summary.event_bytes:.1f}"),
            ("seconds between snapshots of a table", f"{files.commit_interval:.1f}"),
        ],
    )


def _load(result: Result) -> str:
    load, machine = result.load, result.machine
    mix = ", ".join(f"{share} {kind}" for kind, share in load.mix.items())
    rows = [
        ("rate, time", f"{load.rate:,.0f} rows/s, {load.seconds:.0f} s, seed {load.seed}"),
        ("transactions", f"{load.batch} rows each, over {load.connections} connections"),
        ("of 100 rows", mix),
        ("text columns", f"{load.width} characters"),
        ("processor", f"{machine.cores} × {machine.processor}"),
        ("memory", f"{machine.memory / 2**30:.1f} GiB"),
        ("system", f"{machine.system}, Linux {machine.kernel}"),
        ("load average before", f"{machine.load_before:.2f}"),
    ]
    return _html_table(("", ""), rows, text=(1,))


def _html_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], text: Sequence[int] = ()
) -> str:
    head = "".join(
        f"<th{' class=text' if number in text else ''}>{escape(column)}</th>"
        for number, column in enumerate(columns)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{' class=text' if number in text else ''}>{escape(cell)}</td>"
            for number, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _print(
    console: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    table = Table(
        title=f"\n{title}", title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number and column != "how" else "left")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _mebibytes(values: Sequence[float | None]) -> list[float | None]:
    return [None if value is None else value / MEBIBYTE for value in values]


def _smooth(values: Sequence[float | None], seconds: int = 5) -> list[float | None]:
    """Return the moving average over the last seconds."""
    smooth: list[float | None] = []
    for position, value in enumerate(values):
        window = [
            each
            for each in values[max(0, position - seconds + 1) : position + 1]
            if each is not None
        ]
        smooth.append(sum(window) / len(window) if window and value is not None else None)
    return smooth
