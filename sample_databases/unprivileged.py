"""The user that the servers run as: PostgreSQL refuses to run as root."""

import os
from pathlib import Path
from typing import Any

# Uid and gid of nobody.
NOBODY = 65534


def process() -> dict[str, Any]:
    """Return how subprocess starts a program as another user than root."""
    if os.geteuid() != 0:
        return {}
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []}


def write(path: Path, text: str) -> None:
    """Write a private file of that user's."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text)
    give(path)


def give(path: Path) -> None:
    """Give a file, or a folder with all that it has, to that user."""
    if os.geteuid() != 0:
        return
    os.chown(path, NOBODY, NOBODY)
    if path.is_dir():
        for each in path.rglob("*"):
            os.chown(each, NOBODY, NOBODY, follow_symlinks=False)
