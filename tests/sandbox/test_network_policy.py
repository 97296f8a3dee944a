"""What the sandbox's packet filter lets through is what the NetworkPolicies say."""

import ipaddress
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from policies.ports import span
from policies.reachability import Addresses, Pods, Rules
from policies.resource import Resource
from sandbox.node import addresses
from sandbox.node.network_policy.objects import Cluster, Pod, read_cluster
from sandbox.node.network_policy.ruleset import render
from tests.sandbox.packet_simulation import Packet, RuleSet

NODE = str(addresses.NODE_ADDRESS)
NAMESPACES = {"a": {"kind": "ours"}, "b": {"kind": "theirs"}}


def pod(name: str, last: int, namespace: str = "a", **more: Any) -> Pod:
    return Pod(namespace, name, f"10.231.0.{last}", labels={"app": name}, **more)


def policy(name: str, namespace: str = "a", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace}, "spec": spec}


def rules(*policies: dict[str, Any], pods: tuple[Pod, ...]) -> RuleSet:
    return RuleSet(render(Cluster(pods, NAMESPACES, policies)))


def tcp(source: Pod, target: Pod, port: int) -> Packet:
    return Packet(source.address, target.address, "tcp", port)


SERVER = pod("server", 2, ports={("TCP", "http"): 8080}, probed=frozenset({9000}))
CLIENT = pod("client", 3)
STRANGER = pod("stranger", 4, "b")
ALL = (SERVER, CLIENT, STRANGER)
FOR_SERVER: dict[str, Any] = {"podSelector": {"matchLabels": {"app": "server"}}}
FROM_CLIENT = [{"podSelector": {"matchLabels": {"app": "client"}}}]
ONLY_CLIENT = policy(
    "p", **FOR_SERVER, ingress=[{"from": FROM_CLIENT, "ports": [{"port": "http"}]}]
)


def test_without_policies_pods_talk_to_everybody() -> None:
    open_to_all = rules(pods=ALL)
    for source, target in product(ALL, ALL):
        packet = Packet(source.address, target.address, "tcp", 1)
        assert open_to_all.verdict("forward", packet) == "accept"


def test_what_no_rule_allows_is_refused_at_once() -> None:
    guarded = rules(ONLY_CLIENT, pods=ALL)
    assert guarded.verdict("forward", tcp(CLIENT, SERVER, 8080)) == "accept"
    assert guarded.verdict("forward", tcp(CLIENT, SERVER, 8081)) == "reject"
    assert guarded.verdict("forward", tcp(STRANGER, SERVER, 8080)) == "reject"
    assert guarded.verdict("forward", Packet(SERVER.address, CLIENT.address, "tcp", 1)) == "accept"


def test_an_unknown_pods_packets_are_dropped_so_that_they_are_sent_again() -> None:
    table = rules(pods=ALL)
    unknown = "10.231.0.99"
    assert table.verdict("forward", Packet(unknown, SERVER.address, "tcp", 1)) == "drop"
    assert table.verdict("forward", Packet(SERVER.address, unknown, "tcp", 1)) == "drop"
    assert table.verdict("input", Packet(unknown, NODE, "tcp", 5566)) == "drop"


def test_an_empty_cluster_closes_everything() -> None:
    closed = RuleSet(render(Cluster()))
    assert closed.verdict("forward", Packet("10.231.0.2", "10.231.0.3", "tcp", 1)) == "drop"
    assert closed.verdict("input", Packet("10.231.0.2", NODE, "tcp", 1)) == "drop"


def test_the_kubelets_probes_pass_and_the_node_has_no_other_privilege() -> None:
    guarded = rules(ONLY_CLIENT, pods=ALL)
    assert guarded.verdict("output", Packet(NODE, SERVER.address, "tcp", 9000)) == "accept"
    assert guarded.verdict("output", Packet(NODE, SERVER.address, "tcp", 8080)) == "reject"
    named = [{"from": [{"ipBlock": {"cidr": f"{NODE}/32"}}], "ports": [{"port": "http"}]}]
    from_node = policy("n", **FOR_SERVER, ingress=named)
    admitted = rules(ONLY_CLIENT, from_node, pods=ALL)
    assert admitted.verdict("output", Packet(NODE, SERVER.address, "tcp", 8080)) == "accept"


def test_the_node_is_reached_where_an_address_block_says_so() -> None:
    to_node = [{"to": [{"ipBlock": {"cidr": f"{NODE}/32"}}], "ports": [{"port": 5566}]}]
    guarded = rules(policy("p", **FOR_SERVER, policyTypes=["Egress"], egress=to_node), pods=ALL)
    assert guarded.verdict("input", Packet(SERVER.address, NODE, "tcp", 5566)) == "accept"
    assert guarded.verdict("input", Packet(SERVER.address, NODE, "tcp", 16443)) == "reject"


def test_a_pod_reaches_itself_by_way_of_a_service() -> None:
    closed = policy("none", podSelector={}, policyTypes=["Ingress", "Egress"])
    itself = Packet(SERVER.address, SERVER.address, "tcp", 8080)
    assert rules(closed, pods=ALL).verdict("forward", itself) == "accept"


def manifest(name: str, address: str, born: str, **status: Any) -> dict[str, Any]:
    container = {
        "name": "main",
        "ports": [{"name": "http", "containerPort": 8080}],
        "livenessProbe": {"httpGet": {"port": "http"}},
        "readinessProbe": {"tcpSocket": {"port": 9000}},
    }
    return {
        "metadata": {"name": name, "namespace": "a", "creationTimestamp": born},
        "spec": {"containers": [container]},
        "status": {"phase": "Running", "podIP": address, **status},
    }


