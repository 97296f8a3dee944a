"""The matrix of flows: extra and missing flows are reported with the policies to change."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.ports import LAST, PROTOCOLS, describe, parse_port, span, spans
from policies.resource import Resource
from tests.policies.samples import (
    NODES,
    compliant_stack,
    deployment,
    messages,
    network,
    network_policy,
    pods,
    ports,
    stateful_set,
)

POLICY = "network-matrix"
BROKER = {"podSelector": {"matchLabels": {"app": "kafka"}}}
DATABASE = {"podSelector": {"matchLabels": {"app": "postgresql"}}}


def stack(**broker: Any) -> list[Resource]:
    """Return the database and the brokers, with other parts in the brokers' policy."""
    workloads = [stateful_set("postgresql"), stateful_set("kafka")]
    return [*workloads, *network(**broker)]


def test_an_extra_flow_is_reported_with_both_policies_that_allow_it() -> None:
    to_brokers = network_policy("to-brokers", **DATABASE, egress=[{"to": [pods("kafka")]}])
    opened = [{"from": [pods("postgresql")], "ports": ports(9092)}]
    from_database = network_policy("from-database", **BROKER, ingress=opened)

    assert messages(POLICY, [*compliant_stack(), to_brokers, from_database]) == [
        "postgresql can reach kafka at 9092, which the matrix does not have: remove it from"
        " NetworkPolicy to-brokers (egress) and NetworkPolicy from-database (ingress), or add it to"
        " `flows`"
    ]


def test_a_rule_at_one_end_alone_allows_nothing() -> None:
    one_end = network_policy("to-brokers", **DATABASE, egress=[{"to": [pods("kafka")]}])
    assert messages(POLICY, [*compliant_stack(), one_end]) == []


def test_a_missing_flow_is_reported_with_the_end_that_lacks_a_rule() -> None:
    only_quorum = [{"to": [pods("kafka")], "ports": ports(9093)}]

    assert messages(POLICY, stack(egress=only_quorum)) == [
        "kafka can't reach kafka at 9092, which the matrix has: add an egress rule for kafka, or"
        " remove it from `flows`"
    ]


def test_addresses_beyond_the_expected_range_are_named() -> None:
    wider = {"ipBlock": {"cidr": "172.16.0.0/14", "except": ["172.16.0.0/15"]}}
    from_wider = network_policy(
        "wider", **DATABASE, ingress=[{"from": [wider], "ports": ports(5432)}]
    )

    assert [m.partition(",")[0] for m in messages(POLICY, [*compliant_stack(), from_wider])] == [
        "other addresses (172.19.0.0/16) can reach postgresql at 5432"
    ]


def test_a_range_that_is_too_narrow_is_reported() -> None:
    half = {"ipBlock": {"cidr": "172.18.0.0/17"}}
    both = [
        {"from": [half], "ports": ports(9094)},
        {"from": [pods("kafka")], "ports": ports(9092, 9093)},
    ]

    assert [m.partition(",")[0] for m in messages(POLICY, stack(ingress=both))] == [
        "nodes (172.18.128.0/17) can't reach kafka at 9094"
    ]


def test_a_named_port_is_the_receivers() -> None:
    named = {"name": "internal", "containerPort": 9092}
    workload = stateful_set("kafka")
    containers = workload.properties["spec"]["template"]["spec"]["containers"]
    containers[0]["ports"] = [named]
    internal = [{"port": "internal"}, {"port": 9093}]
    egress = [{"to": [pods("kafka")], "ports": internal}]
    assert messages(POLICY, [stateful_set("postgresql"), workload, *network(egress=egress)]) == []


@pytest.mark.parametrize("direction", ["Ingress", "Egress"])
def test_a_pod_that_no_policy_selects_is_reported_once(direction: str) -> None:
    """Not again for each end that it can reach."""
    other = {"Ingress": "Egress", "Egress": "Ingress"}[direction]
    half = network_policy("half", podSelector={}, policyTypes=[other])
    assert [m.partition(",")[0] for m in messages(POLICY, [stateful_set("lonely"), half])] == [
        f"no NetworkPolicy selects lonely for {direction.lower()}"
    ]


def test_one_rule_that_opens_much_is_one_message() -> None:
    anybody = network_policy(
        "door", podSelector={}, ingress=[{"from": [NODES], "ports": ports(22)}]
    )
    assert [m.partition(", which")[0] for m in messages(POLICY, [*compliant_stack(), anybody])] == [
        "nodes (172.18.0.0/16) can reach archive-maintenance, kafka, postgresql, any other pod of"
        " data at 22"
    ]


def test_the_settings_ports_are_checked() -> None:
    wrong = {"flows": [{"from": "kafka", "to": "kafka", "ports": ["http"]}]}
    [message] = messages(POLICY, compliant_stack(), wrong)
    assert "'http' is not a valid port; write e.g. 9092, 53/UDP or 8000-8010" in message


@given(st.sets(st.tuples(st.sampled_from(PROTOCOLS), st.integers(1, LAST)), max_size=20))
def test_a_set_of_ports_has_exactly_its_ports(chosen: set[tuple[str, int]]) -> None:
    bits = 0
    for protocol, port in chosen:
        bits |= span(protocol, port, port)
    runs = {(p, n) for p, first, last in spans(bits) for n in range(first, last + 1)}
    assert runs == chosen
    parsed = 0
    for text in filter(None, describe(bits).split(", ")):
        parsed |= parse_port(text)
    assert parsed == bits


def test_the_way_to_an_existing_database_is_expected_and_required() -> None:
    settings = {
        "flows": [],
        "sources": {"shop": {"networks": ["10.20.0.0/24"], "port": 5432}},
    }
    worker = {"podSelector": {"matchLabels": {"app": "kafka-connect"}}}
    block = {"ipBlock": {"cidr": "10.20.0.0/24"}}

    def said(number: int) -> list[str]:
        way = [{"to": [block], "ports": ports(number)}]
        policy = network_policy("worker", **worker, policyTypes=["Ingress", "Egress"], egress=way)
        return messages(POLICY, [deployment("kafka-connect"), policy], settings)

    assert said(5432) == []
    (wrong,) = [each for each in said(5433) if "5433" in each]
    assert "which the matrix does not have" in wrong
