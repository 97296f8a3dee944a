"""What a run leaves: JSON, a page for readers, and a table for the terminal."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from chaos.machine import Machine
from chaos.result import Outcome, Result

COLUMNS = (
    "fault",
    "outcome",
    "detected after",
    "recovered after",
    "committed",
    "lost",
    "duplicated",
    "what the user had to do",
)


@dataclass(frozen=True)
class Run:
    """All experiments of a run."""

    machine: Machine
    quick: bool
    rate: float
    """row changes per second"""
    results: Sequence[Result]
    seconds: float

    @property
    def failed(self) -> bool:
        """Whether any experiment failed."""
        return any(result.failed for result in self.results)


def write(run: Run, folder: Path) -> None:
    """Write chaos.json and README.md."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(run), indent=2, ensure_ascii=False)
    (folder / "chaos.json").write_text(text + "\n")
    (folder / "README.md").write_text(page(run))


def page(run: Run) -> str:
    """The report in Markdown."""
    machine = run.machine
    lines = [
        "# Faults under load",
        "",
        f"Written by `make chaos{' QUICK=1' if run.quick else ''}` at {machine.at} from commit"
        f" {machine.commit}, in {run.seconds / 60:.0f} minutes, on {machine.cores} cores of"
        f" {machine.processor}, {machine.memory_mib / 1024:.0f} GiB of memory, {machine.kernel}.",
        f"Meanwhile {run.rate:.0f} rows a second were inserted, updated and deleted in four"
        " tables. Afterwards every committed change is looked for in the archive, by table, key,"
        " operation and every value, and the rows' last archived state is compared with"
        " PostgreSQL.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        f"|{'---|' * len(COLUMNS)}",
        *(f"| {' | '.join(cells(result))} |" for result in run.results),
        "",
        "- *detected after*: from the injection to the first sign that a user can see.",
        "- *recovered after*: from the fault's end until all that was committed, during the fault"
        " too, is readable in the archive; ten seconds of it are the sink's commit interval.",
        "- *history lost*: changes are missing by design, but the archive's final rows are right.",
        "",
        "## What was seen",
        "",
        *(line for result in run.results for line in details(result)),
    ]
    return "\n".join(lines).rstrip() + "\n"


def cells(result: Result) -> list[str]:
    """A result's row."""
    if result.outcome is Outcome.NOT_RUN:
        return [f"{result.fault}: {result.does}", result.outcome, *[""] * 5, ""]
    return [
        f"{result.fault}: {result.does}",
        result.outcome,
        _seconds(result.detected_after),
        _seconds(result.recovered_after),
        str(result.committed),
        str(result.lost),
        str(result.duplicated),
        result.user_action,
    ]


def details(result: Result) -> list[str]:
    """What the table has no room for."""
    said = []
    if result.detected_by:
        said.append(f"first sign: {result.detected_by}")
    if result.database_away:
        said.append(f"the application could not write for {result.database_away:.0f} s")
    if result.unexpected:
        said.append(f"{result.unexpected} archived changes were never committed")
    if result.rows_differing:
        said.append(f"{result.rows_differing} rows differ from PostgreSQL in the end")
    said += result.complaints
    return [f"- **{result.fault}**: {'; '.join(said)}"] if said else []


def print_run(console: Console, run: Run) -> None:
    """The table, and what went wrong."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in COLUMNS:
        number = column in {"committed", "lost", "duplicated"} or column.endswith("after")
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    for result in run.results:
        name, *rest = cells(result)
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
