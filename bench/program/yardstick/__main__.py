"""Registers the resources of tree.json (bench/program/tree.py), without inputs."""

import json
from pathlib import Path

import pulumi


class Empty(pulumi.CustomResource):
    """A resource of a class of its own, as those of packages are, of a type that no policy judges.

    A plugin that is installed for the program answers for it.
    """

    def __init__(self, name: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__("kafka:index/quota:Quota", name, {}, opts)


class Group(pulumi.ComponentResource):
    """A component."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__("datapipe:yardstick:Group", name, None, opts)


declared: list[pulumi.Resource] = []
for number, (name, parent, custom) in enumerate(json.loads(Path("tree.json").read_text())):
    options = pulumi.ResourceOptions(parent=None if parent is None else declared[parent])
    declared.append((Empty if custom else Group)(f"{name}-{number}", options))
