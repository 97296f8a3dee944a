"""Updates of the stack that are killed, or run twice at once."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass, field

from chaos.fault import Fault
from chaos.pipeline import FaultError, Pipeline
from clients.stack import PROJECT
from clients.update import changed_stack_file

BEGUN_SECONDS = 120
UPDATE_SECONDS = 240
CHANGED = {"datapipe:connect": {"heartbeatIntervalMs": 20_000}}
"""A setting whose change has the source connector updated."""
CHANGING = "updating ("
"""in the line of a resource that is being changed, followed by its seconds"""
LOCKED = "locked"
"""what pulumi says of a stack that another update holds"""


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
class TwoAtOnce(Fault):
    """Two `pulumi up` at the same time: the second must be refused, the first must succeed."""

    _complaints: list[str] = field(default_factory=list, repr=False)

    def inject(self, pipeline: Pipeline) -> None:
        first = _start(pipeline)
        try:
            _read_until(first, "Previewing")
            second = _start(pipeline)
            words, _ = second.communicate(timeout=UPDATE_SECONDS)
            if second.returncode == 0 or LOCKED not in words:
                self._complaints.append(f"the second update was not refused: {words[-500:]}")
            words, _ = first.communicate(timeout=UPDATE_SECONDS)
            if first.returncode != 0:
                self._complaints.append(f"the first update failed: {words[-500:]}")
        finally:
            _kill(first)

    def check(self, pipeline: Pipeline) -> list[str]:
        return self._complaints


def _start(pipeline: Pipeline, *arguments: str) -> subprocess.Popen[str]:
    """`pulumi up`, with what it starts in a process group of its own."""
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
    """Raises FaultError where the update ends without having said it."""
    deadline, said = time.monotonic() + BEGUN_SECONDS, ""
    for line in update.stdout or ():
        said += line
        if word in line:
            return
        if time.monotonic() > deadline:
            break
    raise FaultError(f"pulumi up never said {word!r}: {said[-1000:]}")


def _kill(update: subprocess.Popen[str]) -> None:
    """SIGKILL for the whole group, plugins and language host included; also when it has ended."""
    try:
        os.killpg(update.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    update.wait()
