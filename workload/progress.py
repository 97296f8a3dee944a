"""Progress of a run that takes minutes."""

import time
from collections.abc import Callable

from rich.console import Console

# Reports what a run does now.
Log = Callable[[str], None]

# Between two lines of update() if there is no terminal.
LINE_SECONDS = 10.0


class Progress:
    """Prints to standard error what a run does, with the seconds since its start.

    Used as a context manager it has a spinner on terminals, for states that change often.
    """

    def __init__(self, name: str, console: Console | None = None) -> None:
        """`name` is the program's, such as "bench"."""
        self._name = name
        self._console = console or Console(stderr=True, highlight=False)
        self._status = self._console.status("")
        self._began = time.monotonic()
        self._next_line = 0.0

    def __enter__(self) -> "Progress":
        self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def log(self, message: str) -> None:
        """Print a line."""
        seconds = time.monotonic() - self._began
        self._console.print(
            f"{self._name} {seconds:5.0f} s  {message}", markup=False, soft_wrap=True
        )

    def update(self, message: str) -> None:
        """Replace what the spinner shows; print a line now and then if there is no terminal."""
        self._status.update(message)
        if not self._console.is_terminal and time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + LINE_SECONDS
            self.log(message)
