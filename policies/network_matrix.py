"""The allowed flows of every pod are exactly those of the design's matrix."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Network,
    IPv6Network,
    collapse_addresses,
    summarize_address_range,
)
from typing import Any

from policies import ports
from policies.finding import Finding, Violation
from policies.network import PRIVATE
from policies.network_ends import Ends, find_ends
from policies.ports import NO_PORT, Ports
from policies.reachability import Addresses, Direction, End, Pods, Rules
from policies.resource import Resource
from policies.settings import Schemas, Settings
from policies.stack_file import SOURCES, stack_value

# In a flow: every pod of the stack's namespaces, and the cluster's nodes.
EVERY_POD = "pods"
NODES = "nodes"
# The workload that reaches existing databases.
WORKER = "kafka-connect"


def _flow(source: str, target: str, *numbers: str) -> dict[str, Any]:
    return {"from": source, "to": target, "ports": list(numbers)}


SETTINGS: Schemas = {
    "flows": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "from": {"type": "string"},
                "to": {"type": "string"},
                "ports": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["from", "to", "ports"],
            "additionalProperties": False,
        },
        "default": [
            _flow("kafka-connect", "postgresql", "5432"),
            _flow("kafka", "kafka", "9092", "9093"),
            _flow("kafka-connect", "kafka", "9092"),
            _flow("kafka-connect", "kafka-connect", "8083"),
            _flow("kafka-connect", "schema-registry", "8081"),
            _flow("schema-registry", "kafka", "9092"),
            _flow("kafka-connect", "internet", "443"),
            _flow("archive-maintenance", "internet", "443"),
            _flow("nodes", "kafka-connect", "8083"),
            _flow("nodes", "postgresql", "5432"),
            _flow("nodes", "kafka", "9094"),
            *(
                _flow(scraper, jvm, "9404")
                for scraper in ("nodes", "prometheus")
                for jvm in ("kafka", "kafka-connect", "schema-registry")
            ),
            _flow(EVERY_POD, "dns", "53", "53/UDP"),
        ],
        "description": "all allowed flows: names of workloads, or names in outsidePods and"
        f" addresses; `{EVERY_POD}` is every pod. A workload that the stack lacks is ignored",
    },
    "addresses": {
        "type": "object",
        "default": {
            "internet": {
                "cidr": "0.0.0.0/0",
                "except": [str(network) for network in PRIVATE if network.version == 4],
            },
        },
        "description": "address ranges outside the cluster by name, each in the form of an"
        f" ipBlock; `{NODES}` is nodeNetwork",
    },
    "nodeNetwork": {
        "type": "string",
        "default": stack_value("cluster", "nodeNetwork", "172.18.0.0/16"),
        "description": "addresses of the cluster's nodes; by default the stack file's"
        " `cluster.nodeNetwork`",
    },
    "sources": SOURCES,
    "outsidePods": {
        "type": "object",
        "default": {
            "dns": {"namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}},
            "prometheus": {
                "namespace": "monitoring",
                "labels": {"app.kubernetes.io/name": "prometheus"},
            },
        },
        "description": "pods of other namespaces by name: their namespace and labels",
    },
}


def ends_of(resources: Sequence[Resource], settings: Settings) -> Ends:
    """Return the ends of a stack and those that the settings name."""
    nodes = {NODES: {"cidr": settings["nodeNetwork"]}}
    databases = {
        title: {"cidr": network}
        for name, source in settings["sources"].items()
        for title, network in _titled(name, source)
    }
    addresses = {**nodes, **settings["addresses"], **databases}
    return find_ends(resources, settings["outsidePods"], addresses)


def _titled(name: str, source: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the networks of an existing database with their names in messages."""
    for network in source["networks"]:
        yield f"{name} ({network})", network


def _flows(settings: Settings) -> Iterator[Mapping[str, Any]]:
    """Yield the flows of the matrix, and those to the existing databases."""
    yield from settings["flows"]
    for name, source in settings["sources"].items():
        for title, _ in _titled(name, source):
            yield _flow(WORKER, title, str(int(source["port"])))


def flows_match_the_matrix(resources: Sequence[Resource], settings: Settings) -> Iterator[Finding]:
    """Refuse flows that the matrix does not have, and missing ones."""
    ends = ends_of(resources, settings)
    rules = rules_of(resources, ends)
    for pods in ends.workloads:
        for direction in _open_directions(rules, pods):
            yield Violation(
                f"no NetworkPolicy selects {pods.title} for {direction.key}, so all its"
                f" {direction.key} is allowed; add one with policyTypes"
                f" [{direction.key.capitalize()}]",
                pods.urn,
            )
    yield from _differences(ends, rules, settings)


def rules_of(resources: Sequence[Resource], ends: Ends) -> Rules:
    """Return a stack's network policies and the labels of its namespaces."""
    return Rules([each for each in resources if each.is_kind("NetworkPolicy")], ends.namespaces)


