"""The load's account, held against the archive and the database."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from demo.changes import ArchivedChange, Captured, Change, rows_with_keys
from demo.comparison import Comparison, Key, compare, compare_state, final_rows

from chaos.load import Load
from chaos.pipeline import Pipeline
from demo.run import read_archive

READ = "r"
"""__op of a row that a snapshot read; no change, so it is compared as state only"""


@dataclass(frozen=True)
class Observation:
    """A look at the archive."""

    comparison: Comparison
    rows_differing: int
    """rows of the load whose last archived state is not the database's"""


class Account:
    """What one load committed, and where it should be found."""

    def __init__(self, pipeline: Pipeline, tables: Mapping[str, Captured], load: Load) -> None:
        self._pipeline, self._tables, self._load = pipeline, tables, load

    def holds(self, changes: Iterable[Change]) -> bool:
        """Whether the archive has all of these."""
        return not compare(changes, self._made(self._archived())).missing

    def observe(self, keeps_history: bool, complete_from: int) -> Observation:
        """Compare everything, after the load's end. Without history, state from a position on."""
        changes, archived = self._load.changes(), self._archived()
        return Observation(
            compare(changes, self._made(archived)),
            self._differing(changes, archived, 0 if keeps_history else complete_from),
        )

    def _archived(self) -> list[ArchivedChange]:
        """What the archive holds of the load's time; snapshots may have read later."""
        end = self._load.last_lsn
        found = read_archive(
            self._pipeline.archive, self._tables.values(), self._load.first_lsn, None
        )
        return [each for each in found if end is None or each.lsn < end or _is_read(each)]

    def _made(self, archived: Iterable[ArchivedChange]) -> list[Change]:
        return [each.change for each in archived if not _is_read(each)]

    def _differing(
        self, changes: list[Change], archived: list[ArchivedChange], complete_from: int
    ) -> int:
        keys = {(change.table, change.key) for change in changes}
        ours = [
            each
            for each in archived
            if each.lsn >= complete_from and (each.change.table, each.change.key) in keys
        ]
        return len(compare_state(self._rows(keys), final_rows(ours)))

    def _rows(self, keys: set[Key]) -> dict[Key, tuple[Any, ...]]:
        """What the database holds of these keys."""
        found: dict[Key, tuple[Any, ...]] = {}
        with self._pipeline.database() as connection:
            for table in self._tables.values():
                own = [key for name, key in keys if name == table.table]
                rows = rows_with_keys(connection, table, own)
                found |= {(table.table, key): values for key, values in rows.items()}
        return found


def _is_read(each: ArchivedChange) -> bool:
    return each.change.operation == READ


def without(table: Captured, column: str | None) -> Captured:
    """A table of which one column is not compared."""
    return replace(table, columns=tuple(each for each in table.columns if each != column))
