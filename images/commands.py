"""Running the short commands of a build."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tools.errors import UserError

_SHOWN_LINES = 15


def run(command: Sequence[str | Path]) -> str:
    """Run a program and return its standard output.

    Raises UserError with the end of what it wrote when it fails.
    """
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip().splitlines()[-_SHOWN_LINES:]
        raise UserError(
            f"{' '.join(words[:4])} … failed (exit {done.returncode}):\n" + "\n".join(said)
        )
    return done.stdout
