"""How an archive differs from what was committed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Example:
    """One of the changes that differ."""

    key: Any
    operation: str
    values: str | None
    """None if the comparison does not keep values"""


@dataclass(frozen=True)
class TableComparison:
    """How a table's archive differs from what was committed, in changed rows."""

    table: str
    committed: int
    archived: int
    missing: int
    """committed and not archived"""
    duplicated: int
    """archived more often than committed"""
    altered: int
    """archived, but never committed with these values in this operation"""
    examples: Mapping[str, tuple[Example, ...]]
    """by "missing", "duplicated" and "altered" """

    @property
    def agrees(self) -> bool:
        """Whether each committed change was archived exactly once, and nothing else was."""
        return not (self.missing or self.duplicated or self.altered)


@dataclass(frozen=True)
class RowDifference:
    """A row whose last archived change is not what PostgreSQL has."""

    table: str
    key: Any
    in_database: str | None
    """its values; None: there is no such row"""
    in_archive: str | None
