"""The ends of connections that a stack's network policies can tell apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_network
from itertools import pairwise
from typing import Any

from policies.pods import PodTemplate, pod_template
from policies.reachability import Addresses, Direction, End, Labels, Namespaces, Pods, selects
from policies.resource import Properties, Resource

# Kubernetes sets this label on every namespace.
NAME_LABEL = "kubernetes.io/metadata.name"


@dataclass(frozen=True)
class Ends:
    """Everything that can be at one end of a connection."""

    workloads: Sequence[Pods]
    unmanaged_pods: Sequence[Pods]
    """For each namespace of a workload: a pod that belongs to no workload."""
    outside_pods: Sequence[Pods]
    """Pods in other namespaces."""
    addresses: Sequence[Addresses]
    """Addresses that belong to no pod."""
    namespaces: Namespaces

    @property
    def inside(self) -> list[Pods]:
        """The pods whose traffic the stack's policies control."""
        return [*self.workloads, *self.unmanaged_pods]

    def pairs(self) -> Iterator[tuple[End, End]]:
        """Yield every pair of source and target of which at least one is inside."""
        outside: list[End] = [*self.outside_pods, *self.addresses]
        everything: list[End] = [*self.inside, *outside]
        for pods in self.inside:
            yield from ((pods, target) for target in everything)
            yield from ((source, pods) for source in outside)


def find_ends(
    resources: Sequence[Resource],
    outside_pods: Mapping[str, Properties],
    address_blocks: Mapping[str, Properties],
) -> Ends:
    """Return the ends in a stack, and those outside that the settings name."""
    policies = [each for each in resources if each.is_kind("NetworkPolicy")]
    templates = [pod_template(resource) for resource in resources]
    workloads = [_workload(each) for each in templates if each is not None]
    workloads.sort(key=lambda pods: (pods.namespace, pods.title))
    own = sorted({pods.namespace for pods in workloads})
    unmanaged = [Pods(f"any other pod of {namespace}", namespace, {}) for namespace in own]
    named = [Pods(name, spec["namespace"], spec["labels"]) for name, spec in outside_pods.items()]
    others = [
        Pods(f"any other pod of {namespace}", namespace, {})
        for namespace in sorted({pods.namespace for pods in named} - set(own))
    ]
    elsewhere = Pods("any pod of another namespace", "", {})
    known = [*workloads, *unmanaged, *named, *others, elsewhere]
    namespaces = _namespaces(resources, known)
    selected = _pods_of_peers(policies, known, namespaces)
    return Ends(
        workloads,
        unmanaged,
        [*named, *others, elsewhere, *selected],
        list(_segments(policies, address_blocks)),
        {**namespaces, **{pods.namespace: _labels_of(pods.namespace) for pods in selected}},
    )


def _workload(template: PodTemplate) -> Pods:
    resource = template.owner
    return Pods(
        str(resource.metadata.get("name", resource.name)),
        resource.namespace,
        template.metadata.get("labels", {}),
        {
            (port.get("protocol", "TCP"), port["name"]): int(port["containerPort"])
            for container in template.containers()
            for port in container.spec.get("ports", ())
            if "name" in port
        },
        resource.urn,
    )


def _namespaces(resources: Sequence[Resource], known: Sequence[Pods]) -> dict[str, Labels]:
    stated = {
        str(each.metadata.get("name", each.name)): each.metadata.get("labels", {})
        for each in resources
        if each.is_kind("Namespace")
    }
    names = {*stated, *(pods.namespace for pods in known)}
    return {name: {**stated.get(name, {}), **_labels_of(name)} for name in names}


def _labels_of(namespace: str) -> Labels:
    return {NAME_LABEL: namespace}


def _pods_of_peers(
    policies: Sequence[Resource], known: Sequence[Pods], namespaces: Namespaces
) -> list[Pods]:
    """Return, for each peer that selects no known pods, an example of pods that it selects."""
    found: dict[str, Pods] = {}
    for policy in policies:
        for peer in _peers(policy):
            if "ipBlock" not in peer:
                pods = _pods_of_peer(peer, policy.namespace)
                if not any(_selects_known(pods, each, peer, namespaces) for each in known):
                    found.setdefault(pods.title, pods)
    return list(found.values())


def _peers(policy: Resource) -> Iterator[Properties]:
    spec: Properties = policy.properties.get("spec", {})
    for direction in Direction:
        for rule in spec.get(direction.key, ()):
            yield from rule.get(direction.peers, ())


def _pods_of_peer(peer: Properties, own_namespace: str) -> Pods:
    elsewhere: Properties = peer.get("namespaceSelector", {})
    named = elsewhere.get("matchLabels", {}).get(NAME_LABEL)
    namespace = named or (own_namespace if "namespaceSelector" not in peer else "elsewhere")
    labels = _example_labels(peer.get("podSelector", {}))
    shown = ", ".join(f"{key}={value}" for key, value in sorted(labels.items())) or "no labels"
    return Pods(f"a pod of {namespace} with {shown}", namespace, labels)


def _example_labels(selector: Properties) -> dict[str, str]:
    """Return labels that a selector selects."""
    labels = dict(selector.get("matchLabels", {}))
    for expression in selector.get("matchExpressions", ()):
        if expression["operator"] in {"In", "Exists"}:
            labels[expression["key"]] = next(iter(expression.get("values", ())), "any")
    return labels


def _selects_known(pods: Pods, known: Pods, peer: Properties, namespaces: Namespaces) -> bool:
    """Return whether a peer also selects known pods."""
    elsewhere = peer.get("namespaceSelector")
    same = (
        known.namespace == pods.namespace
        if elsewhere is None
        else selects(elsewhere, namespaces[known.namespace])
    )
    return same and selects(peer.get("podSelector", {}), known.labels)


def _segments(
    policies: Sequence[Resource], blocks: Mapping[str, Properties]
) -> Iterator[Addresses]:
    """Yield all addresses, split at the borders of every range that policies or settings name."""
    stated = [
        peer["ipBlock"] for policy in policies for peer in _peers(policy) if "ipBlock" in peer
    ]
    ranges = [ip_network("0.0.0.0/0")]
    for block in (*stated, *blocks.values()):
        ranges += [ip_network(cidr) for cidr in (block["cidr"], *block.get("except", ()))]
    for version in sorted({network.version for network in ranges}):
        address: Any = IPv4Address if version == 4 else IPv6Address
        whole = ip_network("0.0.0.0/0" if version == 4 else "::/0")
        networks = [whole, *(network for network in ranges if network.version == version)]
        starts = {int(network.network_address) for network in networks}
        starts |= {int(network.broadcast_address) + 1 for network in networks}
        borders = sorted(starts)
        for first, after in pairwise(borders):
            yield _segment(address(first), address(after - 1), blocks)


def _segment(
    first: IPv4Address | IPv6Address,
    last: IPv4Address | IPv6Address,
    blocks: Mapping[str, Properties],
) -> Addresses:
    unnamed = Addresses("", first, last)
    names = [name for name, block in blocks.items() if unnamed.within(block)]
    return Addresses(", ".join(names) or "other addresses", first, last)
