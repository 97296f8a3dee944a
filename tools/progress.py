"""Progress lines: one for each step, with the seconds since the start."""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tools.errors import UserError

_HEARTBEAT_SECONDS = 20.0
_TAIL_LINES = 15


class Progress(Protocol):
    """Takes one line about what happens now."""

    def __call__(self, message: str) -> None: ...


class ConsoleProgress:
    """Prints to standard error, so that standard output stays what a command was asked for."""

    def __init__(self, name: str) -> None:
        """Begin each line with a command's name."""
        self._name = name
        self._start = time.monotonic()

    def __call__(self, message: str) -> None:
        seconds = time.monotonic() - self._start
        print(f"{self._name} {seconds:5.0f} s  {message}", file=sys.stderr, flush=True)


def run_logged(
    command: Sequence[str],
    *,
    what: str,
    log: Path,
    progress: Progress,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a long command with its output in `log`, saying every 20 s that it still runs.

    Raises UserError with the log's last lines when the command fails.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        try:
            while True:
                try:
                    code = process.wait(timeout=_HEARTBEAT_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    progress(f"{what} … {time.monotonic() - start:.0f} s")
        except BaseException:
            process.kill()
            process.wait()
            raise
    if code != 0:
        raise UserError(f"{what} failed (exit {code}). The end of {log}:\n{tail(log)}")


def tail(log: Path, lines: int = _TAIL_LINES) -> str:
    """Return the last lines of a log, indented; a sentence if there is no log."""
    if not log.is_file():
        return "  (no log)"
    text = log.read_text(errors="replace").rstrip().splitlines()[-lines:]
    return "\n".join(f"  {line}" for line in text) or "  (the log is empty)"
