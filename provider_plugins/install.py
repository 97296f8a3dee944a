"""Puts the plugins where the Pulumi CLI looks for them.

The CLI finds a plugin as ``$PULUMI_HOME/plugins/resource-NAME-vVERSION/pulumi-resource-NAME``, with
the version that the Python package asks for.
"""

from __future__ import annotations

import shlex
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Final

PLUGINS: Final = ("aws", "kafka", "kubernetes")
PROJECT_ROOT: Final = Path(__file__).resolve().parents[1]
# Marks our wrappers; official plugins, which do not have it, stay untouched.
MARK: Final = "provider_plugins"


class MissingPackageError(Exception):
    """The virtual environment lacks the Python package of a plugin."""


def install(pulumi_home: Path, venv: Path) -> list[Path]:
    """Install the three plugins, and return the executables that were written.

    Safe to repeat. An official plugin of the same version that is there already is left alone.

    Raises:
        MissingPackageError: `venv` was not made from the project's requirements.
    """
    written = []
    for name in PLUGINS:
        folder = pulumi_home / "plugins" / f"resource-{name}-v{package_version(venv, name)}"
        executable = folder / f"pulumi-resource-{name}"
        if executable.exists() and MARK not in executable.read_text(errors="replace"):
            continue
        folder.mkdir(parents=True, exist_ok=True)
        replacement = folder / f".{executable.name}.new"
        replacement.write_text(wrapper(name, venv))
        replacement.chmod(0o755)
        replacement.replace(executable)  # atomic: a plugin may be starting from the old one
        written.append(executable)
    return written


def wrapper(module: str, venv: Path, *arguments: str) -> str:
    """Return the script that starts the plugin in the module of that name, with arguments."""
    python = shlex.quote(str(venv / "bin" / "python"))
    root = shlex.quote(str(PROJECT_ROOT))
    return (
        "#!/bin/sh\n"
        f"# A stand-in for the official plugin; written by provider_plugins/install.py.\n"
        f"exec env PYTHONPATH={root} PYTHONSAFEPATH=1 GRPC_VERBOSITY=ERROR \\\n"
        f'    {python} -m {shlex.join((f"{MARK}.{module}", *arguments))} "$@"\n'
    )


def package_version(venv: Path, name: str) -> str:
    """Return the version of ``pulumi_<name>`` in a virtual environment."""
    site_packages = [str(path) for path in venv.glob("lib/python*/site-packages")]
    for distribution in distributions(name=f"pulumi_{name}", path=site_packages):
        return distribution.version
    raise MissingPackageError(f"{venv} has no pulumi_{name}: install requirements.txt into it")


if __name__ == "__main__":
    home, environment = map(Path, sys.argv[1:3])
    for path in install(home, environment):
        print(path)
