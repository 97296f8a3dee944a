"""Dead letters as text for a person."""

import json

from rich.console import Console
from rich.table import Table
from rich.text import Text

from clients.dlq.letters import Letter

SHOWN_BYTES = 4000
"""of a key or a value"""


def letters_table(letters: list[Letter]) -> Table:
    """A line for each: its place, its record's time and origin, and why it was refused."""
    table = Table(box=None, pad_edge=False)
    for column in ("dead letter", "record of", "from", "exception", "message"):
        table.add_column(column, no_wrap=True, overflow="ellipsis")
    for letter in letters:
        table.add_row(
            str(letter.place),
            f"{letter.time:%Y-%m-%d %H:%M:%S}",
            str(letter.origin or "unknown"),
            letter.exception,
            Text(letter.message),
        )
    return table


def print_letter(console: Console, letter: Letter) -> None:
    """Everything about one letter."""
    console.print(f"{'dead letter':<15}{letter.place}", soft_wrap=True)
    console.print(f"{'record':<15}{letter.origin or 'unknown'} of {letter.time.isoformat()}")
    for name in ("connector.name", "task.id", "stage", "class.name"):
        console.print(f"{name:<15}{letter.errors.get(name, '')}", soft_wrap=True, markup=False)
    for title, part in (("key", letter.key), ("value", letter.value)):
        console.print(f"{title:<15}{readable(part)}", soft_wrap=True, markup=False)
    for name, content in letter.headers:
        console.print(f"{'header':<15}{name}={readable(content)}", soft_wrap=True, markup=False)
    reason = letter.errors.get("exception.stacktrace") or letter.message
    console.print(f"\n{reason}", soft_wrap=True, markup=False)


def readable(part: bytes | None) -> str:
    """A key or value: JSON in one line, other text as it is, anything else in hexadecimal."""
    if part is None:
        return "null"
    try:
        text = part.decode()
    except UnicodeDecodeError:
        return _cut(part.hex(" "), len(part))
    try:
        text = json.dumps(json.loads(text), ensure_ascii=False)
    except ValueError:
        text = json.dumps(text, ensure_ascii=False)[1:-1]  # control characters made visible
    return _cut(text, len(part))


def _cut(text: str, size: int) -> str:
    return text if len(text) <= SHOWN_BYTES else f"{text[:SHOWN_BYTES]}… ({size} bytes in all)"
