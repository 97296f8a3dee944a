"""Where the clients print to."""

from rich.console import Console

WIDE = 160
"""Columns where there is no terminal whose width counts, as in CI's logs."""


def console() -> Console:
    """Standard output; as wide as the terminal, or wide."""
    printed_to = Console(highlight=False)
    return printed_to if printed_to.is_terminal else Console(highlight=False, width=WIDE)
