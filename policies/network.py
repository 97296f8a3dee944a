"""The network: all traffic is denied by default, and the internet is reached only by HTTPS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

from policies.finding import Finding, Violation, judge
from policies.pods import TEMPLATE_PATHS
from policies.reachability import policy_types
from policies.resource import Properties, Resource
from policies.settings import Schemas, Settings
from policies.stack_file import SOURCES

SETTINGS: Schemas = {
    "internetPorts": {
        "type": "array",
        "items": {"type": "integer"},
        "default": [443],
        "description": "TCP ports on which pods may reach public addresses",
    },
    "allowedDestinations": {
        "type": "array",
        "items": {"type": "string"},
        "default": [],
        "description": "other address ranges outside the cluster that pods may reach, such as a"
        " stand-in for AWS: 10.231.0.1/32",
    },
    "sources": SOURCES,
}

Network = IPv4Network | IPv6Network

# The ranges of a cluster, its nodes, its neighbours and its cloud's metadata service.
PRIVATE = [
    ip_network(cidr)
    for cidr in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",  # carrier-grade NAT, used for pods by some clouds
        "169.254.0.0/16",  # link-local: the cloud's metadata service hands out credentials there
        "fc00::/7",
        "fe80::/10",
    )
]


def default_deny(resources: Sequence[Resource], _settings: Settings) -> Iterator[Finding]:
    """Refuse a namespace with pods and no policy that selects all of them and allows nothing."""
    namespaces: dict[str, list[str]] = {}
    for resource in resources:
        if resource.is_kind(*TEMPLATE_PATHS) and not resource.excepted:
            namespaces.setdefault(resource.namespace, []).append(resource.title)
    denied = {
        (policy.namespace, direction)
        for policy in resources
        if policy.is_kind("NetworkPolicy")
        for direction in _denies(policy.properties.get("spec", {}))
    }
    for namespace, workloads in sorted(namespaces.items()):
        for direction in ("Ingress", "Egress"):
            if (namespace, direction) not in denied:
                yield Violation(
                    f"namespace {namespace} has pods ({', '.join(workloads)}) and no NetworkPolicy"
                    f" that denies all {direction.lower()}: add one with podSelector {{}},"
                    f" policyTypes [{direction}] and no rules"
                )


def _denies(spec: Properties) -> Iterator[str]:
    """Yield the directions in which a policy denies all traffic of every pod."""
    selector = spec.get("podSelector", {})
    if selector.get("matchLabels") or selector.get("matchExpressions"):
        return
    for direction in policy_types(spec):
        if not spec.get(direction.lower()):
            yield direction


def narrow_rules(resource: Resource, settings: Settings) -> Iterator[Finding]:
    """Refuse rules without peers or ports, and egress to the internet by other ports."""
    if not resource.is_kind("NetworkPolicy"):
        return
    spec: Properties = resource.properties.get("spec", {})
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(spec.get(direction, ())):
            yield from judge(_narrow, f"{direction}[{index}]", rule, peers)
            if direction == "egress":
                yield from judge(_leaves_safely, f"egress[{index}]", rule, settings)


def _narrow(where: str, rule: Properties, peers: str) -> Iterator[str]:
    if not rule.get(peers):
        yield f"{where} has no `{peers}`, so it allows every peer; list the intended peers"
    if not rule.get("ports"):
        yield f"{where} has no `ports`, so it allows every port; list the intended ports"
    for peer in rule.get(peers, ()):
        if peer.get("namespaceSelector") == {} and not peer.get("podSelector"):
            yield f"{where} allows every pod of every namespace; select the intended pods"
        block = peer.get("ipBlock", {})
        if block and ip_network(block["cidr"]).prefixlen == 0 and not block.get("except"):
            yield f"{where} allows every address; give the intended range"


def _leaves_safely(where: str, rule: Properties, settings: Settings) -> Iterator[str]:
    expected = [ip_network(cidr) for cidr in settings["allowedDestinations"]]
    for peer in rule.get("to", ()):
        block = peer.get("ipBlock")
        if not block:
            continue
        reached = ip_network(block["cidr"])
        if any(_contains(allowed, reached) for allowed in expected):
            continue
        if _reaches_a_database(reached, rule, settings):
            continue
        excluded = [ip_network(cidr) for cidr in block.get("except", ())]
        yield from _reaches_no_private_range(where, reached, excluded)
        yield from _ports_are_allowed(where, rule, settings["internetPorts"])


def _reaches_a_database(reached: Network, rule: Properties, settings: Settings) -> bool:
    """Return whether the rule allows an existing database's network and port, and nothing else."""
    allowed = [
        (port.get("protocol", "TCP"), port.get("port"), port.get("endPort"))
        for port in rule.get("ports", ())
    ]
    return any(
        str(reached) in source["networks"] and allowed == [("TCP", int(source["port"]), None)]
        for source in settings["sources"].values()
    )


def _reaches_no_private_range(
    where: str, reached: Network, excluded: Sequence[Network]
) -> Iterator[str]:
    for private in PRIVATE:
        overlap = _intersection(private, reached)
        if overlap is not None and not _covered(overlap, excluded):
            yield (
                f"{where} allows {reached}, which includes the private range {overlap}; add it to"
                " `except`, or to this policy's allowedDestinations if it is intended"
            )


def _ports_are_allowed(where: str, rule: Properties, allowed: Sequence[int]) -> Iterator[str]:
    for port in rule.get("ports", ()):
        number, last = port.get("port"), port.get("endPort")
        if port.get("protocol", "TCP") != "TCP" or last or number not in [int(p) for p in allowed]:
            span = f"{number}-{last}" if last else number
            yield (
                f"{where} allows {port.get('protocol', 'TCP')} {span} to addresses outside the"
                f" cluster; internetPorts allows only TCP {', '.join(str(int(p)) for p in allowed)}"
            )


def _contains(outer: Network, inner: Network) -> bool:
    if isinstance(outer, IPv4Network) and isinstance(inner, IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(outer, IPv6Network) and isinstance(inner, IPv6Network):
        return inner.subnet_of(outer)
    return False


def _intersection(one: Network, other: Network) -> Network | None:
    """Return the smaller of two ranges if the other contains it: ranges never overlap in part."""
    if _contains(one, other):
        return other
    return one if _contains(other, one) else None


def _covered(network: Network, excluded: Sequence[Network]) -> bool:
    """Return whether the excluded ranges together contain the whole range."""
    if isinstance(network, IPv4Network):
        merged: list[Network] = list(
            collapse_addresses([n for n in excluded if isinstance(n, IPv4Network)])
        )
    else:
        merged = list(collapse_addresses([n for n in excluded if isinstance(n, IPv6Network)]))
    return any(_contains(range_, network) for range_ in merged)
