"""Reads a stack's configuration from Pulumi, once, and says clearly what is wrong with it."""

import json
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.runtime import config as runtime_config
from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from components.config.stack import StackConfig


class ConfigError(pulumi.RunError):
    """The stack file is wrong; the message names each key and what is allowed."""


def load() -> StackConfig:
    """The configuration of the stack that is being previewed or deployed.

    Raises ConfigError for the whole list of what is wrong, before any resource is registered.
    """
    return parse(_given(pulumi.get_project()), f"Pulumi.{pulumi.get_stack()}.yaml")


def parse(values: Mapping[str, Any], stack_file: str, project: str = "datapipe") -> StackConfig:
    """The typed configuration of the values given in a stack file. Raises ConfigError."""
    try:
        return StackConfig.model_validate(values)
    except ValidationError as error:
        lines = [
            f"  {project}:{_key(problem['loc'])}: {_reason(problem)}" for problem in error.errors()
        ]
        raise ConfigError(
            f"{stack_file} can't be used, nothing was changed:\n" + "\n".join(lines)
        ) from None


def _given(project: str) -> dict[str, Any]:
    """Every key of this project in the stack file, known or not, parsed from Pulumi's JSON."""
    prefix = f"{project}:"
    given: dict[str, Any] = {}
    for key, text in runtime_config.CONFIG.get().items():
        if key.startswith(prefix):
            try:
                given[key.removeprefix(prefix)] = json.loads(text)
            except json.JSONDecodeError:
                given[key.removeprefix(prefix)] = text
    return given


def _key(location: tuple[int | str, ...]) -> str:
    """The key as it stands in the stack file, e.g. sizing.broker.memoryLimit or tables[1]."""
    key = ""
    for part in location:
        if part == "[key]":  # pydantic's mark: the key itself is wrong, not what it holds
            continue
        if isinstance(part, int):
            key += f"[{part}]"
        else:
            # a captured table's name is no key of ours and stays as it is
            key += ("." if key else "") + (part if "." in part else to_camel(part))
    return key or "(the whole)"


def _reason(problem: Mapping[str, Any]) -> str:
    """What is wrong and what is allowed, in our words where pydantic's say too little."""
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        allowed = ", ".join(_allowed_keys(problem["loc"]))
        return f"unknown key; allowed here: {allowed}"
    if problem["type"] == "missing":
        return "is required"
    given = problem.get("input")
    if isinstance(given, str | int | float | bool) and str(given) not in message:
        return f"{given!r} is not allowed: {message[:1].lower()}{message[1:]}"
    return message


def _allowed_keys(location: tuple[int | str, ...]) -> list[str]:
    """The keys of the section that an unknown key stands in."""
    section: type[Any] = StackConfig
    for part in location[:-1]:
        fields = {field.alias or name: field for name, field in section.model_fields.items()}
        if part not in fields:  # a table in a mapping of tables to sections
            continue
        annotation = fields[str(part)].annotation
        options = [annotation, *getattr(annotation, "__args__", ())]
        section = next(option for option in options if hasattr(option, "model_fields"))
    return sorted(field.alias or name for name, field in section.model_fields.items())
