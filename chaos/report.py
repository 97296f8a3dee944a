"""What a run writes: JSON, a page for readers, and a table for the terminal."""

import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from chaos.catalog import faults
from chaos.machine import Machine
from chaos.result import Outcome, Result

# A row of chaos.json: a result, and the machine, load and pace of its run.
Row = Mapping[str, Any]

COLUMNS = (
    "fault",
    "outcome",
    "detected after",
    "recovered after",
    "committed",
    "per second",
    "lost",
    "duplicated",
    "what the user had to do",
)

COUNTS = frozenset({"committed", "per second", "lost", "duplicated"})


@dataclass(frozen=True)
class Run:
    """All experiments of a run."""

    machine: Machine
    quick: bool
    rate: float
    """row changes per second"""
    results: Sequence[Result]
    seconds: float
    note: str = ""
    """circumstances that a reader should know"""

    @property
    def failed(self) -> bool:
        """Whether any experiment failed."""
        return any(result.failed for result in self.results)


def write(run: Run, folder: Path) -> None:
    """Write chaos.json and README.md; rows of faults that this run did not inject are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "chaos.json"
    known = json.loads(data.read_text()) if data.exists() else {}
    rows = known | {result.fault: _row(run, result) for result in run.results}
    rows = {fault.name: rows[fault.name] for fault in faults() if fault.name in rows}
    data.write_text(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
    (folder / "README.md").write_text(page(list(rows.values())))


def _row(run: Run, result: Result) -> Row:
    about = {
        "machine": asdict(run.machine),
        "rate": run.rate,
        "quick": run.quick,
        "note": run.note,
    }
    return {**asdict(result), **about}


def read_result(row: Row) -> Result:
    """Return the result in a row of chaos.json."""
    values = {field.name: row[field.name] for field in fields(Result) if field.name in row}
    outcome, complaints = Outcome(row["outcome"]), tuple(row["complaints"])
    return Result(**{**values, "outcome": outcome, "complaints": complaints})


def page(rows: Sequence[Row]) -> str:
    """Return the report in Markdown."""
    does = {fault.name: fault.does for fault in faults()}
    results = [
        replace(result, does=does.get(result.fault, result.does))
        for result in map(read_result, rows)
    ]
    return "\n".join(
        [
            "# Faults under load",
            "",
            "Written by `make chaos`. Each row is the latest run of its fault. During a fault, rows"
            " are inserted, updated and deleted in four tables. Afterwards every committed change"
            " is compared with the archive, by table, key, operation and every value, and the last"
            " archived change of each row with PostgreSQL.",
            "",
            f"| {' | '.join((*COLUMNS, 'run'))} |",
            f"|{'---|' * (len(COLUMNS) + 1)}",
            *(
                f"| {' | '.join((*cells(result, row['rate']), _run_of(row)))} |"
                for result, row in zip(results, rows, strict=True)
            ),
            "",
            "- *detected after*: from the injection to the first symptom that a user can see.",
            "- *recovered after*: from the fault's end until everything committed before it is"
            " readable in the archive; up to ten seconds of that are the sink's commit interval.",
            "- *per second*: changes committed per second of the load, and the rate that it was to"
            " keep; outages of the database and pauses of the load make the first one smaller.",
            "- *history lost*: changes are missing by design, but the last archived change of each"
            " row is right.",
            "",
            "## Symptoms",
            "",
            *(line for result in results for line in details(result)),
            *_never_run({result.fault for result in results}),
            "",
            "## Machine",
            "",
            *dict.fromkeys(_machine_of(row) for row in rows),
            "",
        ]
    )


def _never_run(known: Set[str]) -> list[str]:
    """Return the faults that were never injected."""
    missing = [fault for fault in faults() if fault.name not in known]
    if not missing:
        return []
    listed = [f"- {fault.name}: {fault.does}" for fault in missing]
    return ["", "## Not run on a deployed pipeline yet", "", *listed]


def _run_of(row: Row) -> str:
    shorter = ", quick" if row["quick"] else ""
    return f"{row['machine']['at'][:16].replace('T', ' ')}, {row['machine']['commit']}{shorter}"


def _machine_of(row: Row) -> str:
    machine = row["machine"]
    return (
        f"- {machine['cores']} cores of {machine['processor']},"
        f" {machine['memory_mib'] / 1024:.0f} GiB of memory, {machine['kernel']}"
        + (f"; {row['note']}" if row["note"] else "")
    )


def cells(result: Result, rate: float) -> list[str]:
    """Return the cells of a result's row; `rate` is the load's, in changes per second."""
    if result.outcome is Outcome.NOT_RUN:
        return [f"{result.fault}: {result.does}", result.outcome, *[""] * (len(COLUMNS) - 2)]
    return [
        f"{result.fault}: {result.does}",
        result.outcome,
        _seconds(result.detected_after),
        _seconds(result.recovered_after),
        str(result.committed),
        _rate(result.committed_rate, rate),
        str(result.lost),
        str(result.duplicated),
        result.user_action,
    ]


def details(result: Result) -> list[str]:
    """Return what the table does not show."""
    notes = []
    if result.detected_by:
        notes.append(f"first symptom: {result.detected_by}")
    if result.database_away:
        notes.append(f"the application could not write for {result.database_away:.0f} s")
    if result.unexpected:
        notes.append(f"{result.unexpected} archived changes were never committed")
    if result.rows_differing:
        notes.append(f"{result.rows_differing} rows differ from PostgreSQL after the load")
    notes += result.complaints
    return [f"- **{result.fault}**: {'; '.join(notes)}"] if notes else []


def print_run(console: Console, run: Run) -> None:
    """Print the table, and what went wrong."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in COLUMNS:
        number = column in COUNTS or column.endswith("after")
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    for result in run.results:
        name, *rest = cells(result, run.rate)
        style = "bold red" if result.failed else ""
        table.add_row(name.split(":")[0], *rest, style=style)
    console.print(table)
    for result in run.results:
        if result.failed:
            console.print("\n".join(details(result)), markup=False)
    failed = [result.fault for result in run.results if result.failed]
    verdict = f"failed: {', '.join(failed)}" if failed else "nothing lost, nothing duplicated"
    console.print(f"chaos: {len(run.results)} faults in {run.seconds:.0f} s, {verdict}")


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.0f} s"


def _rate(committed: float | None, wanted: float) -> str:
    """Return the rates in words; runs of before this column know only what was wanted."""
    return f"up to {wanted:.0f}" if committed is None else f"{committed:.0f} of {wanted:.0f}"
