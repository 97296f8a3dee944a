"""What the rules are made from: pods, namespaces and policies, read from the API server's JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Manifest: TypeAlias = Mapping[str, Any]
Labels: TypeAlias = Mapping[str, str]

_PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
_PROBE_KINDS = ("httpGet", "tcpSocket", "grpc")
_FINISHED = {"Succeeded", "Failed"}


@dataclass(frozen=True)
class Pod:
    """A pod with an address of its own."""

    namespace: str
    name: str
    address: str
    labels: Labels = field(default_factory=dict)
    ports: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(protocol, name) of each named port to its number"""
    probed: frozenset[int] = frozenset()
    """TCP ports on which the kubelet asks for its health"""


@dataclass(frozen=True)
class Cluster:
    """Everything that decides who may talk to whom."""

    pods: Sequence[Pod] = ()
    namespaces: Mapping[str, Labels] = field(default_factory=dict)
    policies: Sequence[Manifest] = ()
    """NetworkPolicies"""


def read_cluster(
    pods: Sequence[Manifest], namespaces: Sequence[Manifest], policies: Sequence[Manifest]
) -> Cluster:
    """Return the cluster of these objects. Of two pods with one address the younger has it."""
    by_address = {
        manifest["status"]["podIP"]: manifest
        for manifest in sorted(pods, key=lambda each: str(each["metadata"]["creationTimestamp"]))
        if _has_address(manifest)
    }
    return Cluster(
        pods=[_read_pod(by_address[address]) for address in sorted(by_address)],
        namespaces={
            each["metadata"]["name"]: each["metadata"].get("labels", {}) for each in namespaces
        },
        policies=sorted(policies, key=_full_name),
    )


def _has_address(manifest: Manifest) -> bool:
    """Return whether the pod has its own address; policies do not apply to the node's."""
    status = manifest.get("status", {})
    running = status.get("phase") not in _FINISHED
    return running and "podIP" in status and not manifest["spec"].get("hostNetwork")


def _read_pod(manifest: Manifest) -> Pod:
    metadata = manifest["metadata"]
    containers = list(_containers(manifest["spec"]))
    return Pod(
        namespace=metadata["namespace"],
        name=metadata["name"],
        address=manifest["status"]["podIP"],
        labels=metadata.get("labels", {}),
        ports={
            (port.get("protocol", "TCP"), port["name"]): port["containerPort"]
            for container in containers
            for port in container.get("ports", ())
            if "name" in port
        },
        probed=frozenset(port for container in containers for port in _probed_ports(container)),
    )


def _containers(spec: Manifest) -> Iterator[Manifest]:
    yield from spec.get("initContainers", ())
    yield from spec["containers"]


def _probed_ports(container: Manifest) -> Iterator[int]:
    named = {port.get("name"): port["containerPort"] for port in container.get("ports", ())}
    for probe in _PROBES:
        for kind in _PROBE_KINDS:
            port = container.get(probe, {}).get(kind, {}).get("port")
            if port is not None:
                yield named.get(port, port)


def _full_name(manifest: Manifest) -> tuple[str, str]:
    return manifest["metadata"]["namespace"], manifest["metadata"]["name"]
