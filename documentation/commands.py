"""The table of make targets in docs/QUICKSTART.md, made from the Makefile."""

import re
from pathlib import Path

MAKEFILE = Path(__file__).parents[1] / "Makefile"
TARGET = re.compile(r"^([a-z-]+):.*?## (.*)$", re.MULTILINE)


def targets() -> str:
    """Return a Markdown table of the targets that `make help` lists."""
    found = TARGET.findall(MAKEFILE.read_text())
    rows = [f"| `make {name}` | {help_text} |" for name, help_text in found]
    return "\n".join(["| command | |", "|---|---|", *rows])
