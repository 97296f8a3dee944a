"""Puts the plugins where the Pulumi CLI looks for them.

The CLI finds a plugin as ``$PULUMI_HOME/plugins/resource-NAME-vVERSION/pulumi-resource-NAME``, with
the version that the Python package asks for.
"""

from __future__ import annotations

import shlex
from importlib.metadata import distributions
from pathlib import Path
from typing import Final

# The packages that have a plugin here; `kubernetes` has an official one.
PLUGINS: Final = ("aws", "kafka")
PROJECT_ROOT: Final = Path(__file__).resolve().parents[1]
# Marks our wrappers; official plugins, which do not have it, stay untouched.
MARK: Final = "provider_plugins"


class MissingPackageError(Exception):
    """The virtual environment lacks the Python package of a plugin."""


def install(pulumi_home: Path, venv: Path, kubernetes: Path) -> list[Path]:
    """Install the plugins, and return the executables that were written.

    `kubernetes` is the official plugin for Kubernetes. Safe to repeat. An official plugin of the
    same version that is there already is left alone.

    Raises:
        MissingPackageError: `venv` was not made from the project's requirements.
    """
    written = []
    for name in PLUGINS:
        executable = executable_of(pulumi_home, venv, name)
        if executable.exists() and MARK not in executable.read_text(errors="replace"):
            continue
        replacement = executable.with_name(f".{executable.name}.new")
        replacement.write_text(wrapper(name, venv))
        replacement.chmod(0o755)
        replacement.replace(executable)  # in one step: a plugin may be starting from the old one
        written.append(executable)
    executable = executable_of(pulumi_home, venv, "kubernetes")
    if executable.is_symlink() or not executable.exists():
        replacement = executable.with_name(f".{executable.name}.new")
        replacement.unlink(missing_ok=True)
        replacement.symlink_to(kubernetes)
        replacement.replace(executable)
        written.append(executable)
    return written


def executable_of(pulumi_home: Path, venv: Path, name: str) -> Path:
    """Return where the CLI looks for a plugin in the version of a virtual environment's package.

    Makes the folder.
    """
    folder = pulumi_home / "plugins" / f"resource-{name}-v{package_version(venv, name)}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"pulumi-resource-{name}"


def wrapper(module: str, venv: Path, *arguments: str) -> str:
    """Return the script that starts a plugin: a module of this package, with arguments."""
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
