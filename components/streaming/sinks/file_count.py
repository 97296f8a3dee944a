"""How many Parquet files a day Confluent's sink writes, and which settings write fewer.

    files a day <= rows a day / flush.size + topic partitions × day / rotate.interval.ms

Each file is a multipart upload of three requests, and each query opens every file of its table,
with two requests or more (docs/TUNING.md).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from math import ceil
from typing import Literal

DAY_MS = 86_400_000
# Files a day of all tables together that need no warning. To write them takes 300,000 requests, and
# a query of a month opens three million.
BOUND = 100_000
# What the warning may propose. Rows are readable when their file is closed, so it proposes at most
# ten minutes.
FLUSH_SIZES = (2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000)
INTERVALS_MS = (60_000, 120_000, 300_000, 600_000)


@dataclass(frozen=True)
class Remark:
    """A sentence for the preview."""

    level: Literal["info", "warning"]
    text: str


@dataclass(frozen=True)
class FileCount:
    """What decides how many files are written."""

    partitions: int
    """of all the tables' topics together"""
    flush_size: int
    rotate_interval_ms: int
    rows_per_second: int | None
    """of all tables together; None: not known"""

    @property
    def by_clock(self) -> int:
        """Files a day that are closed by the interval, if each partition always has rows."""
        return ceil(self.partitions * DAY_MS / self.rotate_interval_ms)

    @property
    def a_day(self) -> int:
        """The most files a day; where the rate is not known, those of the interval."""
        rows = (self.rows_per_second or 0) * DAY_MS // 1000
        return ceil(rows / self.flush_size) + self.by_clock

    def remark(self, fits: Callable[[int], bool]) -> Remark:
        """Return what the preview says.

        `fits`: whether the workers have the heap for a flush size.
        """
        if self.a_day <= BOUND:
            return Remark("info", self._counted())
        return Remark("warning", f"{self._counted()}, more than {BOUND:,}. {self._advice(fits)}")

    def _counted(self) -> str:
        by_clock = (
            f"{self.by_clock:,} by archive.rotateIntervalMs {self.rotate_interval_ms} in"
            f" {self.partitions} partitions"
        )
        if self.rows_per_second is None:
            return (
                f"the archive gets up to {ceil(1_000_000 / self.flush_size):,} files per million"
                f" rows by archive.flushSize {self.flush_size}, and each day up to {by_clock}"
            )
        return (
            f"the archive gets up to {self.a_day:,} files a day: {self.a_day - self.by_clock:,} by"
            f" archive.flushSize {self.flush_size} at archive.rowsPerSecond {self.rows_per_second},"
            f" and {by_clock}"
        )

    def _advice(self, fits: Callable[[int], bool]) -> str:
        better = next(self._better(fits), None)
        if better is None:
            return (
                "No setting that the workers' heap has room for writes fewer: set fewer partitions"
                " (topics.partitions) or more memory (sizing.connect), or archive.sink iceberg,"
                " whose files are compacted"
            )
        return (
            f"For up to {better.a_day:,} set archive.flushSize {better.flush_size} and"
            f" archive.rotateIntervalMs {better.rotate_interval_ms}; rows are then readable after"
            " that time. With archive.sink iceberg files are compacted"
        )

    def _better(self, fits: Callable[[int], bool]) -> Iterator["FileCount"]:
        """Yield the settings below the bound, those that keep rows waiting the least first."""
        intervals = [each for each in INTERVALS_MS if each > self.rotate_interval_ms]
        sizes = [each for each in FLUSH_SIZES if each > self.flush_size]
        for interval, size in product(
            [self.rotate_interval_ms, *intervals], [self.flush_size, *sizes]
        ):
            better = replace(self, flush_size=size, rotate_interval_ms=interval)
            if better.a_day <= BOUND and fits(size):
                yield better
