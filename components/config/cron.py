"""Schedules in the syntax of cron."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
# Leap years and weekdays repeat in it.
YEARS = 8

# The range of each field of a schedule: minute, hour, day of month, month, day of week.
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_ENTRY = re.compile(r"(?:\*|(\d+)(?:-(\d+))?)(?:/([1-9]\d*))?", re.ASCII)


def require_schedule(schedule: str) -> str:
    """Require the five fields of cron, each of numbers, ranges, steps and *, and days that exist.

    Raises ValueError for another schedule.
    """
    fields = schedule.split()
    if len(fields) == len(_RANGES) and all(map(_is_field, fields, _RANGES)):
        longest_pause(schedule)
        return schedule
    raise ValueError(
        "is not a valid schedule; allowed: five fields of cron in numbers (minute, hour, day of"
        " month, month, day of week from 0 for Sunday to 6), e.g. 17 * * * * for every hour"
    )


def _is_field(field: str, allowed: tuple[int, int]) -> bool:
    for entry in field.split(","):
        match = _ENTRY.fullmatch(entry)
        if match is None:
            return False
        numbers = [int(number) for number in match.groups()[:2] if number is not None]
        if numbers != sorted(numbers) or not all(allowed[0] <= n <= allowed[1] for n in numbers):
            return False
    return True


def longest_pause(schedule: str) -> int:
    """Return the seconds between two runs that follow each other, at most.

    The schedule has the five fields of cron, in numbers. Raises ValueError for one that is never
    due.
    """
    minutes, hours, *days = schedule.split()
    times = [
        hour * HOUR + minute * MINUTE
        for hour in sorted(_values(hours, 0, 23))
        for minute in sorted(_values(minutes, 0, 59))
    ]
    due = list(_days(*days))
    if not due:
        raise ValueError("is never due: no month that it allows has such a day")
    within_a_day = [after - before for before, after in pairwise(times)]
    over_night = [(after - before) * DAY - times[-1] + times[0] for before, after in pairwise(due)]
    return max([*within_a_day, *over_night])


def _days(day_of_month: str, month: str, day_of_week: str) -> Iterator[int]:
    """Yield the numbers of the days on which a schedule is due."""
    days, months = _values(day_of_month, 1, 31), _values(month, 1, 12)
    # 7 is Sunday, as 0.
    weekdays = {value % 7 for value in _values(day_of_week, 0, 7)}
    both = any(map(_is_every, (day_of_month, day_of_week)))
    first = date(2024, 1, 1)
    for number in range(YEARS * 366):
        day = first + timedelta(days=number)
        matches = (day.day in days, day.isoweekday() % 7 in weekdays)
        # Where both are restricted, cron runs on the days of either.
        if day.month in months and (all(matches) if both else any(matches)):
            yield number


def _is_every(field: str) -> bool:
    """Return whether a field of days restricts nothing, as Kubernetes reads it."""
    return any(entry in ("*", "*/1") for entry in field.split(","))


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
