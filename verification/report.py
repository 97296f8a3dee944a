"""What a comparison prints."""

import json
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from verification.result import Difference, TableResult

# Columns of a table that are named in its row, and tables in a line.
NAMED = 4
# Characters of a value that are printed.
VALUE_LENGTH = 120


def print_results(console: Console, results: Sequence[TableResult], show_values: bool) -> None:
    """Print the table, what was not compared, examples, explanations, and the last line."""
    console.print(_table(results))
    for error, tables in _not_compared(results).items():
        console.print(f"{_listed(tables)}: not compared: {error}", markup=False)
    for result in results:
        for note in result.notes:
            console.print(f"{result.table}: {note}", markup=False)
        for example in result.examples:
            _print_example(console, result.table, example, show_values)
        if result.unsettled:
            console.print(
                f"{result.table}: {result.unsettled:,} rows changed in every attempt to compare"
                " them; run the command again when fewer rows change",
                markup=False,
            )
        for explanation in result.explanations:
            console.print(f"{result.table}: possible cause: {explanation}", markup=False)
    if any(example.columns for result in results for example in result.examples):
        hint = "" if show_values else "; --show-values prints values"
        console.print(f"the lines above show keys and columns{hint}", markup=False)
    console.print(last_line(results), highlight=False, soft_wrap=True)


def as_json(results: Sequence[TableResult], show_values: bool) -> str:
    """Return the results as a JSON document."""
    documents = [result.as_json(show_values) for result in results]
    return json.dumps(documents, indent=2, ensure_ascii=False)


def last_line(results: Sequence[TableResult]) -> str:
    """Return the summary that ends the output."""
    rows = sum(result.rows for result in results)
    missing = sum(result.missing for result in results)
    extra = sum(result.extra for result in results)
    different = sum(result.different for result in results)
    line = (
        f"verify: {len(results)} {'table' if len(results) == 1 else 'tables'}, {rows:,} rows,"
        f" {missing:,} missing, {extra:,} extra, {different:,} different"
    )
    open_tables = [result.table for result in results if not result.is_compared]
    return f"{line}; not compared completely: {', '.join(open_tables)}" if open_tables else line


def _table(results: Sequence[TableResult]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("table", no_wrap=True)
    for column in ("rows", "equal", "missing", "extra", "different"):
        table.add_column(column, justify="right")
    table.add_column("columns", overflow="fold")
    table.add_column("seconds", justify="right")
    for result in results:
        counts = (result.rows, result.equal, result.missing, result.extra, result.different)
        numbers = [f"{count:,}" for count in counts] if result.error is None else ["–"] * 5
        style = "bold red" if result.differs or not result.is_compared else ""
        table.add_row(
            result.table, *numbers, _columns(result), f"{result.seconds:.1f}", style=style
        )
    return table


def _not_compared(results: Sequence[TableResult]) -> dict[str, list[str]]:
    """Return the tables that could not be compared, by the reason."""
    tables: dict[str, list[str]] = {}
    for result in results:
        if result.error is not None:
            tables.setdefault(result.error, []).append(result.table)
    return tables


def _columns(result: TableResult) -> str:
    return _listed(list(result.columns))


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _print_example(console: Console, table: str, example: Difference, show_values: bool) -> None:
    at = "" if example.lsn is None else f", last archived change at {example.lsn}"
    names = ", ".join(column.name for column in example.columns)
    columns = f": {names}" if names else ""
    console.print(f"{table} {example.kind} {example.key}{columns}{at}", markup=False)
    if show_values:
        for column in example.columns:
            console.print(
                f"  {column.name}\n"
                f"    PostgreSQL {_shortened(column.in_database)}\n"
                f"    archive    {_shortened(column.in_archive)}",
                markup=False,
            )


def _shortened(value: str | None) -> str:
    if value is None:
        return "NULL"
    text = repr(value)
    return text if len(text) <= VALUE_LENGTH else f"{text[:VALUE_LENGTH]}…"
