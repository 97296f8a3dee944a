"""What loads on one and on two Connect workers have shown: docs/bench/workers.json."""

from pydantic import BaseModel, ConfigDict

from bench.costs import Cpu, by_kind
from bench.result import Machine, Result
from clients.stack import PROJECT

OUTPUT = PROJECT / "docs/bench/workers.json"


class WorkersPoint(BaseModel):
    """A load on some workers."""

    model_config = ConfigDict(frozen=True)

    workers: int
    cpu_limit: float
    """cores of each worker"""
    rate: float
    """rows per second that were due"""
    rows: int
    wrong: int
    """missing, duplicated or altered rows"""
    archived_rate: float
    """rows per second, from the load's start until the last row was readable"""
    cpu: Cpu
    """microseconds per row, of all CPU until then"""
    used: tuple[float, ...]
    """cores, of each worker while the load ran"""
    latency_p50: float
    latency_p99: float


class WorkersResult(BaseModel):
    """All loads, in the order in which they ran."""

    at: str
    revision: str
    machine: Machine
    brokers: int
    sources: int
    """source connectors"""
    sink_tasks: int
    warm_up: float
    """seconds of load before each of them"""
    points: list[WorkersPoint]


def point_from_result(result: Result, workers: list[str], cpu_limit: float) -> WorkersPoint:
    """Return the point of a bench; `workers` are the labels of their containers."""
    of = {each.label: each for each in result.containers}
    summary = result.summary
    return WorkersPoint(
        workers=len(workers),
        cpu_limit=cpu_limit,
        rate=result.load.rate,
        rows=summary.rows,
        wrong=summary.missing + summary.duplicated + summary.altered,
        archived_rate=summary.archived_rate,
        cpu=by_kind({label: each.cpu_per_row for label, each in of.items()}),
        used=tuple(round(of[label].cpu, 3) for label in workers),
        latency_p50=summary.latency.p50,
        latency_p99=summary.latency.p99,
    )


def table(result: WorkersResult) -> str:
    """Return the loads as Markdown."""
    columns = ["workers", "CPU limit of each", "rows due per second", "archived per second",
               "µs per row: workers, brokers, PostgreSQL", "CPU of each worker", "p50, p99",
               "wrong rows"]  # fmt: skip
    lines = [columns, ["--:"] * len(columns)]
    lines += [
        [
            str(point.workers),
            f"{point.cpu_limit:g}",
            f"{point.rate:,.0f}",
            f"{point.archived_rate:,.0f}",
            f"{point.cpu.connect:.0f}, {point.cpu.broker:.0f}, {point.cpu.database:.0f}",
            " + ".join(f"{used:.2f}" for used in point.used),
            f"{point.latency_p50:.1f}, {point.latency_p99:.1f} s",
            str(point.wrong),
        ]
        for point in result.points
    ]
    rows = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return (
        f"Measured on {result.at[:10]} at revision {result.revision}, with everything on one"
        f" machine of {result.machine.cores} cores"
        f" (load average before: {result.machine.load_before:.1f}):"
        f" {result.brokers} brokers, {result.sources} source connectors, {result.sink_tasks} tasks"
        f" of the sink, {result.warm_up:.0f} s of load before each line.\n\n{rows}"
    )
