"""Renders dead letters as text."""

import json

from rich.console import Console
from rich.table import Table
from rich.text import Text

from clients.dlq.dead_letters import DeadLetter

# Longest text shown of a key, a value or a header.
SHOWN_CHARACTERS = 4000


def letters_table(letters: list[DeadLetter]) -> Table:
    """Return a row for each dead letter: position, record's time and origin, and the reason."""
    table = Table(box=None, pad_edge=False)
    for column in ("dead letter", "record of", "from", "exception", "message"):
        table.add_column(column, no_wrap=True, overflow="ellipsis")
    for letter in letters:
        table.add_row(
            str(letter.position),
            f"{letter.time:%Y-%m-%d %H:%M:%S}",
            str(letter.origin or "unknown"),
            letter.exception,
            Text(letter.message),
        )
    return table


def print_letter(console: Console, letter: DeadLetter) -> None:
    """Print everything about one dead letter."""
    console.print(f"{'dead letter':<15}{letter.position}", soft_wrap=True)
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
    """Return JSON on one line, other text as it is, and anything else in hexadecimal."""
    if part is None:
        return "null"
    try:
        text = part.decode()
    except UnicodeDecodeError:
        return _shorten(part.hex(" "), len(part))
    try:
        text = json.dumps(json.loads(text), ensure_ascii=False)
    except ValueError:
        text = json.dumps(text, ensure_ascii=False)[1:-1]  # makes control characters visible
    return _shorten(text, len(part))


def _shorten(text: str, size: int) -> str:
    if len(text) <= SHOWN_CHARACTERS:
        return text
    return f"{text[:SHOWN_CHARACTERS]}… ({size} bytes in total)"
