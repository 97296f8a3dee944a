"""The sandbox's control groups: every process of it, pods included, lives below one of them.

That makes them the list of what has to be killed, whoever started or orphaned it. Works with
version 1 (a hierarchy per controller) and version 2 (one for all).
"""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from tools.errors import UserError

NAME = "datapipe-sandbox"
SYSTEM = (
    f"{NAME}/system"  # the supervisor and all that it starts; the kubelet's pods are next to it
)

REQUIRED = ("cpu", "memory", "pids")
_KILL_SECONDS = 20.0


def hierarchies(mountinfo: str) -> dict[Path, set[str]]:
    """Return where cgroups are mounted, with the controllers of each, from /proc/self/mountinfo.

    Version 2's controllers are read from its root.
    """
    found: dict[Path, set[str]] = {}
    for line in mountinfo.splitlines():
        mount, _, source = line.partition(" - ")
        kind, _, options = source.split(" ", 2)
        root = Path(mount.split()[4])
        if kind == "cgroup":
            found[root] = set(options.split(","))
        elif kind == "cgroup2":
            listed = root / "cgroup.controllers"
            found[root] = set(listed.read_text().split()) if listed.exists() else set()
    return found


def mounted() -> dict[Path, set[str]]:
    """Return this machine's hierarchies and their controllers."""
    return hierarchies(Path("/proc/self/mountinfo").read_text())


def create() -> None:
    """Make the sandbox's groups in every hierarchy. Raises UserError when it may not."""
    for root in mounted():
        try:
            _delegate(root)
            for name in (NAME, SYSTEM):
                group = root / name
                group.mkdir(exist_ok=True)
                _inherit_cpuset(group)
            _delegate(root / NAME)
        except OSError as error:
            raise UserError(
                f"no cgroup can be made below {root} ({error.strerror}). In a container, start it "
                "privileged and with a cgroup namespace of its own (docker run --privileged "
                "--cgroupns=private)."
            ) from error


def enter() -> None:
    """Move this process into the sandbox's system group, for all that it will start."""
    for root in mounted():
        (root / SYSTEM / "cgroup.procs").write_text(str(os.getpid()))


def processes() -> set[int]:
    """Return the ids of all processes in the sandbox's groups."""
    found: set[int] = set()
    for group in _groups():
        try:
            found.update(int(line) for line in (group / "cgroup.procs").read_text().split())
        except (FileNotFoundError, OSError):
            continue  # the group went away, or is a version 2 threaded one, whose parent lists it
    return found - {0}


def kill_all() -> None:
    """Kill every process in the sandbox's groups and wait until they are gone.

    Raises UserError when one survives, which only a process stuck in the kernel does.
    """
    deadline = time.monotonic() + _KILL_SECONDS
    while alive := {pid for pid in processes() if not _is_zombie(pid)}:
        if time.monotonic() > deadline:
            raise UserError(f"processes that can't be killed: {sorted(alive)}; see dmesg")
        for pid in alive:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.1)


def remove() -> None:
    """Remove the sandbox's groups, the deepest first. They must be empty of processes."""
    deadline = time.monotonic() + _KILL_SECONDS
    for group in _groups():
        while group.exists():
            try:
                group.rmdir()
            except OSError as error:  # busy for a moment after its last process ended
                if time.monotonic() > deadline:
                    raise UserError(f"{group} can't be removed: {error.strerror}") from error
                time.sleep(0.1)


def _groups() -> Iterator[Path]:
    for root in mounted():
        for folder, _, _ in os.walk(root / NAME, topdown=False):
            yield Path(folder)


def _delegate(group: Path) -> None:
    """Version 2: let the group's children have the controllers of the kubelet's limits."""
    control = group / "cgroup.subtree_control"
    if not control.exists():
        return
    available = (group / "cgroup.controllers").read_text().split()
    wanted = [name for name in ("cpu", "cpuset", "io", "memory", "pids") if name in available]
    if wanted:
        control.write_text(" ".join(f"+{name}" for name in wanted))


def _inherit_cpuset(group: Path) -> None:
    """Version 1: a new cpuset is empty and takes no process until it is filled."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        file = group / name
        if file.exists() and not (group / "cgroup.controllers").exists():
            file.write_text((group.parent / name).read_text())


def _is_zombie(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return status.rpartition(")")[2].split()[0] == "Z"
