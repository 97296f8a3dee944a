"""Updates of the stack that are killed, or run twice at the same time."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field

from chaos.fault import Fault
from chaos.pipeline import FaultError, Pipeline
from clients.stack import PROJECT
from clients.update import changed_stack_file
from polling.lines import LineReader

# The load takes the machine's cores meanwhile.
BEGUN_SECONDS = 300
UPDATE_SECONDS = 600
# After the end of its output, or SIGKILL.
END_SECONDS = 60
# A setting whose change updates the source connector.
CHANGED = {"datapipe:connect": {"heartbeatIntervalMs": 20_000}}
# Pulumi prints this for a resource that is being changed, followed by the seconds.
CHANGING = "updating ("
# Pulumi prints this for a stack that another update has locked.
LOCKED = "locked"


@dataclass
class Killed(Fault):
    """`pulumi up` is killed while it updates a connector; `make up` is run afterwards."""

    user: str = "make up"
    _begun: bool = field(default=False, repr=False)

    def inject(self, pipeline: Pipeline) -> None:
        self._begun = True
        with changed_stack_file(pipeline.stack, CHANGED) as file:
            update = _start(pipeline, "--skip-preview", "--config-file", str(file))
            try:
                _read_until(_lines(update), CHANGING)
            finally:
                _kill(update)

    def heal(self, pipeline: Pipeline) -> None:
        if self._begun:
            pipeline.run("scripts/up.sh", seconds=UPDATE_SECONDS)
            self._begun = False


@dataclass
class TwoUpdates(Fault):
    """Two `pulumi up` at the same time: the second must be refused, the first must succeed."""

    _complaints: list[str] = field(default_factory=list, repr=False)

    def inject(self, pipeline: Pipeline) -> None:
        first = _start(pipeline)
        try:
            lines = _lines(first)
            _read_until(lines, "Previewing")
            second = _start(pipeline)
            output, _ = second.communicate(timeout=UPDATE_SECONDS)
            if second.returncode == 0 or LOCKED not in output:
                self._complaints.append(f"the second update was not refused: {output[-500:]}")
            output = "\n".join(lines.rest(UPDATE_SECONDS))
            if first.wait(END_SECONDS) != 0:
                self._complaints.append(f"the first update failed: {output[-500:]}")
        finally:
            _kill(first)

    def check(self, pipeline: Pipeline) -> list[str]:
        return self._complaints


def _start(pipeline: Pipeline, *arguments: str) -> subprocess.Popen[str]:
    """Start `pulumi up` in a process group of its own."""
    return subprocess.Popen(
        ["pulumi", "up", "--yes", "--non-interactive", "--stack", pipeline.stack, *arguments],
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _lines(update: subprocess.Popen[str]) -> LineReader:
    if update.stdout is None:
        raise FaultError("pulumi up was started without a pipe for its output")
    return LineReader(update.stdout)


def _read_until(lines: LineReader, word: str, seconds: float = BEGUN_SECONDS) -> None:
    """Read an update's output until a word. Raises FaultError if it does not appear in time."""
    deadline, output = time.monotonic() + seconds, ""
    with suppress(TimeoutError):
        while (line := lines.next_line(deadline - time.monotonic())) is not None:
            output += f"{line}\n"
            if word in line:
                return
    raise FaultError(f"pulumi up did not print {word!r}: {output[-1000:]}")


def _kill(update: subprocess.Popen[str]) -> None:
    """Kill the whole process group, including plugins and language host, if it still runs."""
    try:
        os.killpg(update.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    update.wait(END_SECONDS)
