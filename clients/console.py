"""Standard output for tables, standard error for progress."""

import sys

from rich.console import Console

# Columns where the output is not a terminal, as in CI's logs.
WIDTH_WITHOUT_TERMINAL = 160


def console() -> Console:
    """Return a console on standard output, as wide as the terminal if there is one."""
    on_terminal = Console(highlight=False)
    if on_terminal.is_terminal:
        return on_terminal
    return Console(highlight=False, width=WIDTH_WITHOUT_TERMINAL)


def log(message: str) -> None:
    """Print a line of progress to standard error."""
    print(f"datapipe: {message}", file=sys.stderr, flush=True)


def confirms(question: str) -> bool:
    """Ask the user; without a terminal the answer is no."""
    return sys.stdin.isatty() and input(f"{question} Type yes to go on: ") == "yes"
