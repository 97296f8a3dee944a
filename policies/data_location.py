"""Where the configuration puts data: in a folder of a claim, whatever the image."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import PurePosixPath

from policies.finding import Finding, Violation, judge
from policies.image_volumes import Mount, mounts_of
from policies.pods import Container, PodTemplate, pod_template
from policies.resource import Resource
from policies.settings import Settings

# Kafka's setting, in any file of a ConfigMap that has one; Kafka reads log.dir where it is missing.
LOG_DIRS = re.compile(r"^\s*log\.dirs?\s*=\s*(?P<paths>.+?)\s*$", re.M)
# PostgreSQL's programs, their option, and their variable.
POSTGRESQL = {"postgres", "pg_ctl"}
DATA_OPTION, DATA_VARIABLE = "-D", "PGDATA"


def data_on_claims(resources: Sequence[Resource], _settings: Settings) -> Iterator[Finding]:
    """Refuse brokers and databases whose data is outside their pod's claims."""
    for owner in resources:
        yield from judge(_judge_pods, owner, resources)


def _judge_pods(owner: Resource, resources: Sequence[Resource]) -> Iterator[Finding]:
    template = pod_template(owner)
    if template is None:
        return
    for container in template.containers():
        mounts = list(mounts_of(template, container))
        for setting, path in _data_paths(template, container, resources):
            if problem := _fault(PurePosixPath(path), mounts):
                yield Violation(
                    f"{owner.title}, {container.title}: {setting} is {path}, {problem}", owner.urn
                )


def _data_paths(
    template: PodTemplate, container: Container, resources: Sequence[Resource]
) -> Iterator[tuple[str, str]]:
    """Yield each setting that says where the container's program keeps its data."""
    for text in _mounted_files(template, container, resources):
        for found in LOG_DIRS.finditer(text):
            yield from (("log.dirs", path.strip()) for path in found["paths"].split(","))
    command = [*container.spec.get("command", ()), *container.spec.get("args", ())]
    if command and PurePosixPath(command[0]).name in POSTGRESQL:
        for word, value in pairwise(command):
            if word == DATA_OPTION:
                yield DATA_OPTION, str(value)
    for variable in container.spec.get("env", ()):
        if variable["name"] == DATA_VARIABLE and "value" in variable:
            yield DATA_VARIABLE, str(variable["value"])


def _mounted_files(
    template: PodTemplate, container: Container, resources: Sequence[Resource]
) -> Iterator[str]:
    """Yield the texts of the ConfigMaps that a container mounts."""
    config_maps = {
        volume["name"]: volume["configMap"]["name"]
        for volume in template.spec.get("volumes", ())
        if "configMap" in volume
    }
    mounted = {
        config_maps[mount["name"]]
        for mount in container.spec.get("volumeMounts", ())
        if mount["name"] in config_maps
    }
    for resource in resources:
        if (
            resource.is_kind("ConfigMap")
            and resource.namespace == template.owner.namespace
            and resource.metadata.get("name") in mounted
        ):
            yield from map(str, resource.properties.get("data", {}).values())


def _fault(path: PurePosixPath, mounts: Sequence[Mount]) -> str | None:
    """Return what is wrong with a folder of data; the innermost mount above it holds it."""
    above = [mount for mount in mounts if path.is_relative_to(mount.path)]
    if not above:
        return "outside every mount, so it would be deleted with the container; mount a claim"
    holder = max(above, key=lambda mount: len(mount.path.parts))
    if not holder.claimed:
        return f"on {holder.title}, which is not a claim, so it would be deleted with the pod"
    if path == holder.path:
        return (
            "the root of a claim, where a file system may have lost+found; use a folder below it,"
            f" such as {path}/data"
        )
    return None
