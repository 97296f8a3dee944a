"""The configuration of a stack that may not be deployed yet, as its stack file has it."""

import json
import sys
from typing import Any

from clients.stack import (
    DatabaseOutput,
    NotDeployedError,
    StackError,
    StackOutputs,
    read_outputs,
    run_pulumi,
)
from components.config import StackConfig, parse
from components.config.existing_source import ExistingSource

KEY_PREFIX = "datapipe:"


def configuration(stack: str) -> StackConfig:
    """Return a stack's configuration. Raises ConfigError where its file is not valid."""
    return parse(_values(stack), f"Pulumi.{stack}.yaml")


def existing_sources(stack: str, name: str = "") -> tuple[StackConfig, dict[str, ExistingSource]]:
    """Return a stack's configuration and its existing database of this name; without one, all.

    Raises StackError where it has no such database, and ConfigError where its file is not valid.
    """
    config = configuration(stack)
    if name in config.sources:
        return config, {name: config.sources[name]}
    names = ", ".join(config.sources) or "no existing database"
    if name or not config.sources:
        raise StackError(
            f"datapipe:sources of Pulumi.{stack}.yaml has no {name or 'database'}; it has {names}"
        )
    return config, dict(config.sources)


def with_address_of_stack_file(stack: str, outputs: StackOutputs) -> StackOutputs:
    """Return the outputs with the address that the stack file has now for an existing database.

    After a move the deployed stack still has the old one.
    """
    if outputs.managed:
        return outputs
    _, sources = existing_sources(stack, outputs.source)
    source = sources[outputs.source]
    return outputs.model_copy(
        update={
            "database": DatabaseOutput(
                host=source.host,
                port=source.port,
                name=source.database,
                user=source.user,
                ca_certificate=source.ca_certificate or "",
                ssl_mode=source.ssl_mode,
            ),
            "database_password": source.password,
        }
    )


def deployed_source(stack: str, name: str) -> StackOutputs | None:
    """Return a source's outputs; None where it is not deployed, or they can't be read.

    The latter is printed: the checks then find neither tables nor a server that were replaced.
    """
    try:
        return read_outputs(stack).of(name)
    except NotDeployedError:
        return None
    except StackError as error:
        print(f"what the archive has of {name} is not known: {error}", file=sys.stderr)
        return None


def recorded_entries(deployed: StackOutputs | None) -> dict[str, Any]:
    """Return what the archive has of a source's tables; nothing where it is not deployed."""
    entries: dict[str, Any] = json.loads(deployed.captured_entries) if deployed else {}
    return entries


def captured_server(source: ExistingSource, deployed: StackOutputs | None) -> str | None:
    """Return the server of which the archive has the rows; None where it is not deployed."""
    if source.recovered is not None:
        return source.recovered.server
    return deployed.captured_server if deployed else None


def _values(stack: str) -> dict[str, Any]:
    """Return the stack file's keys of the project, with their secrets in clear text."""
    done = run_pulumi(stack, "config", "--json", "--show-secrets")
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
