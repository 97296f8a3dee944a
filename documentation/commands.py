"""The tables of commands in docs/QUICKSTART.md, made from the Makefile and from `datapipe`."""

import re
from collections.abc import Iterator
from pathlib import Path

from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from command_line.program import app

MAKEFILE = Path(__file__).parents[1] / "Makefile"
TARGET = re.compile(r"^([a-z-]+):.*?## (.*)$", re.MULTILINE)


def targets() -> str:
    """Return a Markdown table of the targets that `make help` lists."""
    found = TARGET.findall(MAKEFILE.read_text())
    rows = [f"| `make {name}` | {_cell(text)} |" for name, text in found]
    return "\n".join(["| command | |", "|---|---|", *rows])


def _cell(text: str) -> str:
    """Escape bars, each of which would end the cell."""
    return text.replace("|", "\\|")


def programs() -> str:
    """Return a Markdown table of the commands of `bin/datapipe`, with their exit codes."""
    rows = ["| command | | exit codes |", "|---|---|---|"]
    for name, command in _commands("bin/datapipe", get_command(app)):
        exit_codes = (command.epilog or "").removeprefix("Exit codes: ").rstrip(".")
        rows.append(f"| `{name}` | {command.get_short_help_str(limit=200)} | {exit_codes} |")
    return "\n".join(rows)


def _commands(name: str, command: object) -> Iterator[tuple[str, TyperCommand]]:
    if isinstance(command, TyperGroup):
        for child, inner in command.commands.items():
            yield from _commands(f"{name} {child}", inner)
    elif isinstance(command, TyperCommand):
        yield name, command
