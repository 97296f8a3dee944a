"""The form of the status' tables."""

from rich.table import Table
from rich.text import Text

# Shown for what is not known, such as a metric without an event in its window.
NOTHING = "–"


def mark(good: bool) -> Text:
    """Return a green tick or a red cross."""
    return Text("✓", style="green") if good else Text("✗", style="bold red")


def new_table(title: str, *columns: str) -> Table:
    """Return a table; a column whose name begins with > is aligned to the right."""
    table = Table(
        title=f"\n{title}", title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    for column in columns:
        right = column.startswith(">")
        table.add_column(
            column.removeprefix(">"), justify="right" if right else "left", no_wrap=True
        )
    return table
