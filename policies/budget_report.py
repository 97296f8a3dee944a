"""The message of an exceeded budget: each workload's share, the excess, the smallest changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from policies.pod_counts import PodCount

MAX_ALTERNATIVES = 3


@dataclass(frozen=True)
class Row:
    """A workload's share; request and limit are those of one pod, in bytes or millicores."""

    workload: str
    count: PodCount
    request: int
    limit: int

    @property
    def total(self) -> int:
        """The sum of its pods' limits."""
        return self.limit * self.count.maximum


@dataclass(frozen=True)
class Budget:
    """A budget and its use, in bytes or millicores."""

    resource: str
    limit: int
    step: int
    """The unit in which a limit is lowered."""
    format: Callable[[int], str]
    rows: Sequence[Row]

    @property
    def used(self) -> int:
        """The sum of all pods' limits."""
        return sum(row.total for row in self.rows)

    @property
    def excess(self) -> int:
        """The use beyond the limit; 0 or less if it fits."""
        return self.used - self.limit


@dataclass(frozen=True, order=True)
class Change:
    """A change to one workload after which the whole fits."""

    freed: int
    advice: str


def report(budget: Budget, excepted: Sequence[str] = ()) -> str:
    """Return the message. `excepted` workloads are not in the sum."""
    format_ = budget.format
    lines = [
        f"the pods' {budget.resource} limits add up to {format_(budget.used)}; `limit` is"
        f" {format_(budget.limit)}, exceeded by {format_(budget.excess)}",
        "",
        *_lines(table(budget)),
        "",
        *_suggestions(budget),
    ]
    if any(row.count.surge for row in budget.rows):
        lines.append("  surge: pods that a rolling update starts before it stops the old ones")
    lines += [f"  not counted, because of an exception: {workload}" for workload in excepted]
    return "\n".join(lines)


def table(budget: Budget) -> list[tuple[str, ...]]:
    """Return the table's cells: a header, the workloads by size, their sum, the headroom."""
    format_ = budget.format
    header = ("workload", "replicas", "request", "limit", "total", "share")
    body = [
        (
            row.workload,
            str(row.count),
            format_(row.request),
            format_(row.limit),
            format_(row.total),
            f"{row.total / budget.limit:.1%}",
        )
        for row in sorted(budget.rows, key=lambda row: (-row.total, row.workload))
    ]
    total = ("sum", "", "", "", format_(budget.used), f"{budget.used / budget.limit:.1%}")
    headroom = ("headroom", "", "", "", format_(-budget.excess), "")
    return [header, *body, total, headroom]


def _lines(cells: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return [_aligned(row, widths) for row in cells]


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Return a line of the table: the workload left-aligned, numbers right-aligned."""
    first, *others = (
        cell.ljust(width) if column == 0 else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return ("  " + "  ".join([first, *others])).rstrip()


def _suggestions(budget: Budget) -> list[str]:
    changes = sorted(change for row in budget.rows for change in _changes(budget, row))
    if not changes:
        return ["  no change to a single workload makes it fit; lower the limits of several"]
    smallest, *others = changes[:MAX_ALTERNATIVES]
    return [
        f"  smallest change that fits: {smallest.advice}",
        *(f"  or: {change.advice}" for change in others),
    ]


def _changes(budget: Budget, row: Row) -> list[Change]:
    """Return the changes to this workload after which the whole fits."""
    changes = []
    if budget.excess <= row.limit * row.count.surge:
        advice = f"set maxSurge to 0 on {row.workload}, so that an update starts no extra pods"
        changes.append(Change(0, advice))
    per_pod = _rounded_up(
        _rounded_up(budget.excess, row.count.maximum or 1, 1), budget.step, budget.step
    )
    if per_pod < row.limit and row.count.maximum:
        lowered = row.limit - per_pod
        also = " (and its request)" if lowered < row.request else ""
        each = " per pod" if row.count.maximum > 1 else ""
        advice = (
            f"lower the limit{also} of {row.workload} by {budget.format(per_pod)}{each},"
            f" to {budget.format(lowered)}"
        )
        changes.append(Change(per_pod * row.count.maximum, advice))
    return changes


def _rounded_up(amount: int, divisor: int, unit: int) -> int:
    """Divide, round up and multiply by a unit."""
    return -(-amount // divisor) * unit
