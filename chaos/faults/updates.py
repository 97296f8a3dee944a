"""Updates of the stack that are killed, or run twice at the same time."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass, field

from chaos.fault import Fault
from chaos.pipeline import FaultError, Pipeline
from clients.stack import PROJECT
from clients.update import changed_stack_file

# The load takes the machine's cores meanwhile.
BEGUN_SECONDS = 300
UPDATE_SECONDS = 600
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
                _read_until(update, CHANGING)
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
            _read_until(first, "Previewing")
            second = _start(pipeline)
            output, _ = second.communicate(timeout=UPDATE_SECONDS)
            if second.returncode == 0 or LOCKED not in output:
                self._complaints.append(f"the second update was not refused: {output[-500:]}")
            output, _ = first.communicate(timeout=UPDATE_SECONDS)
            if first.returncode != 0:
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


def _read_until(update: subprocess.Popen[str], word: str) -> None:
    """Read the update's output until a word. Raises FaultError if it does not appear."""
    deadline, output = time.monotonic() + BEGUN_SECONDS, ""
    for line in update.stdout or ():
        output += line
        if word in line:
            return
        if time.monotonic() > deadline:
            break
    raise FaultError(f"pulumi up did not print {word!r}: {output[-1000:]}")


def _kill(update: subprocess.Popen[str]) -> None:
    """Kill the whole process group, including plugins and language host, if it still runs."""
    try:
        os.killpg(update.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    update.wait()
