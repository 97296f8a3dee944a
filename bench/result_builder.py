"""Computes the result of a run from what was recorded while it ran."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median
from typing import Any

from bench.containers import Container
from bench.journal import BatchJournal
from bench.result import (
    ContainerResult,
    Files,
    LoadShape,
    Machine,
    Percentiles,
    Reference,
    Result,
    Series,
    Summary,
    TableResult,
)
from bench.sampling import Sample
from bench.schedule import rows_by_operation
from bench.timeline import (
    archived_rows,
    by_container,
    committed_rows,
    lag_seconds,
    rates,
    slope,
    streamed_rows,
)
from clients.archive import ArchiveCommit
from workload.comparison import Comparison
from workload.differences import TableComparison
from workload.machine import revision

# Share of a CPU limit from which on it counts as the bottleneck.
BUSY = 0.9


@dataclass(frozen=True)
class Recording:
    """What was recorded of a run."""

    journal: BatchJournal
    samples: Sequence[Sample]
    """from before the load's start until everything was archived"""
    commits: Sequence[ArchiveCommit]
    containers: Sequence[Container]
    comparison: Comparison
    restarts: int
    machine: Machine

    @property
    def during(self) -> list[Sample]:
        """The samples while the load ran."""
        begin, end = self.journal.started, self.journal.finished
        return [sample for sample in self.samples if begin <= sample.at <= end]

    @property
    def measured(self) -> list[Container]:
        """The containers that ran for some of the load: a Job's, as the maintenance's, may not."""
        during = self.during
        return [
            container
            for container in self.containers
            if sum(container.label in sample.usage for sample in during) > 1
        ]

    @property
    def since_start(self) -> list[Sample]:
        """The samples since the load's start, until everything was archived."""
        return [sample for sample in self.samples if sample.at >= self.journal.started]


def build_result(run: Recording, references: list[Reference]) -> Result:
    """Compute the result."""
    tables = run.comparison.tables()
    containers = [_container(run, container) for container in run.measured]
    series = _series(run, [each.label for each in containers])
    return Result(
        at=datetime.fromtimestamp(run.journal.started, UTC).isoformat(timespec="seconds"),
        revision=revision(),
        machine=run.machine,
        load=_shape(run.journal),
        summary=_summary(run, series, tables, containers),
        tables=[
            TableResult(
                table=each.table,
                committed=each.committed,
                archived=each.archived,
                missing=each.missing,
                duplicated=each.duplicated,
                altered=each.altered,
            )
            for each in tables
        ],
        containers=containers,
        files=_files(run),
        references=[_shared_ceiling(run), *references],
        series=series,
    )


def _shape(journal: BatchJournal) -> LoadShape:
    schedule = journal.schedule
    return LoadShape(
        rate=schedule.rate or 0.0,
        seconds=schedule.seconds,
        connections=schedule.connections,
        batch=schedule.batch,
        width=journal.values.width,
        seed=schedule.seed,
        tables=len(journal.tables),
        mix=dict(rows_by_operation(schedule.mix)),
    )


def _summary(
    run: Recording,
    series: Series,
    tables: list[TableComparison],
    containers: list[ContainerResult],
) -> Summary:
    journal, seconds = run.journal, run.journal.finished - run.journal.started
    committed, archived = committed_rows(journal), archived_rows(run.commits)
    streamed = streamed_rows(run.samples, committed.total)
    in_topics = [count for sample in run.during if (count := streamed(sample)) is not None]
    fullest = max(containers, key=lambda each: each.peak_held / each.memory_limit)
    rows = committed.total - committed.at(journal.started)
    second_half = [
        (at, lag)
        for at, lag in zip(series.at, series.lag_rows, strict=True)
        if seconds / 2 <= at <= seconds
    ]
    lag_growth = slope([at for at, _ in second_half], [lag for _, lag in second_half])
    return Summary(
        rows=int(rows),
        committed_rate=rows / seconds,
        streamed_rate=(in_topics[-1] - in_topics[0]) / seconds if in_topics else 0.0,
        archived_rate=rows / (archived.last - journal.started),
        steady_rate=rows / seconds - max(0.0, lag_growth),
        lag_slope=lag_growth,
        latency=_percentiles(run, "readable - confirmed"),
        latency_from_due=_percentiles(run, "readable - due"),
        lateness=_percentiles(run, "confirmed - due"),
        missing=sum(each.missing for each in tables),
        duplicated=sum(each.duplicated for each in tables),
        altered=sum(each.altered for each in tables),
        out_of_memory_kills=sum(each.out_of_memory_kills for each in containers),
        restarts=run.restarts,
        fullest_container=fullest.label,
        fullest_share=fullest.peak_held / fullest.memory_limit,
        bottleneck=_bottleneck(run, containers),
        wal_bytes=_wal_bytes(run) / rows,
        event_bytes=sum(each.size for each in run.commits) / archived.total,
    )


