"""The Pulumi program of the engine tests: registers the resources listed in a file.

A property value {"idOf": name} is the id of another resource, which a preview does not know.
"""

import json
import os
from pathlib import Path
from typing import Any

import pulumi
from pulumi import dynamic


class NoProvider(dynamic.ResourceProvider):
    """Creates nothing."""

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        return dynamic.CreateResult("made", props)


class Connector(dynamic.Resource, module="kafka", name="Connector"):
    """Registers like the program's own connectors."""

    def __init__(self, name: str, properties: dict[str, Any]) -> None:
        super().__init__(NoProvider(), name, properties)


made: dict[str, pulumi.CustomResource] = {}


def resolve(value: Any) -> Any:
    """Return a property's value, with references to other resources' ids."""
    if isinstance(value, dict) and set(value) == {"idOf"}:
        return made[value["idOf"]].id
    if isinstance(value, dict):
        return {key: resolve(inner) for key, inner in value.items()}
    return [resolve(inner) for inner in value] if isinstance(value, list) else value


for resource in json.loads(Path(os.environ["RESOURCES"]).read_text()):
    properties = resolve(resource["properties"])
    if resource["type"].startswith("pulumi-python:dynamic"):
        made[resource["name"]] = Connector(resource["name"], properties)
    else:
        made[resource["name"]] = pulumi.CustomResource(
            resource["type"], resource["name"], properties
        )
