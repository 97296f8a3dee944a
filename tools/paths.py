"""The project's folder and the cache of what was downloaded or built."""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


def cache() -> Path:
    """Return the folder of what was downloaded or built; clones share it, `down` keeps it."""
    if named := os.environ.get("DATAPIPE_CACHE"):
        return Path(named).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).absolute() / "datapipe"


def binaries() -> Path:
    """Return the folder of links to every tool that was built or unpacked."""
    return cache() / "bin"
