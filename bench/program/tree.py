"""The tree of a stack's resources, which the yardstick registers without inputs."""

import json
from typing import Any, NamedTuple

STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_TYPE = "pulumi:providers:"


class Node(NamedTuple):
    """A resource."""

    name: str
    parent: int | None
    """its number in the tree; None: the stack itself"""
    custom: bool
    """whether a plugin answers for it; a component groups others only"""


def tree(resources: list[dict[str, Any]]) -> list[Node]:
    """Return the resources of a state, parents before their children, without providers."""
    numbers: dict[str, int] = {}
    nodes = []
    for resource in resources:
        kind = resource["type"]
        if kind == STACK_TYPE or kind.startswith(PROVIDER_TYPE):
            continue
        name = resource["urn"].rpartition("::")[2]
        nodes.append(Node(name, numbers.get(resource.get("parent", "")), resource["custom"]))
        numbers[resource["urn"]] = len(nodes) - 1
    return nodes


def text(nodes: list[Node]) -> str:
    """Return the file that the yardstick's program reads."""
    return json.dumps(nodes)
