"""Compares what was committed with what was archived. Knows no database and no file."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from demo.changes import ArchivedChange, Change

Key = tuple[str, Any]
"""A table and a primary key in it."""


@dataclass(frozen=True)
class Comparison:
    """How archived changes differ from committed ones."""

    committed: int
    archived: int
    """archived changes that were committed, each counted once"""
    missing: tuple[Change, ...]
    """committed and not archived"""
    duplicated: tuple[Change, ...]
    """archived more often than committed"""
    unexpected: tuple[Change, ...]
    """archived, but never committed: a changed value, a rolled back row, another writer's row"""

    @property
    def agrees(self) -> bool:
        """Whether each committed change was archived exactly once, and nothing else was."""
        return not (self.missing or self.duplicated or self.unexpected)


def compare(committed: Iterable[Change], archived: Iterable[Change]) -> Comparison:
    """Match changes by table, key, operation and every value."""
    made, found = Counter(committed), Counter(archived)
    missing, surplus = made - found, found - made
    return Comparison(
        committed=made.total(),
        archived=(made & found).total(),
        missing=tuple(missing.elements()),
        duplicated=tuple(change for change in surplus.elements() if change in made),
        unexpected=tuple(change for change in surplus.elements() if change not in made),
    )


def final_rows(archived: Iterable[ArchivedChange]) -> dict[Key, tuple[Any, ...]]:
    """The rows that exist after all archived changes: the last of each key, if no delete.

    The order is the WAL's. A row's changes never share a position, for each has a record of its
    own; two that do are a duplicate, which compare() reports.
    """
    last: dict[Key, ArchivedChange] = {}
    for each in archived:
        key = (each.change.table, each.change.key)
        if key not in last or each.lsn >= last[key].lsn:
            last[key] = each
    return {
        key: each.change.values for key, each in last.items() if each.change.operation[0] != "d"
    }


@dataclass(frozen=True)
class StateDifference:
    """A row that is not the same in PostgreSQL and in the archive's last word on it."""

    table: str
    key: Any
    in_database: tuple[Any, ...] | None
    """None: no such row"""
    in_archive: tuple[Any, ...] | None


def compare_state(
    database: Mapping[Key, tuple[Any, ...]], archive: Mapping[Key, tuple[Any, ...]]
) -> list[StateDifference]:
    """The rows in which the two differ."""
    return [
        StateDifference(*key, database.get(key), archive.get(key))
        for key in sorted(database.keys() | archive.keys(), key=repr)
        if database.get(key) != archive.get(key)
    ]


class Arrivals:
    """When each archived change was first seen; equal changes are counted, the first seen first."""

    def __init__(self) -> None:
        self._seen: dict[Change, list[float]] = defaultdict(list)

    def observe(self, archived: Iterable[Change], now: float) -> None:
        """Record that all these were readable at this time (seconds)."""
        for change, number in Counter(archived).items():
            times = self._seen[change]
            times.extend([now] * (number - len(times)))

    def delays(self, committed: Iterable[tuple[Change, float]]) -> dict[str, list[float]]:
        """Seconds from commit to first sight, per table, of the committed changes that arrived."""
        upcoming = {change: iter(times) for change, times in self._seen.items()}
        delays: dict[str, list[float]] = defaultdict(list)
        for change, committed_at in committed:
            seen_at = next(upcoming.get(change, iter(())), None)
            if seen_at is not None:
                delays[change.table].append(seen_at - committed_at)
        return dict(delays)