# SQL: the load's rows that have arrived, without those committed before its start.
ARRIVED = (
    "(SELECT due, confirmed, readable FROM archived JOIN (SELECT tab, key, op, digest,"
    " max(due) AS due, max(confirmed) AS confirmed FROM expected WHERE due >= $start GROUP BY ALL)"
    " USING (tab, key, op, digest))"
)


def _percentiles(run: Recording, seconds: str) -> Percentiles:
    ((values,),) = run.comparison.database.execute(
        f"SELECT quantile_disc({seconds}, [0.5, 0.95, 0.99, 1.0]) FROM {ARRIVED}",
        {"start": run.journal.started},
    ).fetchall()
    p50, p95, p99, most = values or [0.0] * 4
    return Percentiles(p50=p50, p95=p95, p99=p99, max=most)


def _latency_by_second(run: Recording) -> list[tuple[Any, ...]]:
    return run.comparison.database.execute(
        "SELECT floor(confirmed - $start) AS second,"
        " quantile_disc(readable - confirmed, [0.5, 0.95, 0.99, 1.0])"
        f" FROM {ARRIVED} GROUP BY second ORDER BY second",
        {"start": run.journal.started},
    ).fetchall()


def _shared_ceiling(run: Recording) -> Reference:
    """Return the rate at which no core would be idle, at the CPU that a row has cost.

    Each stage's own ceiling is measured with the machine to itself; together they share it.
    """
    samples = run.since_start
    used = samples[-1].machine_cpu_seconds - samples[0].machine_cpu_seconds
    cost = used / run.journal.rows
    return Reference(
        stage="all together",
        how=f"{run.machine.cores} cores ÷ {cost * 1e6:.0f} µs of CPU per row on the whole machine",
        rate=run.machine.cores / cost,
    )


def _series(run: Recording, labels: Sequence[str]) -> Series:
    samples, start = run.since_start, run.journal.started
    times = [sample.at for sample in samples]
    committed, archived = committed_rows(run.journal), archived_rows(run.commits)
    streamed = streamed_rows(run.samples, committed.total)
    cpu = by_container(samples, labels, lambda usage: usage.cpu_seconds)
    throttled = by_container(samples, labels, lambda usage: usage.throttled_seconds)
    latency = _latency_by_second(run)
    return Series(
        at=[round(time - start, 2) for time in times],
        committed=_rounded(rates([committed.at(time) for time in times], times)),
        streamed=_rounded(rates([streamed(sample) for sample in samples], times)),
        archived=_rounded(rates([archived.at(time) for time in times], times)),
        lag_wal=[
            sample.written_lsn - sample.confirmed_lsn
            if sample.written_lsn is not None and sample.confirmed_lsn is not None
            else None
            for sample in samples
        ],
        lag_rows=[committed.at(time) - archived.at(time) for time in times],
        lag_seconds=[round(lag_seconds(committed, archived, time), 2) for time in times],
        machine_cpu=_rounded(rates([sample.machine_cpu_seconds for sample in samples], times)),
        generator_cpu=_rounded(rates([sample.generator_cpu_seconds for sample in samples], times)),
        held=by_container(samples, labels, lambda usage: usage.held),
        working_set=by_container(samples, labels, lambda usage: usage.working_set),
        cpu={label: _rounded(rates(values, times)) for label, values in cpu.items()},
        throttled={label: _rounded(rates(values, times)) for label, values in throttled.items()},
        gc=_collections(run),
        latency_at=[second for second, _ in latency],
        latency_p50=[round(values[0], 2) for _, values in latency],
        latency_p95=[round(values[1], 2) for _, values in latency],
        latency_p99=[round(values[2], 2) for _, values in latency],
        latency_max=[round(values[3], 2) for _, values in latency],
    )


