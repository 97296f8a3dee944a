"""What containerd has, and bringing it what it lacks."""

from collections.abc import Sequence
from pathlib import Path

from images.commands import run


def imported_digests(ctr: Sequence[str]) -> dict[str, str]:
    """Return image name to digest of its target, as containerd lists them."""
    lines = run([*ctr, "images", "list"]).splitlines()[1:]
    columns = (line.split() for line in lines)
    return {row[0]: row[2] for row in columns if len(row) > 2}


def import_archive(ctr: Sequence[str], archive: Path) -> None:
    """Import an OCI archive under the name in its index, in place of an older one."""
    run([*ctr, "images", "import", archive])
