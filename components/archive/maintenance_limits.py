"""What alerts and `make status` hold the archive's maintenance to, by the stack's settings."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from components.config.archive import ArchiveSettings
from components.settings import MEBIBYTE

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
# Of what a run should leave or of the time to the next one, until it is reported: a run may fail.
TOLERATED_RUNS = 3
TOLERATED_SIZE = 2
# Leap years and weekdays repeat in it.
YEARS = 8


@dataclass(frozen=True)
class MaintenanceLimits:
    """The limits for every table of an Iceberg archive."""

    # From one maintenance to the next; None where it does not say when it was, as AWS's optimizers.
    late_after_seconds: int | None
    most_snapshots: int
    # Files of hours that are not closed, or were closed after the last run.
    open_files: int
    # Into which files are merged.
    target_file_bytes: int

    @classmethod
    def from_config(cls, archive: ArchiveSettings, tasks: int) -> "MaintenanceLimits | None":
        """Return the limits for a sink with so many tasks; None where nothing is maintained."""
        maintenance = archive.maintenance
        if archive.maintenance_kind == "none":
            return None
        job = archive.maintenance_kind == "job"
        # AWS starts its optimizers once a day at least.
        between = longest_pause(maintenance.schedule) if job else DAY
        commit = archive.rotate_interval_ms / 1000
        until_merged = between + maintenance.closed_after_minutes * 60 + HOUR
        return cls(
            late_after_seconds=TOLERATED_RUNS * between if job else None,
            most_snapshots=round(
                TOLERATED_SIZE * (maintenance.snapshot_max_count + between / commit)
            ),
            open_files=round(until_merged / commit) * tasks,
            target_file_bytes=maintenance.target_file_size * MEBIBYTE,
        )

    def records(self) -> dict[str, int]:
        """Return the limits as recording rules, by name."""
        found = {
            "archive_table_snapshots_limit": self.most_snapshots,
            "archive_open_files_limit": self.open_files,
            "archive_target_file_bytes": self.target_file_bytes,
        }
        if self.late_after_seconds is not None:
            found["archive_maintenance_late_seconds"] = self.late_after_seconds
        return found

    def output(self) -> Mapping[str, int | None]:
        """Return what `make status` needs of them."""
        return {
            "lateAfterSeconds": self.late_after_seconds,
            "mostSnapshots": self.most_snapshots,
        }


def longest_pause(schedule: str) -> int:
    """Return the seconds between two runs that follow each other, at most.

    The schedule has the five fields of cron, in numbers. One that is never due counts as a pause of
    all the years that were looked at.
    """
    minutes, hours, *days = schedule.split()
    times = [
        hour * HOUR + minute * MINUTE
        for hour in sorted(_values(hours, 0, 23))
        for minute in sorted(_values(minutes, 0, 59))
    ]
    due = list(_days(*days))
    within_a_day = [after - before for before, after in pairwise(times)] if due else []
    over_night = [(after - before) * DAY - times[-1] + times[0] for before, after in pairwise(due)]
    return max([*within_a_day, *over_night], default=YEARS * 365 * DAY)


def _days(day_of_month: str, month: str, day_of_week: str) -> Iterator[int]:
    """Yield the numbers of the days on which a schedule is due."""
    days, months = _values(day_of_month, 1, 31), _values(month, 1, 12)
    # 7 is Sunday, as 0.
    weekdays = {value % 7 for value in _values(day_of_week, 0, 7)}
    both = "*" in (day_of_month, day_of_week)
    first = date(2024, 1, 1)
    for number in range(YEARS * 366):
        day = first + timedelta(days=number)
        matches = (day.day in days, day.isoweekday() % 7 in weekdays)
        # Where both are restricted, cron runs on the days of either.
        if day.month in months and (all(matches) if both else any(matches)):
            yield number


def _values(field: str, low: int, high: int) -> set[int]:
    """Return the numbers that a field of cron allows."""
    values: set[int] = set()
    for entry in field.split(","):
        numbers, _, step = entry.partition("/")
        first, _, last = numbers.partition("-")
        if numbers == "*":
            span = range(low, high + 1)
        else:
            # A single number with a step goes on to the end.
            span = range(int(first), int(last or (high if step else first)) + 1)
        values |= set(span[:: int(step or 1)])
    return values
