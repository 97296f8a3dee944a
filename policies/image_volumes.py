"""What images declare: nothing is mounted above or below a VOLUME, and data is on a claim."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from policies.finding import Finding, judge
from policies.images import parse_reference
from policies.pods import Container, PodTemplate, pod_template
from policies.resource import Properties, Resource
from policies.settings import Schemas, Settings

_BROKER = ["/etc/kafka/secrets", "/var/lib/kafka/data"]

SETTINGS: Schemas = {
    "declared": {
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "properties": {
                "volumes": {"type": "array", "items": {"type": "string"}},
                "data": {"type": "string"},
            },
            "additionalProperties": False,
        },
        "default": {
            "docker.io/confluentinc/cp-kafka": {"volumes": _BROKER, "data": "/var/lib/kafka/data"},
            "docker.io/confluentinc/cp-kafka-connect": {
                "volumes": [*_BROKER, "/etc/kafka-connect/jars", "/etc/kafka-connect/secrets"]
            },
            "docker.io/confluentinc/cp-schema-registry": {
                "volumes": ["/etc/schema-registry/secrets"]
            },
            "docker.io/library/postgres": {
                "volumes": ["/var/lib/postgresql/data"],
                "data": "/var/lib/postgresql/data",
            },
            "docker.io/curlimages/curl": {},
        },
        "description": "by an image's repository, the paths of its VOLUMEs, and which of them holds"
        " data that must be on a claim",
    },
}


@dataclass(frozen=True)
class Mount:
    """A mount of a container."""

    path: PurePosixPath
    volume: str
    read_only: bool
    claimed: bool
    """whether a PersistentVolumeClaim is mounted"""

    @property
    def title(self) -> str:
        """Its name in messages."""
        return f"mount {self.path} ({self.volume})"


def volumes_respected(resource: Resource, settings: Settings) -> Iterator[Finding]:
    """Refuse mounts that do not go with what the images of a pod declare."""
    template = pod_template(resource)
    if template is None:
        return
    for container in template.containers():
        yield from judge(_judge_container, template, container, settings["declared"])


def _judge_container(
    template: PodTemplate, container: Container, declared: Mapping[str, Properties]
) -> Iterator[str]:
    stated = container.spec.get("image")
    if stated is None:  # the policy `images` reports it
        return
    try:
        repository = parse_reference(str(stated)).repository
    except ValueError:  # likewise
        return
    if repository not in declared:
        yield (
            f"{container.title}: the volumes of {repository} are not known; add what its"
            " configuration declares (docker image inspect) to this policy's `declared`"
        )
        return
    facts = declared[repository]
    mounts = list(mounts_of(template, container))
    for volume in facts.get("volumes", ()):
        for problem in _faults(PurePosixPath(volume), mounts):
            yield f"{container.title}: {problem}"
    data = facts.get("data")
    if data is not None and container.role == "container":
        yield from _judge_data(container, PurePosixPath(data), mounts)


def mounts_of(template: PodTemplate, container: Container) -> Iterator[Mount]:
    """Yield the mounts of a container with the kind of their volumes."""
    volumes = {volume["name"]: volume for volume in template.spec.get("volumes", ())}
    owner: Properties = template.owner.properties.get("spec", {})
    claims = {claim["metadata"]["name"] for claim in owner.get("volumeClaimTemplates", ())}
    for mount in container.spec.get("volumeMounts", ()):
        name = mount["name"]
        volume = volumes.get(name, {})
        yield Mount(
            PurePosixPath(mount["mountPath"]),
            name,
            # The files of these are written by the kubelet only, whatever the mount says.
            bool(mount.get("readOnly"))
            or bool({"configMap", "secret", "projected", "downwardAPI"} & set(volume)),
            name in claims or "persistentVolumeClaim" in volume,
        )


def _faults(volume: PurePosixPath, mounts: list[Mount]) -> Iterator[str]:
    for mount in mounts:
        if volume.is_relative_to(mount.path) and volume != mount.path:
            yield _above(volume, mount)
        elif mount.path.is_relative_to(volume) and volume != mount.path:
            yield (
                f"{mount.title} is inside the image's VOLUME {volume}; mount it in a folder that"
                " the image does not know, or exactly there"
            )


def _above(volume: PurePosixPath, mount: Mount) -> str:
    if mount.read_only:
        return (
            f"{mount.title} is read-only and covers the image's VOLUME {volume}, whose mount point"
            " can't be created there, so the container would not start; mount it in a folder that"
            " the image does not know"
        )
    return (
        f"{mount.title} is above the image's VOLUME {volume}, which covers this part of it with an"
        " anonymous volume that is deleted with the container; mount it at exactly"
        f" {volume} or elsewhere"
    )


def _judge_data(container: Container, data: PurePosixPath, mounts: list[Mount]) -> Iterator[str]:
    exact = [mount for mount in mounts if mount.path == data]
    if not exact:
        yield (
            f"{container.title}: the image keeps its data in {data}, where no claim is mounted; it"
            f" would be deleted with the container. Mount the claim at exactly {data}"
        )
    for mount in exact:
        if not mount.claimed:
            yield (
                f"{container.title}: {mount.title} is where the image keeps its data, and is not a"
                " claim; it would be deleted with the pod. Mount a PersistentVolumeClaim there"
            )
