"""The environment in which the project's tools and Python packages are found."""

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from tools import paths


def variables() -> dict[str, str]:
    """Return the variables that put the programs and the virtual environment on PATH."""
    environment = Path(sys.prefix)
    # As bootstrap.sh has set it where Python must not write bytecode next to its modules.
    prefix = os.environ.get("PYTHONPYCACHEPREFIX")
    bytecode = {"PYTHONPYCACHEPREFIX": prefix, "PYTHONDONTWRITEBYTECODE": ""} if prefix else {}
    return {
        "PATH": _path(paths.binaries(), environment / "bin"),
        "VIRTUAL_ENV": str(environment),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        **bytecode,
    }


def exports(values: Mapping[str, str]) -> str:
    """Return variables as lines for a shell to evaluate."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in values.items())


def _path(*first: Path) -> str:
    folders = [str(folder) for folder in first]
    rest = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join([*folders, *(folder for folder in rest if folder not in folders)])
