"""The machine and the versions with which a run was made."""

import os
import platform
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from clients.stack import PROJECT

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Machine:
    """What a reader needs to judge times."""

    processor: str
    cores: int
    memory_mib: int
    kernel: str
    commit: str
    """of this repository; with + where files were changed"""
    at: str
    """when the run began, UTC"""


def describe() -> Machine:
    """This machine, now."""
    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 0,
        memory_mib=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MEBIBYTE,
        kernel=f"{platform.system()} {platform.release()}",
        commit=_commit(),
        at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _processor() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found.group(1) if found else platform.machine()


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"
