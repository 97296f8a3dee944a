"""The budget's message: who takes what, by how much it is too much, and the smallest way out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from policies.pod_counts import PodCount

MAX_ALTERNATIVES = 3


@dataclass(frozen=True)
class Row:
    """A workload's part; request and limit are those of one pod, in bytes or millicores."""

    workload: str
    count: PodCount
    request: int
    limit: int

    @property
    def total(self) -> int:
        """The limits of all its pods at once."""
        return self.limit * self.count.at_once


@dataclass(frozen=True)
class Budget:
    """A budget and what is taken of it, in bytes or millicores."""

    resource: str
    allowed: int
    step: int
    """the unit in which a limit is lowered"""
    write: Callable[[int], str]
    rows: Sequence[Row]

    @property
    def taken(self) -> int:
        """The limits of all pods at once."""
        return sum(row.total for row in self.rows)

    @property
    def excess(self) -> int:
        """What is taken beyond the budget; at most 0 where it fits."""
        return self.taken - self.allowed


@dataclass(frozen=True, order=True)
class Change:
    """A change of one workload that would make the whole fit."""

    gives_back: int
    advice: str


def report(budget: Budget, spared: Sequence[str] = ()) -> str:
    """The whole message. `spared`: workloads that an exception keeps out of the sum."""
    write = budget.write
    lines = [
        f"the pods' {budget.resource} limits add up to {write(budget.taken)}, allowed are"
        f" {write(budget.allowed)}: {write(budget.excess)} too much",
        "",
        *_lines(table(budget)),
        "",
        *_ways_out(budget),
    ]
    if any(row.count.surge for row in budget.rows):
        lines.append("  surge: pods that a rolling update starts before it stops the old ones")
    lines += [f"  not counted, by an exception: {workload}" for workload in spared]
    return "\n".join(lines)


def table(budget: Budget) -> list[tuple[str, ...]]:
    """The cells of the budget's table: a header, the workloads by size, their sum, the headroom."""
    write = budget.write
    header = ("workload", "replicas", "request", "limit", "at once", "share")
    body = [
        (
            row.workload,
            str(row.count),
            write(row.request),
            write(row.limit),
            write(row.total),
            f"{row.total / budget.allowed:.1%}",
        )
        for row in sorted(budget.rows, key=lambda row: (-row.total, row.workload))
    ]
    taken = ("sum", "", "", "", write(budget.taken), f"{budget.taken / budget.allowed:.1%}")
    headroom = ("headroom", "", "", "", write(-budget.excess), "")
    return [header, *body, taken, headroom]


def _lines(cells: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return [_aligned(row, widths) for row in cells]


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    """A line of the table: the workload to the left, numbers to the right."""
    first, *others = (
        cell.ljust(width) if column == 0 else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return ("  " + "  ".join([first, *others])).rstrip()


def _ways_out(budget: Budget) -> list[str]:
    changes = sorted(change for row in budget.rows for change in _changes(budget, row))
    if not changes:
        return ["  no change of one workload alone makes it fit; several have to give way"]
    smallest, *others = changes[:MAX_ALTERNATIVES]
    return [
        f"  smallest change that fits: {smallest.advice}",
        *(f"  or: {change.advice}" for change in others),
    ]


def _changes(budget: Budget, row: Row) -> list[Change]:
    """What this workload alone could do."""
    changes = []
    if budget.excess <= row.limit * row.count.surge:
        advice = f"set maxSurge to 0 on {row.workload}, so that an update starts no pod too many"
        changes.append(Change(0, advice))
    per_pod = _up(_up(budget.excess, row.count.at_once or 1, 1), budget.step, budget.step)
    if per_pod < row.limit and row.count.at_once:
        lowered = row.limit - per_pod
        also = " (and its request)" if lowered < row.request else ""
        each = " per pod" if row.count.at_once > 1 else ""
        advice = (
            f"lower the limit{also} of {row.workload} by {budget.write(per_pod)}{each},"
            f" to {budget.write(lowered)}"
        )
        changes.append(Change(per_pod * row.count.at_once, advice))
    return changes


def _up(amount: int, divisor: int, unit: int) -> int:
    """Divided and rounded up, times a unit."""
    return -(-amount // divisor) * unit
