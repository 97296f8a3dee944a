"""Running the short system commands that set up the node."""

import os
import subprocess
from collections.abc import Sequence

from tools.errors import UserError


def run(command: Sequence[str], script: str | None = None) -> str:
    """Run a command, with `script` as its input; return what it prints.

    Raises UserError with the command's own words when it fails.
    """
    done = subprocess.run(
        command,
        input=script,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    if done.returncode != 0:
        raise UserError(f"{' '.join(command)} failed: {done.stderr.strip()}")
    return done.stdout
