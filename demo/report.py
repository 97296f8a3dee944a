"""What a run of the demo prints."""

from collections import Counter
from collections.abc import Sequence
from statistics import median

from rich.console import Console
from rich.table import Table

from clients.archive import Archive
from demo.run import Result

# Rows that differ from PostgreSQL of which the values are printed.
SHOWN = 5
# Characters of a row's values that are printed.
VALUES_LENGTH = 200

KINDS = {
    "missing": "missing from the archive",
    "duplicated": "more than once in the archive",
    "altered": "in the archive, but never committed by the demo",
}


def print_result(console: Console, result: Result, archive: Archive) -> None:
    """Print the table, the differences if there are any, and the last line."""
    console.print(result_table(result, archive))
    for kind, words in KINDS.items():
        print_differences(console, result, kind, words)
    for difference in result.row_differences[:SHOWN]:
        console.print(
            f"{difference.table} {difference.key} after the last change:\n"
            f"  PostgreSQL {_shortened(difference.in_database)}\n"
            f"  archive    {_shortened(difference.in_archive)}",
            markup=False,
        )
    if result.row_differences:
        console.print(f"{len(result.row_differences)} rows differ from PostgreSQL after the load")
    console.print(last_line(result), highlight=False, soft_wrap=True)


def last_line(result: Result) -> str:
    """Return the summary that ends the output."""
    committed = sum(table.committed for table in result.tables)
    missing = sum(table.missing for table in result.tables)
    duplicated = sum(table.duplicated for table in result.tables)
    altered = sum(table.altered for table in result.tables)
    line = (
        f"demo: {committed} changes, {committed - missing} archived, {missing} missing,"
        f" {duplicated} duplicated"
    )
    if altered:
        line += f", {altered} altered"
    if result.row_differences:
        line += f", {len(result.row_differences)} rows differ from PostgreSQL"
    return line


def result_table(result: Result, archive: Archive) -> Table:
    """Return a line for each table; the seconds are from commit to readable in the archive."""
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
    for compared in result.tables:
        name = compared.table
        table.add_row(
            name,
            str(compared.committed),
            " / ".join(str(made[name, operation]) for operation in "cud"),
            str(compared.committed - compared.missing),
            _seconds(result.delays.get(name, [])),
            archive.location(name),
        )
    return table


def print_differences(console: Console, result: Result, kind: str, words: str) -> None:
    """Print how many changes differ in one way, and some of them."""
    count = sum(getattr(table, kind) for table in result.tables)
    if not count:
        return
    console.print(f"{count} {words}, for example:")
    for table in result.tables:
        for each in table.examples.get(kind, ()):
            console.print(
                f"  {table.table} {each.operation} {each.key} {_shortened(each.values)}",
                markup=False,
            )


def _shortened(values: str | None) -> str:
    text = "no such row" if values is None else values
    return text if len(text) <= VALUES_LENGTH else f"{text[:VALUES_LENGTH]}…"


def _seconds(delays: Sequence[float]) -> str:
    return f"{median(delays):.1f} / {max(delays):.1f}" if delays else "–"
