"""From samples, account and snapshots to series by the second."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, pairwise

from bench.account import Account
from bench.archived import Commit
from bench.containers import Usage
from bench.sampling import Sample


class Cumulative:
    """A count that grows in steps: how much at a time, and when it was so much."""

    def __init__(self, steps: Iterable[tuple[float, float]]) -> None:
        """`steps` are times and what was added then."""
        ordered = sorted(steps)
        self._times = [at for at, _ in ordered]
        self._sums = list(accumulate(added for _, added in ordered))

    def at(self, time: float) -> float:
        """The count at a time."""
        position = bisect_right(self._times, time)
        return self._sums[position - 1] if position else 0.0

    def reached(self, count: float) -> float:
        """When the count grew above `count`; the time of the last step where it never did."""
        position = bisect_right(self._sums, count)
        return self._times[min(position, len(self._times) - 1)]

    @property
    def total(self) -> float:
        """The count in the end."""
        return self._sums[-1] if self._sums else 0.0

    @property
    def last(self) -> float:
        """When the last step was made."""
        return self._times[-1]


def committed_rows(account: Account) -> Cumulative:
    """Rows of the load by the time of their commit."""
    return Cumulative((each.at, each.batch.rows) for each in account.committed)


def archived_rows(commits: Iterable[Commit]) -> Cumulative:
    """Rows by the time at which they became readable."""
    return Cumulative((commit.at, commit.rows) for commit in commits)


def streamed_rows(samples: Sequence[Sample], rows: float) -> Callable[[Sample], float | None]:
    """Rows in the topics at a sample.

    End offsets count the markers of transactions as well. In the end there are `rows` rows, so what
    is above that is markers, and each sample is corrected by their share.
    """
    known = [sample.offsets for sample in samples if sample.offsets is not None]
    if not known or known[-1] == known[0]:
        return lambda _: None
    first, share = known[0], rows / (known[-1] - known[0])
    return lambda sample: None if sample.offsets is None else (sample.offsets - first) * share


def lag_seconds(committed: Cumulative, archived: Cumulative, at: float) -> float:
    """Age of the oldest row that is not readable, where rows arrive in the order of commits."""
    readable = archived.at(at)
    if readable >= committed.at(at):
        return 0.0
    return max(0.0, at - committed.reached(readable))


def rates(values: Sequence[float | None], times: Sequence[float]) -> list[float | None]:
    """Growth a second; None beside a value that is not known."""
    found: list[float | None] = [None]
    for (before, after), (began, ended) in zip(pairwise(values), pairwise(times), strict=True):
        known = before is not None and after is not None and ended > began
        found.append((after - before) / (ended - began) if known else None)  # type: ignore[operator]
    return found


def by_container(
    samples: Sequence[Sample], labels: Iterable[str], value: Callable[[Usage], float]
) -> dict[str, list[float | None]]:
    """A measure of each container at each sample; None where it did not run."""
    return {
        label: [value(sample.usage[label]) if label in sample.usage else None for sample in samples]
        for label in labels
    }


def slope(times: Sequence[float], values: Sequence[float]) -> float:
    """Of the straight line with the least squares."""
    if len(times) < 2:
        return 0.0
    middle_time, middle = sum(times) / len(times), sum(values) / len(values)
    spread = sum((time - middle_time) ** 2 for time in times)
    if not spread:
        return 0.0
    together = zip(times, values, strict=True)
    return sum((time - middle_time) * (value - middle) for time, value in together) / spread
