"""Pulumi's file backend: what a killed `pulumi` leaves there."""

import json
from pathlib import Path

from sandbox import paths
from tools.progress import Progress


def release_stale_locks(progress: Progress) -> None:
    """Remove the locks of stacks whose `pulumi` is dead; one that lives keeps its own.

    The file backend has no other way to find out: a killed update leaves its stack locked forever.
    """
    for lock in sorted((paths.PULUMI_BACKEND / ".pulumi" / "locks").rglob("*.json")):
        holder = json.loads(lock.read_text())["pid"]
        if not _is_pulumi(holder):
            lock.unlink()
            progress(f"released the lock of {lock.parent.name}: its pulumi, pid {holder}, is gone")


def _is_pulumi(pid: int) -> bool:
    """Return whether a process is a `pulumi`, not another that reuses a dead one's number."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().startswith("pulumi")
    except (FileNotFoundError, ProcessLookupError):
        return False