def _collections(run: Recording) -> dict[str, list[float | None]]:
    """Return the pauses between two scrapes, spread over the seconds between them."""
    found: dict[str, list[float | None]] = {}
    for label in {label for sample in run.samples for label in sample.paused}:
        scraped = [
            (sample.at, sample.paused[label]) for sample in run.samples if label in sample.paused
        ]
        found[label] = [_between(scraped, sample.at) for sample in run.since_start]
    return dict(sorted(found.items()))


def _between(scraped: Sequence[tuple[float, float]], at: float) -> float | None:
    for (before, paused_before), (after, paused_after) in pairwise(scraped):
        if before <= at < after:
            return round((paused_after - paused_before) / (after - before), 4)
    return None


def _container(run: Recording, container: Container) -> ContainerResult:
    label, during = container.label, [s for s in run.during if container.label in s.usage]
    everything = [s.usage[label] for s in run.samples if label in s.usage]
    since_start = [s.usage[label] for s in run.since_start if label in s.usage]
    first, last = during[0], during[-1]
    seconds = last.at - first.at
    used = last.usage[label].cpu_seconds - first.usage[label].cpu_seconds
    waited = last.usage[label].throttled_seconds - first.usage[label].throttled_seconds
    whole = since_start[-1].cpu_seconds - since_start[0].cpu_seconds
    return ContainerResult(
        label=label,
        memory_limit=container.memory_limit,
        peak_held=max(usage.held for usage in everything),
        peak_working_set=max(usage.working_set for usage in everything),
        cpu_limit=container.cpu_limit,
        cpu=used / seconds,
        throttled=waited / seconds,
        cpu_per_row=whole / run.journal.rows * 1e6,
        out_of_memory_kills=everything[-1].out_of_memory_kills - everything[0].out_of_memory_kills,
    )


def _wal_bytes(run: Recording) -> int:
    written = [sample.written_lsn for sample in run.during if sample.written_lsn is not None]
    return written[-1] - written[0] if written else 0


def _files(run: Recording) -> Files:
    files, size = sum(each.files for each in run.commits), sum(each.size for each in run.commits)
    begin, end = run.journal.started, max(each.at for each in run.commits)
    by_table: dict[str, list[float]] = {}
    for commit in run.commits:
        by_table.setdefault(commit.table, []).append(commit.at)
    pauses = [
        after - before
        for times in by_table.values()
        for before, after in zip(sorted(times), sorted(times)[1:], strict=False)
    ]
    return Files(
        commits=len(run.commits),
        files=files,
        size=size,
        files_per_hour=files / (end - begin) * 3600,
        bytes_per_file=size / files,
        commit_interval=median(pauses) if pauses else end - begin,
    )


def _bottleneck(run: Recording, containers: list[ContainerResult]) -> str:
    """Return the first limit that is reached: a container's, or that of the machine they share."""
    tightest = max(containers, key=lambda each: each.cpu / each.cpu_limit)
    if tightest.cpu / tightest.cpu_limit >= BUSY:
        return f"{tightest.label}, at {tightest.cpu:.2f} of its {tightest.cpu_limit:.1f} CPU"
    during = run.during
    busy = (during[-1].machine_cpu_seconds - during[0].machine_cpu_seconds) / (
        during[-1].at - during[0].at
    )
    if busy / run.machine.cores >= BUSY:
        greatest = max(containers, key=lambda each: each.cpu)
        return (
            f"the machine, {busy:.2f} of {run.machine.cores} cores busy: the pipeline uses"
            f" {sum(each.cpu for each in containers):.2f}, most of it {greatest.label} with"
            f" {greatest.cpu:.2f}"
        )
    return f"none at this rate; {tightest.label} is nearest to its limit, at {tightest.cpu:.2f} CPU"


def _rounded(values: Sequence[float | None]) -> list[float | None]:
    return [None if value is None else round(value, 3) for value in values]
