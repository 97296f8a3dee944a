"""Asks MaintenanceScenarios.java, and reads its tables with a library of another language."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyiceberg.table import StaticTable

from tests.java_programs import JavaProgram


@dataclass(frozen=True)
class State:
    """What a table is."""

    metadata: str
    snapshots: int
    live: int
    """data files of the current snapshot"""
    data: int
    """data files in the table's folder"""
    files: int
    """all files in the table's folder"""
    rows: bool
    """whether it has every row that the sink has written, once"""
    missing: int
    """files that the metadata refers to and that are not there"""


@dataclass(frozen=True)
class Run:
    """What a run of the maintenance printed, and whether all went well."""

    is_done: bool
    lines: tuple[str, ...]

    @property
    def report(self) -> dict[str, Any]:
        """The last line."""
        found: dict[str, Any] = json.loads(self.lines[-1])
        return found


class Scenarios:
    """One table, its sink and its maintenance."""

    def __init__(self, program: JavaProgram, folder: Path) -> None:
        self._program, self.folder = program, folder

    def ask(self, line: str) -> str:
        answer = self._program.ask(line)
        assert not answer.startswith("failed:"), answer
        return answer

    def maintain(self, max_age_hours: int = 0, max_count: int = 1) -> Run:
        answer, *lines = self.ask(f"maintain {max_age_hours} {max_count}").split(" | ")
        return Run(answer == "true", tuple(lines))

    def state(self) -> State:
        found = dict(part.split("=", 1) for part in self.ask("state").split(" "))
        return State(
            metadata=found["metadata"],
            rows=found["rows"] == "true",
            **{key: int(found[key]) for key in ("snapshots", "live", "data", "files", "missing")},
        )

    def rows(self) -> "Counter[str]":
        """Return the rows as pyiceberg reads them."""
        table = StaticTable.from_metadata(self.state().metadata)
        return Counter(map(repr, table.scan().to_arrow().to_pylist()))
