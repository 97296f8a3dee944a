"""Computes series by the second from samples, journal and snapshots."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, pairwise

from bench.containers import Usage
from bench.journal import BatchJournal
from bench.sampling import Sample
from clients.archive import ArchiveCommit


class Cumulative:
    """A count that grows in steps: its value at a time, and the time of a value."""

    def __init__(self, steps: Iterable[tuple[float, float]]) -> None:
        """Keep `steps`: times and what was added at each."""
        ordered = sorted(steps)
        self._times = [at for at, _ in ordered]
        self._sums = list(accumulate(added for _, added in ordered))

    def at(self, time: float) -> float:
        """Return the count at a time."""
        position = bisect_right(self._times, time)
        return self._sums[position - 1] if position else 0.0

    def reached(self, count: float) -> float:
        """Return when the count grew above `count`, or the time of the last step."""
        position = bisect_right(self._sums, count)
        return self._times[min(position, len(self._times) - 1)]

    @property
    def total(self) -> float:
        """The count after all steps."""
        return self._sums[-1] if self._sums else 0.0

    @property
    def last(self) -> float:
        """The time of the last step."""
        return self._times[-1]


def committed_rows(journal: BatchJournal) -> Cumulative:
    """Return the load's rows by the time of their commit."""
    return Cumulative((each.at, each.batch.rows) for each in journal.committed)


def archived_rows(commits: Iterable[ArchiveCommit]) -> Cumulative:
    """Return archived rows by the time at which they became readable."""
    return Cumulative((commit.at, commit.rows) for commit in commits)


def streamed_rows(samples: Sequence[Sample], rows: float) -> Callable[[Sample], float | None]:
    """Return a function from a sample to the rows in the topics.

    End offsets count the markers of transactions too. The topics finally have `rows` rows, so the
    rest are markers, and each sample is corrected by their share.
    """
    known = [sample.offsets for sample in samples if sample.offsets is not None]
    if not known or known[-1] == known[0]:
        return lambda _: None
    first, share = known[0], rows / (known[-1] - known[0])
    return lambda sample: None if sample.offsets is None else (sample.offsets - first) * share


def lag_seconds(committed: Cumulative, archived: Cumulative, at: float) -> float:
    """Return the age of the oldest row that is not readable, if rows arrive in commit order."""
    readable = archived.at(at)
    if readable >= committed.at(at):
        return 0.0
    return max(0.0, at - committed.reached(readable))


def rates(values: Sequence[float | None], times: Sequence[float]) -> list[float | None]:
    """Return the growth per second between values; None next to an unknown value."""
    found: list[float | None] = [None]
    for (before, after), (began, ended) in zip(pairwise(values), pairwise(times), strict=True):
        known = before is not None and after is not None and ended > began
        found.append((after - before) / (ended - began) if known else None)  # type: ignore[operator]
    return found


def by_container(
    samples: Sequence[Sample], labels: Iterable[str], value: Callable[[Usage], float]
) -> dict[str, list[float | None]]:
    """Return a measure of each container at each sample; None if it did not run."""
    return {
        label: [value(sample.usage[label]) if label in sample.usage else None for sample in samples]
        for label in labels
    }


def slope(times: Sequence[float], values: Sequence[float]) -> float:
    """Return the slope of the least-squares line."""
    if len(times) < 2:
        return 0.0
    middle_time, middle = sum(times) / len(times), sum(values) / len(values)
    spread = sum((time - middle_time) ** 2 for time in times)
    if not spread:
        return 0.0
    together = zip(times, values, strict=True)
    return sum((time - middle_time) * (value - middle) for time, value in together) / spread
