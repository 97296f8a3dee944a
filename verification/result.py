"""How a table's archive differs from PostgreSQL."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

# How many rows of each kind are shown.
EXAMPLES = 5


class Kind(StrEnum):
    """How a row differs."""

    MISSING = "missing"
    """in PostgreSQL and not in the archive"""
    EXTRA = "extra"
    """in the archive and not in PostgreSQL"""
    DIFFERENT = "different"


@dataclass(frozen=True)
class ColumnDifference:
    """A column that differs in a row. The values are for readers."""

    name: str
    in_database: str | None
    in_archive: str | None
    archived_in: str | None = None
    """the archive's column that holds the value, where it has several for the column"""
    is_lost: bool = False
    """whether the row was too large and was let through without this value"""


@dataclass(frozen=True)
class Difference:
    """A row that differs."""

    kind: Kind
    key: str
    lsn: int | None
    """position of its last archived change; None without one"""
    columns: tuple[ColumnDifference, ...] = ()


@dataclass(frozen=True)
class TableResult:
    """How a table's archive differs from PostgreSQL, in rows."""

    table: str
    rows: int = 0
    """compared, of those that PostgreSQL has"""
    equal: int = 0
    missing: int = 0
    extra: int = 0
    different: int = 0
    unsettled: int = 0
    """changed in every attempt to compare them"""
    columns: Mapping[str, int] = field(default_factory=dict)
    """in how many of the inspected rows each column differs"""
    inspected: int = 0
    """differing rows whose columns were compared"""
    examples: tuple[Difference, ...] = ()
    explanations: tuple[str, ...] = ()
    """what is known about the differences' cause"""
    notes: tuple[str, ...] = ()
    """what was not compared, or only in part"""
    error: str | None = None
    """why the table could not be compared"""
    seconds: float = 0

    @property
    def differs(self) -> bool:
        """Whether any row differs."""
        return bool(self.missing or self.extra or self.different)

    @property
    def is_compared(self) -> bool:
        """Whether every row was compared."""
        return self.error is None and not self.unsettled

    def as_json(self, show_values: bool) -> dict[str, Any]:
        """Return a document; values of rows only on request, as they may be secret."""
        document = asdict(self)
        if not show_values:
            for example in document["examples"]:
                example["columns"] = [column["name"] for column in example["columns"]]
        return document
