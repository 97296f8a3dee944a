"""The configuration of a stack that may not be deployed yet, as its stack file has it."""

import json
import subprocess
import sys
from typing import Any

from clients.stack import PROJECT, NotDeployedError, StackError, read_outputs
from components.config import StackConfig, parse
from components.config.existing_source import ExistingSource

KEY_PREFIX = "datapipe:"


def existing_sources(stack: str, name: str = "") -> tuple[StackConfig, dict[str, ExistingSource]]:
    """Return a stack's configuration and its existing database of this name; without one, all.

    Raises StackError where it has no such database, and ConfigError where its file is not valid.
    """
    config = parse(_values(stack), f"Pulumi.{stack}.yaml")
    if name in config.sources:
        return config, {name: config.sources[name]}
    names = ", ".join(config.sources) or "no existing database"
    if name or not config.sources:
        raise StackError(
            f"datapipe:sources of Pulumi.{stack}.yaml has no {name or 'database'}; it has {names}"
        )
    return config, dict(config.sources)


def recorded_entries(stack: str, name: str) -> dict[str, Any]:
    """Return what the archive has of a source's tables; nothing where it is not deployed.

    Where that is not known, which is printed, the checks do not find tables that were replaced.
    """
    try:
        entries: dict[str, Any] = json.loads(read_outputs(stack).of(name).captured_entries)
    except NotDeployedError:
        return {}
    except StackError as error:
        print(f"what the archive has of {name} is not known: {error}", file=sys.stderr)
        return {}
    return entries


def _values(stack: str) -> dict[str, Any]:
    """Return the stack file's keys of the project, with their secrets in clear text."""
    command = ["pulumi", "config", "--json", "--show-secrets", "--stack", stack]
    try:
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise StackError('pulumi is not on PATH; run eval "$(make env)" first') from None
    if done.returncode != 0:
        raise StackError(
            f"can't read the configuration of stack {stack}; if it does not exist, create it with"
            f" make preview STACK={stack}: {done.stderr.strip()}"
        )
    given = json.loads(done.stdout)
    return {
        key.removeprefix(KEY_PREFIX): entry.get("objectValue", entry["value"])
        for key, entry in given.items()
        if key.startswith(KEY_PREFIX)
    }
