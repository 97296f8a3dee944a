"""What faults of existing databases have cost; docs/SOURCES.md has the table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel

from clients.stack import PROJECT

OUTPUT = PROJECT / "docs/chaos/existing.json"


class Visits(BaseModel):
    """The rows that were inserted while a fault was on, as the archive has them."""

    committed: int
    """rows that the database has at the end"""
    changes: int
    """of these, archived as the change that inserted them"""
    only_read: int
    """of these, archived when the table was read again, and not as a change"""
    lost: int
    """of these, not archived"""
    duplicated: int
    """inserts that are archived more than once"""
    abandoned: int
    """inserts that are archived, and that the database does not have after its failover"""


class Outcome(BaseModel):
    """A fault's result."""

    name: str
    does: str
    at: str
    revision: str
    refused: str
    """what the status said; empty: capture went on by itself"""
    action: str
    """what the user had to do; empty: nothing"""
    recovered_seconds: float
    """from the end of the fault, or of the repair, until the last row was archived"""
    visits: Visits
    others_archived: int
    """rows of the other source that were archived while the fault was on"""
    verified: str
    """the last line of `make verify` over all sources"""


def counted(committed: Iterable[str], archived: Iterable[Mapping[str, str]]) -> Visits:
    """Compare the database's paths with the archive's: `path`, `__op` and the number of changes."""
    paths = set(committed)
    inserted, read, repeated = set[str](), set[str](), 0
    for row in archived:
        if row["__op"] == "c":
            inserted.add(row["path"])
            repeated += int(row["changes"]) - 1
        elif row["__op"] == "r":
            read.add(row["path"])
    return Visits(
        committed=len(paths),
        changes=len(paths & inserted),
        only_read=len(paths & read - inserted),
        lost=len(paths - inserted - read),
        duplicated=repeated,
        abandoned=len(inserted - paths),
    )


def table(outcomes: Sequence[Outcome]) -> str:
    """Return the outcomes as Markdown."""
    if not outcomes:
        return "No run has been recorded yet."
    lines = [
        "| fault | status | what the user had to do | recovered after | rows inserted"
        " | archived as changes | by reading again | lost | duplicated"
        " | archived of the other source meanwhile |",
        "|---|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for each in outcomes:
        visits = each.visits
        numbers = (
            visits.committed,
            visits.changes,
            visits.only_read,
            visits.lost,
            visits.duplicated,
            each.others_archived,
        )
        cells = [
            f"{each.name}: {each.does}",
            each.refused or "goes on",
            f"`{each.action}`" if each.action else "nothing",
            f"{each.recovered_seconds:.0f} s",
            *(f"{number:,}" for number in numbers),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    runs = "; ".join(f"{each.name} on {each.at} at revision {each.revision}" for each in outcomes)
    return "\n".join([*lines, "", f"Runs: {runs}."])


def keep(outcome: Outcome, file: Path) -> None:
    """Write an outcome in the place of the fault's earlier one."""
    kept = [each for each in read(file) if each.name != outcome.name]
    outcomes = [each.model_dump() for each in (*kept, outcome)]
    file.write_text(
        _Outcomes.model_validate({"outcomes": outcomes}).model_dump_json(indent=1) + "\n"
    )


def read(file: Path = OUTPUT) -> list[Outcome]:
    """Return the outcomes of a file; none if it does not exist."""
    return _Outcomes.model_validate_json(file.read_text()).outcomes if file.exists() else []


class _Outcomes(BaseModel):
    outcomes: list[Outcome]
