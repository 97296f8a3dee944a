"""Which ends a set of NetworkPolicies lets connect, by Kubernetes' rules.

All traffic of a pod is allowed in a direction for which no policy selects it. Otherwise what any of
the selecting policies allows is allowed. A connection must be allowed at both ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import TypeAlias

from policies.ports import ANY_PORT, LAST, NO_PORT, Ports, span
from policies.resource import Properties, Resource

Labels: TypeAlias = Mapping[str, str]
# The labels of namespaces, by name.
Namespaces: TypeAlias = Mapping[str, Labels]


class Direction(Enum):
    """A direction's key in a policy, and the key of the peers in its rules."""

    INGRESS = ("ingress", "from")
    EGRESS = ("egress", "to")

    def __init__(self, key: str, peers: str) -> None:
        self.key = key
        self.peers = peers


@dataclass(frozen=True, eq=False)
class Pods:
    """Pods with the same labels: those of a workload, or any others."""

    title: str
    namespace: str
    labels: Labels
    named_ports: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(protocol, name) to number."""
    urn: str = ""
    """The workload's URN."""


@dataclass(frozen=True, eq=False)
class Addresses:
    """Neighbouring addresses outside the cluster, which every rule treats alike."""

    title: str
    first: IPv4Address | IPv6Address
    last: IPv4Address | IPv6Address

    def within(self, block: Properties) -> bool:
        """Return whether an ipBlock contains them."""
        return self.first in ip_network(block["cidr"]) and not any(
            self.first in ip_network(excluded) for excluded in block.get("except", ())
        )


End: TypeAlias = Pods | Addresses


@dataclass(frozen=True)
class Rules:
    """NetworkPolicies, and the labels of the namespaces that they select."""

    policies: Sequence[Resource]
    namespaces: Namespaces

    def allowed(self, source: End, target: End) -> Ports:
        """Return the ports at which the source can reach the target."""
        outgoing = self.allowed_by(source, target, Direction.EGRESS)
        return outgoing & self.allowed_by(target, source, Direction.INGRESS)

    def allowed_by(self, end: End, other: End, direction: Direction) -> Ports:
        """Return the ports that the policies of one end allow with the other end."""
        policies = self.selecting(end, direction)
        if not policies:
            return ANY_PORT
        ports = NO_PORT
        for policy in policies:
            ports |= self.granted(policy, end, other, direction)
        return ports

    def selecting(self, end: End, direction: Direction) -> list[Resource]:
        """Return the policies that select an end for a direction; none selects addresses."""
        return [
            policy
            for policy in self.policies
            if isinstance(end, Pods)
            and policy.namespace == end.namespace
            and direction.key.capitalize() in policy_types(_spec(policy))
            and selects(_spec(policy).get("podSelector", {}), end.labels)
        ]

    def granted(self, policy: Resource, end: End, other: End, direction: Direction) -> Ports:
        """Return the ports at which one policy allows an end traffic with the other."""
        receiver = end if direction is Direction.INGRESS else other
        ports = NO_PORT
        for rule in _spec(policy).get(direction.key, ()):
            peers = rule.get(direction.peers, ())
            if not peers or any(self._matches(peer, policy.namespace, other) for peer in peers):
                ports |= _ports(rule, receiver)
        return ports

    def _matches(self, peer: Properties, own_namespace: str, other: End) -> bool:
        """Return whether a rule's peer, in a policy of a namespace, matches this end."""
        if "ipBlock" in peer:
            return isinstance(other, Addresses) and other.within(peer["ipBlock"])
        if isinstance(other, Addresses):
            return False
        if "namespaceSelector" in peer:
            labels = self.namespaces.get(other.namespace, {})
            in_namespace = selects(peer["namespaceSelector"], labels)
        else:
            in_namespace = other.namespace == own_namespace
        return in_namespace and selects(peer.get("podSelector", {}), other.labels)


def policy_types(spec: Properties) -> list[str]:
    """Return policyTypes; Kubernetes' default is Ingress, and Egress if there are egress rules."""
    stated = spec.get("policyTypes")
    return list(stated) if stated else ["Ingress", *(["Egress"] if spec.get("egress") else [])]


def selects(selector: Properties, labels: Labels) -> bool:
    """Return whether a label selector selects these labels."""
    return all(
        labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()
    ) and all(_fulfils(labels, wanted) for wanted in selector.get("matchExpressions", ()))


def _spec(policy: Resource) -> Properties:
    spec: Properties = policy.properties.get("spec", {})
    return spec


def _ports(rule: Properties, receiver: End) -> Ports:
    stated = rule.get("ports")
    if not stated:
        return ANY_PORT
    ports = NO_PORT
    for entry in stated:
        ports |= _port(entry, receiver)
    return ports


def _port(entry: Properties, receiver: End) -> Ports:
    protocol, port = entry.get("protocol", "TCP"), entry.get("port")
    if port is None:
        return span(protocol, 1, LAST)
    if isinstance(port, str) and not port.isdigit():
        named = receiver.named_ports if isinstance(receiver, Pods) else {}
        number = named.get((protocol, port))
        return NO_PORT if number is None else span(protocol, number, number)
    return span(protocol, int(port), int(entry.get("endPort", port)))


def _fulfils(labels: Labels, expression: Properties) -> bool:
    value, values = labels.get(expression["key"]), expression.get("values", ())
    operator = expression["operator"]
    if operator in {"In", "NotIn"}:
        return (value is not None and value in values) is (operator == "In")
    if operator in {"Exists", "DoesNotExist"}:
        return (value is not None) is (operator == "Exists")
    raise ValueError(
        f"{operator} is not a valid operator of a label selector; allowed: In, NotIn, Exists,"
        " DoesNotExist"
    )