def expected_ports(settings: Settings, ends: Ends, source: End, target: End) -> Ports:
    """Return the ports at which the matrix lets the source reach the target."""
    expected = NO_PORT
    for flow in _flows(settings):
        if _is_named(flow["from"], source, ends) and _is_named(flow["to"], target, ends):
            for port in flow["ports"]:
                expected |= ports.parse_port(port)
    return expected


def _open_directions(rules: Rules, pods: Pods) -> list[Direction]:
    return [direction for direction in Direction if not rules.selecting(pods, direction)]


def _is_named(name: str, end: End, ends: Ends) -> bool:
    if name == EVERY_POD:
        return any(end is pods for pods in ends.inside)
    if isinstance(end, Addresses):
        return name in end.title.split(", ")
    return name == end.title


def _differences(ends: Ends, rules: Rules, settings: Settings) -> Iterator[Violation]:
    """Yield one violation for all ends that differ in the same way, by the same policies.

    Pods that no policy selects are left out: they are reported by another violation.
    """
    senders: defaultdict[tuple[str, _Fault], list[str]] = defaultdict(list)
    for source, target, fault in _faults(ends, rules, settings):
        senders[target, fault].append(source)
    receivers: defaultdict[tuple[tuple[str, ...], _Fault], list[str]] = defaultdict(list)
    for (target, fault), sources in senders.items():
        receivers[tuple(sources), fault].append(target)
    for (alike, fault), targets in receivers.items():
        yield Violation(
            f"{', '.join(alike)} {fault.verb} {', '.join(targets)} at"
            f" {ports.describe(fault.which)}, {fault.advice}",
            fault.urn,
        )


@dataclass(frozen=True)
class _Fault:
    """A difference between two ends, and what to change."""

    verb: str
    which: Ports
    advice: str
    urn: str


def _faults(ends: Ends, rules: Rules, settings: Settings) -> Iterator[tuple[str, str, _Fault]]:
    """Yield source, target and fault; addresses with the same fault are taken together."""
    unguarded = {id(pods) for pods in ends.inside if _open_directions(rules, pods)}
    alike: defaultdict[tuple[Any, ...], list[tuple[End, End]]] = defaultdict(list)
    for source, target in ends.pairs():
        if not unguarded & {id(source), id(target)}:
            expected = expected_ports(settings, ends, source, target)
            actual = rules.allowed(source, target)
            key = (_identity(source), _identity(target), actual & ~expected, expected & ~actual)
            alike[key].append((source, target))
    for (_, _, extra, missing), pairs in alike.items():
        sender, receiver = (_shown(side) for side in zip(*pairs, strict=True))
        if extra:
            yield sender, receiver, _extra(extra, rules, *pairs[0])
        if missing:
            yield sender, receiver, _missing(missing, rules, *pairs[0])


def _identity(end: End) -> object:
    return end.title if isinstance(end, Addresses) else id(end)


def _shown(found: Sequence[End]) -> str:
    """Return an end's name in messages; addresses with their ranges."""
    segments = {each for each in found if isinstance(each, Addresses)}
    if not segments:
        return found[0].title
    ranges = [str(network) for network in networks_of(segments)]
    more = f" and {len(ranges) - 3} more ranges" if len(ranges) > 3 else ""
    return f"{found[0].title} ({', '.join(ranges[:3])}{more})"


def networks_of(segments: Iterable[Addresses]) -> Iterator[IPv4Network | IPv6Network]:
    """Yield neighbouring addresses as few ranges."""
    by_version: dict[int, list[Any]] = {4: [], 6: []}
    for each in segments:
        by_version[each.first.version] += summarize_address_range(each.first, each.last)
    for networks in by_version.values():
        yield from collapse_addresses(networks)


def _sides(source: End, target: End) -> Iterator[tuple[End, End, Direction]]:
    yield source, target, Direction.EGRESS
    yield target, source, Direction.INGRESS


def _extra(which: Ports, rules: Rules, source: End, target: End) -> _Fault:
    allowing = [
        (policy, direction)
        for end, other, direction in _sides(source, target)
        for policy in rules.selecting(end, direction)
        if rules.granted(policy, end, other, direction) & which
    ]
    where = " and ".join(f"{policy.title} ({way.key})" for policy, way in allowing)
    advice = f"which the matrix does not have: remove it from {where}, or add it to `flows`"
    return _Fault("can reach", which, advice, allowing[0][0].urn)


def _missing(which: Ports, rules: Rules, source: End, target: End) -> _Fault:
    lacking = [
        f"an {direction.key} rule for {end.title}"
        for end, other, direction in _sides(source, target)
        if which & ~rules.allowed_by(end, other, direction)
    ]
    urns = [end.urn for end in (source, target) if isinstance(end, Pods) and end.urn]
    advice = f"which the matrix has: add {' and '.join(lacking)}, or remove it from `flows`"
    return _Fault("can't reach", which, advice, next(iter(urns), ""))
