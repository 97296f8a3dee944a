"""Lines of a program's output, waited for with a limit: readline() waits for as long as it runs."""

import queue
import threading
from typing import IO


class LineReader:
    """Reads a program's output on a thread of its own, so that it can always print more."""

    def __init__(self, output: IO[str]) -> None:
        """Take the pipe over: nothing else may read it."""
        self._output = output
        # None: the end.
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._read, name="line-reader", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for line in self._output:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def next_line(self, seconds: float) -> str | None:
        """Return the next line; None at the end. Raises TimeoutError if none comes in time."""
        try:
            line = self._lines.get(timeout=max(0.0, seconds))
        except queue.Empty:
            raise TimeoutError(f"timed out after {seconds:g} s waiting for a line") from None
        if line is None:
            self._lines.put(None)
        return line

    def rest(self, seconds: float) -> list[str]:
        """Return all lines up to the end. Raises TimeoutError if it does not come in time."""
        self._thread.join(seconds)
        if self._thread.is_alive():
            raise TimeoutError(f"timed out after {seconds:g} s waiting for the end of the output")
        found = []
        while (line := self.next_line(0)) is not None:
            found.append(line)
        return found
