"""The machine and the revision that a measurement was made with."""

import os
import platform
import subprocess
from pathlib import Path

from clients.stack import PROJECT


def processor() -> str:
    """Return the processor's name."""
    return _field("/proc/cpuinfo", "model name") or platform.machine()


def memory() -> int:
    """Return the size of the memory in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def distribution() -> str:
    """Return the name and version of the operating system's distribution."""
    return (_field("/etc/os-release", "PRETTY_NAME", "=") or platform.system()).strip('"')


def revision() -> str:
    """Return this repository's revision, followed by + if files were changed since."""
    command = ["git", "describe", "--always", "--dirty=+", "--abbrev=8"]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    return result.stdout.strip() or "unknown"


def _field(path: str, name: str, separator: str = ":") -> str | None:
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(separator)
        if key.strip() == name:
            return value.strip()
    return None
