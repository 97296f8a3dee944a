"""What a run of the demo prints."""

import time
from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from clients.archive import Archive
from demo.changes import Change
from demo.run import Result

SHOWN = 5
"""Examples of each kind of fault."""
VALUES_LENGTH = 200
"""Characters of a row that are shown."""
LINE_SECONDS = 10
"""Between two lines of progress where there is no terminal to draw on."""


class Progress:
    """Shows how many changes have arrived: a spinner on a terminal, lines elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = console.status("changing rows")
        self._next_line = 0.0

    def __enter__(self) -> "Progress":
        self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def __call__(self, committed: int, archived: int, all_committed: bool) -> None:
        """Show the numbers."""
        doing = "waiting for the archive" if all_committed else "changing rows"
        text = f"{doing}: {committed} changes committed, {archived} archived"
        self._status.update(text)
        if not self._console.is_terminal and time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + LINE_SECONDS
            self._console.print(text)


def print_result(console: Console, result: Result, archive: Archive) -> None:
    """The table, what was wrong if anything was, and the last line."""
    console.print(result_table(result, archive))
    comparison = result.comparison
    print_faults(console, "missing from the archive", comparison.missing)
    print_faults(console, "more than once in the archive", comparison.duplicated)
    print_faults(console, "in the archive but never committed by the demo", comparison.unexpected)
    for difference in result.differences[:SHOWN]:
        console.print(
            f"{difference.table} {difference.key} in the end:\n"
            f"  PostgreSQL {_shortened(difference.in_database)}\n"
            f"  archive    {_shortened(difference.in_archive)}",
            markup=False,
        )
    if result.differences:
        console.print(f"{len(result.differences)} rows differ from PostgreSQL in the end")
    console.print(last_line(result), highlight=False, soft_wrap=True)


def last_line(result: Result) -> str:
    """The summary that ends the output."""
    comparison = result.comparison
    line = (
        f"demo: {comparison.committed} changes, {comparison.archived} archived,"
        f" {len(comparison.missing)} missing, {len(comparison.duplicated)} duplicated"
    )
    if comparison.unexpected:
        line += f", {len(comparison.unexpected)} unexpected"
    if result.differences:
        line += f", {len(result.differences)} rows differ in the end"
    return line


def result_table(result: Result, archive: Archive) -> Table:
    """A line for each table of the database; seconds are from commit to readable in the archive."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("table", no_wrap=True)
    for column in (
        "rows changed",
        "inserts / updates / deletes",
        "rows archived",
        "seconds, p50 / max",
    ):
        table.add_column(column, justify="right")
    table.add_column("S3 prefix", overflow="fold")
    made = Counter((change.table, change.operation) for change in result.changes)
    missing = Counter(change.table for change in result.comparison.missing)
    for captured in result.tables:
        name = captured.table
        operations = [made[name, operation] for operation in "cud"]
        changed = sum(operations)
        table.add_row(
            name,
            str(changed),
            " / ".join(map(str, operations)),
            str(changed - missing[name]),
            _seconds(result.delays.get(name, [])),
            archive.location(name),
        )
    return table


def print_faults(console: Console, what: str, changes: Sequence[Change]) -> None:
    """How many changes are wrong in this way, and the first of them."""
    if not changes:
        return
    console.print(f"{len(changes)} {what}, for example:")
    for change in changes[:SHOWN]:
        console.print(
            f"  {change.table} {change.operation} {change.key} {_shortened(change.values)}",
            markup=False,
        )


def _shortened(values: tuple[Any, ...] | None) -> str:
    text = "no such row" if values is None else str(values)
    return text if len(text) <= VALUES_LENGTH else f"{text[:VALUES_LENGTH]}…"


def _seconds(delays: Sequence[float]) -> str:
    return f"{median(delays):.1f} / {max(delays):.1f}" if delays else "–"
