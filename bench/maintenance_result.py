"""What a load costs without and with the archive's maintenance: docs/bench/maintenance.json."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from clients.stack import PROJECT

OUTPUT = PROJECT / "docs/bench/maintenance.json"


class Run(BaseModel):
    """A run of the maintenance; the counts are of all tables."""

    model_config = ConfigDict(frozen=True)

    seconds: float
    rewritten: int
    """files that were merged"""
    expired: int
    """snapshots"""


class Trial(BaseModel):
    """One load; rates are in rows per second, latencies in seconds from commit to readable."""

    model_config = ConfigDict(frozen=True)

    rows: int
    committed_rate: float
    archived_rate: float
    """from the first commit until the last row was readable"""
    latency_p50: float
    latency_p95: float
    latency_max: float
    missing: int
    duplicated: int
    altered: int
    files: int
    """in the archive of the load's tables, at its end"""
    snapshots: int
    runs: tuple[Run, ...] = ()


class Comparison(BaseModel):
    """The same load without and with maintenance."""

    model_config = ConfigDict(frozen=True)

    at: str
    revision: str
    cores: int
    rate: float
    seconds: float
    without: Trial
    maintained: Trial


def latencies(
    committed: Sequence[tuple[float, int]], readable: Sequence[tuple[float, int]]
) -> list[tuple[float, int]]:
    """Return delays and how many rows had each, in order of the delay.

    Both are moments and numbers of rows. The sink reads a partition in order, so the rows that are
    readable first count as those that were committed first.
    """
    arrivals = iter(readable)
    delays: list[tuple[float, int]] = []
    moment, left = 0.0, 0
    for at, rows in committed:
        waiting = rows
        while waiting:
            while not left:
                arrival = next(arrivals, None)
                if arrival is None:
                    return sorted(delays)
                moment, left = arrival
            part = min(waiting, left)
            delays.append((moment - at, part))
            waiting, left = waiting - part, left - part
    return sorted(delays)


def percentile(delays: Sequence[tuple[float, int]], share: float) -> float:
    """Return the delay that so many of all rows do not exceed."""
    wanted, seen = share * sum(rows for _, rows in delays), 0
    for delay, rows in delays:
        seen += rows
        if seen >= wanted:
            return delay
    raise ValueError("no row has arrived")


def table(result: Comparison) -> str:
    """Return the comparison as Markdown, for docs/BENCHMARK.md."""
    trials = (result.without, result.maintained)
    runs = result.maintained.runs
    rows = {
        "committed, rows per second": [f"{each.committed_rate:,.0f}" for each in trials],
        "archived, rows per second": [f"{each.archived_rate:,.0f}" for each in trials],
        "commit to readable, p50 / p95 / max": [
            f"{each.latency_p50:.1f} / {each.latency_p95:.1f} / {each.latency_max:.1f} s"
            for each in trials
        ],
        "lost, duplicated, altered": [
            f"{each.missing}, {each.duplicated}, {each.altered} of {each.rows:,}" for each in trials
        ],
        "the load's files at its end": [f"{each.files:,}" for each in trials],
        "snapshots of all tables": [f"{each.snapshots:,}" for each in trials],
    }
    work = (
        f"{len(runs)} runs of {min(run.seconds for run in runs):.0f} to"
        f" {max(run.seconds for run in runs):.0f} s merged"
        f" {sum(run.rewritten for run in runs):,} files and expired"
        f" {sum(run.expired for run in runs):,} snapshots"
    )
    lines = [
        f"Measured on {result.at[:10]} at revision {result.revision}, with {result.cores} cores:"
        f" {result.rate:,.0f} row changes per second for {result.seconds:.0f} s, twice. {work}.",
        "",
        "| | without | with maintenance |",
        "|---|--:|--:|",
        *(f"| {name} | {' | '.join(values)} |" for name, values in rows.items()),
    ]
    return "\n".join(lines)
