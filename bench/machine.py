"""The machine that everything runs on, told by itself."""

import os
import platform
import subprocess
from pathlib import Path

from bench.result import Machine
from clients.stack import PROJECT


def describe() -> Machine:
    """Processor, memory, system, and how busy it is now."""
    processor = _field("/proc/cpuinfo", "model name") or platform.machine()
    memory = _field("/proc/meminfo", "MemTotal") or "0 kB"
    system = _field("/etc/os-release", "PRETTY_NAME", separator="=") or platform.system()
    return Machine(
        processor=processor,
        cores=os.cpu_count() or 1,
        memory=int(memory.split()[0]) * 1024,
        system=system.strip('"'),
        kernel=platform.release(),
        load_before=os.getloadavg()[0],
    )


def revision() -> str:
    """Of the repository; with a + where files were changed since."""
    command = ["git", "describe", "--always", "--dirty=+", "--abbrev=8"]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    return result.stdout.strip() or "unknown"


def _field(path: str, name: str, separator: str = ":") -> str | None:
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(separator)
        if key.strip() == name:
            return value.strip()
    return None
