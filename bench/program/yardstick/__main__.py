"""Registers the resources of tree.json (bench/program/tree.py), without inputs."""

import json
from pathlib import Path

import pulumi

# A type of an installed plugin that no policy judges.
EMPTY = "kafka:index/quota:Quota"

declared: list[pulumi.Resource] = []
for number, (name, parent, custom) in enumerate(json.loads(Path("tree.json").read_text())):
    options = pulumi.ResourceOptions(parent=None if parent is None else declared[parent])
    unique = f"{name}-{number}"
    declared.append(
        pulumi.CustomResource(EMPTY, unique, {}, options)
        if custom
        else pulumi.ComponentResource("datapipe:yardstick:Group", unique, None, options)
    )
