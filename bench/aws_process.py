"""The stand-in for AWS, which runs on the sandbox's machine outside of the cluster."""

import os
from pathlib import Path
from urllib.parse import urlsplit

MODULE = b"sandbox.aws_server"


def cpu_seconds(endpoint: str | None) -> float | None:
    """Return the CPU that the stand-in at an address has used; None if it is not on this machine.

    Other sandboxes' may run, too, so the port decides.
    """
    port = urlsplit(endpoint).port if endpoint else None
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
            if MODULE in command and f"--port={port}".encode() in command:
                return _used(process)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
    return None


def _used(process: Path) -> float:
    """Return the user and system time of a process, after its name in parentheses (proc(5))."""
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
