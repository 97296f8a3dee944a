"""Writing the node's configuration files."""

import os
from pathlib import Path


def write_private(file: Path, content: str) -> None:
    """Write a file that only root can read; its folder is made when it is missing."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(content)
