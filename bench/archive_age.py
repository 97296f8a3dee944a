"""A table of the archive at some numbers of commits, with and without maintenance."""

from bench.result import Machine, Part
from clients.stack import PROJECT

OUTPUT = PROJECT / "docs/bench/archive.json"
KIBIBYTE, GIBIBYTE = 1024, 1024**3
# Of S3 Standard in us-east-1, in dollars.
PER_GIBIBYTE_MONTH = 0.023


class Age(Part):
    """A table after a number of commits."""

    commits: int
    bulk_commits: int
    """of these, added to the metadata without a commit of their own"""
    snapshots: int
    metadata_bytes: int
    """of the present version of the metadata, which each commit writes whole"""
    objects: int
    """that are on the disk; superseded metadata of bulk commits is not"""
    bytes: int
    """of all objects that S3 would have"""
    commit_millis: float
    """median of the last ones; on a disk instead of S3"""
    commit_requests: dict[str, float]
    """to S3, per commit, with writing the data file"""
    heap_used: int
    """bytes that the metadata of the worker's tables takes"""
    heap_needed: int
    """the smallest -Xmx with which a JVM reads and writes the metadata of the worker's tables"""
    files: int
    """data files of the present snapshot"""
    plan_millis: float
    plan_requests: dict[str, float]
    query_millis: float
    """of a query of the present state, after planning"""
    rows: int
    """changes in the present snapshot"""
    distinct: int
    """of these, with different positions"""
    maintenance_runs: int
    """since the checkpoint before"""
    maintenance_seconds: float
    slowest_run: float
    maintenance_requests: dict[str, float]
    """to S3, per run"""


class Life(Part):
    """A table that ages."""

    at: str
    revision: str
    machine: Machine
    minutes: float
    """that it took to measure"""
    interval_seconds: float
    """between two commits"""
    rows: int
    """changes per commit"""
    keys: int
    """rows of the source's table"""
    maintain_every: int
    """commits; 0: never"""
    ages: tuple[Age, ...]

    @property
    def faults(self) -> list[str]:
        """Return what is missing from the table or repeated in it."""
        found = []
        for age in self.ages:
            missing, repeated = age.commits * self.rows - age.distinct, age.rows - age.distinct
            if missing or repeated:
                found.append(
                    f"after {age.commits:,} commits, {missing:,} changes are missing and"
                    f" {repeated:,} repeated"
                )
        return found


class ArchiveAge(Part):
    """The result: the same table without maintenance and with it."""

    tables: int
    """that the worker is assumed to have"""
    unmaintained: Life | None = None
    maintained: Life | None = None

    @property
    def faults(self) -> list[str]:
        """Return what is missing or repeated in either."""
        lives = (self.unmaintained, self.maintained)
        return [fault for life in lives if life is not None for fault in life.faults]


def table(result: ArchiveAge) -> str:
    """Return both lives of the table side by side, as Markdown."""
    lines = [
        "| commits | maintenance | snapshots | metadata | all in S3 | commit | heap for"
        f" {result.tables} tables | data files | plan | query | requests per commit |",
        "|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    lives = {"off": result.unmaintained, "on": result.maintained}
    found = [(age, name) for name, life in lives.items() if life for age in life.ages]
    found.sort(key=lambda each: each[0].commits)
    return "\n".join([*lines, *(_line(name, age) for age, name in found)])


def _line(maintenance: str, age: Age) -> str:
    cells = [
        f"{age.commits:,}",
        maintenance,
        f"{age.snapshots:,}",
        _size(age.metadata_bytes),
        _size(age.bytes),
        f"{age.commit_millis:,.0f} ms",
        _size(age.heap_needed),
        f"{age.files:,}",
        f"{age.plan_millis:,.0f} ms",
        f"{age.query_millis:,.0f} ms",
        f"{sum(age.commit_requests.values()):.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def text(result: ArchiveAge) -> str:
    """Return the table, how it was measured, and what it costs, as Markdown."""
    parts = [table(result)]
    if result.unmaintained:
        bulk = result.unmaintained.ages[-1].bulk_commits
        parts.append(
            f"Without maintenance: {_about(result.unmaintained)} {bulk:,} of the commits are"
            " snapshots that were added to the metadata in bulk, with their data files, but without"
            " a version of the metadata for each; the bytes of these versions are computed."
        )
    if result.maintained:
        ages = result.maintained.ages
        runs = sum(age.maintenance_runs for age in ages)
        average = sum(age.maintenance_seconds for age in ages) / max(runs, 1)
        parts.append(
            f"With maintenance: {_about(result.maintained)} Each commit was made. Maintenance ran"
            f" after every {result.maintained.maintain_every} commits, {runs:,} times:"
            f" {average:.1f} s on average, {max(age.slowest_run for age in ages):.1f} s at most,"
            f" with {sum(ages[-1].maintenance_requests.values()):,.0f} requests to S3."
        )
    return "\n\n".join(parts)


def _about(life: Life) -> str:
    last, machine = life.ages[-1], life.machine
    days = last.commits * life.interval_seconds / 86_400
    cost = last.bytes / GIBIBYTE * PER_GIBIBYTE_MONTH
    faults = "; ".join(life.faults) or f"none of {last.rows:,} changes was missing or repeated"
    return (
        f"measured on {life.at[:10]} at revision {life.revision} in {life.minutes:.0f} minutes, on"
        f" {machine.cores} cores with a load average of {machine.load_before:.1f} at the start."
        f" A commit of {life.rows} changes to {life.keys:,} rows every"
        f" {life.interval_seconds:.0f} s; {last.commits:,} commits are {days:.0f} days. At the"
        f" end the table costs ${cost:,.2f} a month in S3; {faults}."
    )


def _size(count: float) -> str:
    """Return bytes in the unit that fits."""
    units = ("B", "KiB", "MiB", "GiB", "TiB")
    unit = 0
    while count >= KIBIBYTE and unit < len(units) - 1:
        count /= KIBIBYTE
        unit += 1
    return (
        f"{count:,.0f} {units[unit]}" if count >= 10 or unit == 0 else f"{count:.1f} {units[unit]}"
    )