def test_pods_are_read_with_their_named_and_probed_ports() -> None:
    [read] = read_cluster([manifest("one", "10.231.0.2", "2026-01-01")], [], []).pods
    assert read.ports == {("TCP", "http"): 8080}
    assert read.probed == {8080, 9000}


def test_a_finished_pods_address_is_its_successors() -> None:
    manifests = [
        manifest("done", "10.231.0.2", "2026-01-03", phase="Succeeded"),
        manifest("younger", "10.231.0.2", "2026-01-02"),
        manifest("leaving", "10.231.0.2", "2026-01-01"),
    ]
    assert [read.name for read in read_cluster(manifests, [], []).pods] == ["younger"]


def test_pods_in_the_nodes_network_are_not_subject_to_policies() -> None:
    on_node = manifest("agent", NODE, "2026-01-01")
    on_node["spec"]["hostNetwork"] = True
    assert read_cluster([on_node], [], []).pods == []


# -- against the policy pack's own reading of NetworkPolicies -------------------------------------

LABELS = st.dictionaries(st.sampled_from(["app", "tier"]), st.sampled_from(["x", "y"]))
SELECTORS = st.one_of(
    st.just({}),
    st.builds(lambda labels: {"matchLabels": labels}, LABELS),
    st.builds(
        lambda key, operator, values: {
            "matchExpressions": [{"key": key, "operator": operator, "values": values}]
        },
        st.sampled_from(["app", "tier"]),
        st.sampled_from(["In", "NotIn"]),
        st.lists(st.sampled_from(["x", "y"]), min_size=1, unique=True),
    ),
    st.builds(
        lambda key, operator: {"matchExpressions": [{"key": key, "operator": operator}]},
        st.sampled_from(["app", "tier"]),
        st.sampled_from(["Exists", "DoesNotExist"]),
    ),
)
NAMESPACE_SELECTORS = st.sampled_from(
    [{}, {"matchLabels": {"kind": "ours"}}, {"matchLabels": {"kind": "theirs"}}]
)
BLOCKS = st.sampled_from(
    [
        {"cidr": "192.0.2.0/24"},
        {"cidr": "192.0.2.0/24", "except": ["192.0.2.0/25"]},
        {"cidr": "198.51.100.7/32"},
        {"cidr": f"{NODE}/32"},
    ]
)
PEERS = st.one_of(
    st.builds(lambda selector: {"podSelector": selector}, SELECTORS),
    st.builds(lambda selector: {"namespaceSelector": selector}, NAMESPACE_SELECTORS),
    st.builds(
        lambda namespaces, pods: {"namespaceSelector": namespaces, "podSelector": pods},
        NAMESPACE_SELECTORS,
        SELECTORS,
    ),
    st.builds(lambda block: {"ipBlock": block}, BLOCKS),
)
PORTS = st.sampled_from(
    [
        {"port": 80},
        {"port": 80, "endPort": 90, "protocol": "TCP"},
        {"port": "http"},
        {"port": 53, "protocol": "UDP"},
        {"protocol": "UDP"},
    ]
)


def _rule(side: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {}, optional={side: st.lists(PEERS, max_size=2), "ports": st.lists(PORTS, max_size=2)}
    )


POLICIES = st.lists(
    st.builds(
        lambda number, namespace, spec: policy(f"p{number}", namespace, **spec),
        st.integers(0, 99),
        st.sampled_from(["a", "b"]),
        st.fixed_dictionaries(
            {"podSelector": SELECTORS},
            optional={
                "policyTypes": st.sampled_from([["Ingress"], ["Egress"], ["Ingress", "Egress"]]),
                "ingress": st.lists(_rule("from"), max_size=2),
                "egress": st.lists(_rule("to"), max_size=2),
            },
        ),
    ),
    max_size=4,
)
PODS = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), LABELS, st.sampled_from([None, 80, 8080])),
    min_size=1,
    max_size=4,
)
OUTSIDE = ("192.0.2.1", "192.0.2.200", "198.51.100.7", "203.0.113.1", NODE)
ATTEMPTS = [("tcp", 80), ("tcp", 85), ("tcp", 8080), ("udp", 53), ("udp", 80)]


@settings(max_examples=100)
@given(PODS, POLICIES)
def test_it_enforces_what_the_policy_pack_computes(
    described: list[tuple[str, dict[str, str], int | None]], policies: list[dict[str, Any]]
) -> None:
    pods = [
        Pod(
            namespace,
            f"pod-{n}",
            f"10.231.0.{n + 2}",
            labels,
            {("TCP", "http"): port} if port else {},
        )
        for n, (namespace, labels, port) in enumerate(described)
    ]
    enforced = RuleSet(render(Cluster(pods, NAMESPACES, policies)))
    resources = [
        Resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", each["metadata"]["name"], each)
        for each in policies
    ]
    computed = Rules(resources, NAMESPACES)
    ends: dict[str, Pods | Addresses] = {
        each.address: Pods(each.name, each.namespace, each.labels, each.ports) for each in pods
    }
    for address in OUTSIDE:
        only = ipaddress.IPv4Address(address)
        ends[address] = Addresses(address, only, only)
    for source, target in product(ends, ends):
        if source == target or {source, target} <= set(OUTSIDE):
            continue
        expected = computed.allowed(ends[source], ends[target])
        hook = {source: "output", target: "input"}.get(NODE, "forward")
        for protocol, port in ATTEMPTS:
            verdict = enforced.verdict(hook, Packet(source, target, protocol, port))
            wanted = "accept" if expected & span(protocol.upper(), port, port) else "reject"
            assert verdict == wanted, (source, target, protocol, port, policies)
