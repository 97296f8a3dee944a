"""The packet filter's rules for a cluster's NetworkPolicies: objects in, nftables' language out.

A pod that a policy selects has a chain for each direction that the policy is about; a chain lists
what is allowed and ends with a refusal. Both ends are asked: first the sender's, then the
receiver's. Only the first packet of a connection comes that far. Addresses are those after a
Service's translation, since kube-proxy's rules come earlier.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum

from sandbox.node import addresses
from sandbox.node.network_policy.objects import Cluster, Manifest, Pod
from sandbox.node.network_policy.selectors import matches, selected_pods

TABLE = "datapipe-network-policies"
# The set of the addresses of all pods that the table knows.
PODS = "pods"


class Direction(Enum):
    """Of traffic as a pod sees it.

    What policies call it, where their rules list the other end, and that end in a packet.
    """

    INGRESS = ("ingress", "from", "saddr")
    EGRESS = ("egress", "to", "daddr")

    def __init__(self, key: str, peers: str, other_end: str) -> None:
        self.key = key
        self.peers = peers
        self.other_end = other_end


def render(cluster: Cluster) -> str:
    """Return the script that puts the table for this cluster in the place of the one before.

    Until a pod is known, what it sends and what it is sent is dropped: its connections are tried
    again and succeed a moment later. An empty cluster thus closes everything but the way from the
    node to pods. What a policy forbids is refused (ICMP: administratively prohibited).
    """
    chains = [
        _chain(pod, direction, cluster)
        for direction in Direction
        for pod in cluster.pods
        if _policies_of(pod, direction, cluster)
    ]
    return f"""
add table ip {TABLE}
delete table ip {TABLE}
table ip {TABLE} {{
  set {PODS} {{ type ipv4_addr; {_elements(pod.address for pod in cluster.pods)} }}
  chain refuse {{ reject with icmp type admin-prohibited; }}
{"".join(chains)}
  chain judge {{
{_dispatch(Direction.EGRESS, cluster)}{_dispatch(Direction.INGRESS, cluster)}  }}
  chain known_sender {{
    ip saddr {addresses.PODS} ip saddr != {addresses.NODE_ADDRESS} ip saddr != @{PODS} drop
  }}
  chain forward {{
    type filter hook forward priority filter; policy accept;
    ct state established,related accept
    jump known_sender
    ip daddr {addresses.PODS} ip daddr != @{PODS} drop
    jump judge
  }}
  chain input {{
    type filter hook input priority filter; policy accept;
    ct state established,related accept
    jump known_sender
    jump judge
  }}
  chain output {{
    type filter hook output priority filter; policy accept;
    ct state established,related accept
    jump judge
  }}
}}
"""


def _elements(items: Iterable[str]) -> str:
    listed = ", ".join(items)
    return f"elements = {{ {listed} }};" if listed else ""


def _dispatch(direction: Direction, cluster: Cluster) -> str:
    """Return the rule that sends a packet to the chain of the pod at this end of it."""
    own_end = "daddr" if direction is Direction.INGRESS else "saddr"
    verdicts = ", ".join(
        f"{pod.address} : jump {_chain_name(pod, direction)}"
        for pod in cluster.pods
        if _policies_of(pod, direction, cluster)
    )
    return f"    ip {own_end} vmap {{ {verdicts} }}\n" if verdicts else ""


def _chain_name(pod: Pod, direction: Direction) -> str:
    return f"{direction.key}-{pod.address}"


def _chain(pod: Pod, direction: Direction, cluster: Cluster) -> str:
    lines = [f"  chain {_chain_name(pod, direction)} {{  # {pod.namespace}/{pod.name}"]
    lines += [f"    {match}return" for match in _allowed(pod, direction, cluster)]
    return "\n".join([*lines, "    goto refuse", "  }", ""])


def _allowed(pod: Pod, direction: Direction, cluster: Cluster) -> Iterator[str]:
    """Yield what a pod may do: reach itself, answer the kubelet, and what the policies list."""
    yield f"ip {direction.other_end} {pod.address} "
    if direction is Direction.INGRESS and pod.probed:
        yield f"ip saddr {addresses.NODE_ADDRESS} tcp dport {_set(sorted(pod.probed))} "
    for policy in _policies_of(pod, direction, cluster):
        for rule in policy["spec"].get(direction.key) or ():
            yield from _rule(rule, direction, pod, policy["metadata"]["namespace"], cluster)


def _policies_of(pod: Pod, direction: Direction, cluster: Cluster) -> list[Manifest]:
    return [
        policy
        for policy in cluster.policies
        if policy["metadata"]["namespace"] == pod.namespace
        and _is_about(policy["spec"], direction)
        and matches(policy["spec"].get("podSelector") or {}, pod.labels)
    ]


def _is_about(spec: Manifest, direction: Direction) -> bool:
    """As Kubernetes fills in policyTypes: always ingress, egress where there are egress rules."""
    stated = spec.get("policyTypes")
    if stated:
        return direction.key in {each.lower() for each in stated}
    return direction is Direction.INGRESS or bool(spec.get("egress"))


def _rule(
    rule: Manifest, direction: Direction, pod: Pod, namespace: str, cluster: Cluster
) -> Iterator[str]:
    """Yield the matches of one rule. A named port is the receiving pod's, whoever that is."""
    peers: Sequence[Manifest] = rule.get(direction.peers) or ()
    ingress = direction is Direction.INGRESS
    pods = [p for peer in peers for p in selected_pods(peer, namespace, cluster)]
    by_ports = defaultdict(set)
    for peer in pods if peers else cluster.pods:
        by_ports[tuple(_ports(rule, pod if ingress else peer))].add(peer.address)
    for ports, found in sorted(by_ports.items()):
        yield from (f"ip {direction.other_end} {_set(sorted(found))} {port}" for port in ports)
    ranges = [_range(peer["ipBlock"], direction) for peer in peers if "ipBlock" in peer]
    for range_ in ranges if peers else [""]:
        yield from (f"{range_}{port}" for port in _ports(rule, pod if ingress else None))


def _range(block: Manifest, direction: Direction) -> str:
    match = f"ip {direction.other_end} {block['cidr']} "
    # One match for each: ranges in one set must not overlap.
    for excluded in block.get("except") or ():
        match += f"ip {direction.other_end} != {excluded} "
    return match


def _ports(rule: Manifest, receiver: Pod | None) -> list[str]:
    """Return the matches of a rule's ports; one that matches all if it has no ports."""
    if not rule.get("ports"):
        return [""]
    found = [(each.get("protocol", "TCP"), _numbers(each, receiver)) for each in rule["ports"]]
    return [f"{protocol.lower()} dport {numbers} " for protocol, numbers in found if numbers]


def _numbers(port: Manifest, receiver: Pod | None) -> str | None:
    """Return a rule's port as a number or range; None if the receiver has no such port."""
    number = port.get("port", "0-65535")
    if "endPort" in port:
        return f"{number}-{port['endPort']}"
    if "port" in port and isinstance(number, str):
        named = receiver.ports.get((port.get("protocol", "TCP"), number)) if receiver else None
        return None if named is None else str(named)
    return str(number)


def _set(items: Iterable[object]) -> str:
    return f"{{ {', '.join(map(str, items))} }}"
