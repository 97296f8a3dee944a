"""The README's figures of the bench, made from the committed result so that they can't drift.

`python -m bench.figures README.md` writes them between their two markers.
"""

import sys
from pathlib import Path

from bench.report import MEBIBYTE
from bench.result import Result, read
from clients.stack import PROJECT

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
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


def with_section(text: str, result: Result) -> str:
    """A document with the figures between its markers brought up to date.

    Raises ValueError where the markers are not there.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document has no {BEGIN} … {END}; put them where the figures belong")
    return f"{before}{BEGIN}\n{section(result)}\n{END}{after}"


def main() -> None:
    """Rewrite the file that is named."""
    document = Path(sys.argv[1])
    document.write_text(with_section(document.read_text(), read(RESULT)))


if __name__ == "__main__":
    main()
