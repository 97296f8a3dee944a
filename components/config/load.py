"""Reads a stack's configuration from Pulumi and reports everything that is wrong with it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pulumi
from pulumi.runtime import config as runtime_config
from pydantic import ValidationError

from components.config.messages import messages
from components.config.stack import StackConfig

# The section whose values may be secrets: the passwords of existing databases.
WITH_SECRETS = "sources"
SET_AS_SECRET = (
    "holds a value that was set with --secret, but the program keeps only the passwords of"
    " datapipe:sources secret: the value would appear in clear text in the state and in the"
    " cluster. The managed database's passwords are generated, and AWS credentials are read from"
    " the environment. Set the value without --secret, or remove it if it is a secret"
)


class ConfigError(pulumi.RunError):
    """The stack file is not valid; the message names each key and what is allowed."""


def load() -> StackConfig:
    """Return the configuration of the stack that is being previewed or deployed.

    Raises ConfigError with everything that is wrong, before any resource is registered.
    """
    project, stack_file = pulumi.get_project(), f"Pulumi.{pulumi.get_stack()}.yaml"
    if secret := list(_secret_keys(project)):
        raise refusal(stack_file, project, [f"{key}: {SET_AS_SECRET}" for key in secret])
    given = _given(project)
    if open_passwords := list(_open_passwords(given, project)):
        raise refusal(stack_file, project, open_passwords)
    return parse(given, stack_file, project)


def parse(values: Mapping[str, Any], stack_file: str, project: str = "datapipe") -> StackConfig:
    """Return the typed configuration of a stack file's values. Raises ConfigError."""
    try:
        # By name, a key would also be taken as Python spells it: min_insync_replicas.
        return StackConfig.model_validate(values, by_alias=True, by_name=False)
    except ValidationError as error:
        raise refusal(stack_file, project, messages(error, StackConfig)) from None


def refusal(stack_file: str, project: str, problems: Iterable[str]) -> ConfigError:
    """Return the error for problems such as `kafka.brokers: 0 is too low`."""
    lines = [f"  {project}:{problem}" for problem in problems]
    return ConfigError("\n".join([f"{stack_file} is not valid; nothing was changed:", *lines]))


def contradiction(error: ValueError) -> ConfigError:
    """Return the error for keys of the stack file that do not go together; it names them."""
    return ConfigError(f"Pulumi.{pulumi.get_stack()}.yaml is not valid: {error}")


def _secret_keys(project: str) -> Iterator[str]:
    """Yield the project's keys of the stack file that hold a value set with --secret."""
    for key in sorted(runtime_config.CONFIG.get()):
        name = key.removeprefix(f"{project}:")
        if name not in (key, WITH_SECRETS) and runtime_config.is_config_secret(key):
            yield name


def _open_passwords(given: Mapping[str, Any], project: str) -> Iterator[str]:
    """Yield a problem for each source whose password is in the stack file in clear text.

    The engine says of a whole section whether it holds a secret.
    """
    sources = given.get(WITH_SECRETS)
    if not isinstance(sources, Mapping):
        return
    if runtime_config.is_config_secret(f"{project}:{WITH_SECRETS}"):
        return
    for name, source in sources.items():
        if isinstance(source, Mapping) and "password" in source:
            path = f"{WITH_SECRETS}.{name}.password"
            yield (
                f"{path}: is in the stack file in clear text; remove it, change the password in the"
                f" database, and run: pulumi config set --secret --path '{project}:{path}'"
            )


def _given(project: str) -> dict[str, Any]:
    """Return the project's keys of the stack file, known or not, parsed from Pulumi's JSON."""
    prefix = f"{project}:"
    given: dict[str, Any] = {}
    for key, text in runtime_config.CONFIG.get().items():
        if key.startswith(prefix):
            try:
                given[key.removeprefix(prefix)] = json.loads(text)
            except json.JSONDecodeError:
                given[key.removeprefix(prefix)] = text
    return given
