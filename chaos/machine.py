"""The machine and the revision that a run was made with."""

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime

from workload import machine

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Machine:
    """What a reader needs to judge times."""

    processor: str
    cores: int
    memory_mib: int
    kernel: str
    commit: str
    """of this repository, followed by + if files were changed since"""
    at: str
    """when the run began, UTC"""


def describe() -> Machine:
    """Describe this machine."""
    return Machine(
        processor=machine.processor(),
        cores=os.cpu_count() or 0,
        memory_mib=machine.memory() // MEBIBYTE,
        kernel=f"{platform.system()} {platform.release()}",
        commit=machine.revision(),
        at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
