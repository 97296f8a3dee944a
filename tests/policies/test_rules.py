"""Every policy accepts valid resources and refuses invalid ones, with a message."""

import json
from pathlib import Path

import pytest

from policies.finding import NotJudged
from policies.pack import POLICIES
from policies.resource import Resource, Unknown
from tests.policies.cases import CASES, STRICT_CASES, Case
from tests.policies.samples import (
    bucket,
    compliant_stack,
    container,
    deployment,
    findings,
    messages,
    network_policy,
    pod_spec,
)

PROD = json.loads((Path(__file__).parents[2] / "policies/configuration/prod.json").read_text())


@pytest.mark.parametrize("policy", [policy.name for policy in POLICIES])
def test_a_compliant_stack_passes(policy: str) -> None:
    assert messages(policy, compliant_stack()) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.policy}: {case.message[:40]}")
def test_an_invalid_resource_is_refused(case: Case) -> None:
    found = messages(case.policy, [*compliant_stack(), *case.broken])

    assert [message for message in found if case.message in message], found


@pytest.mark.parametrize("case", STRICT_CASES, ids=lambda case: f"{case.policy}: {case.message}")
def test_production_is_stricter(case: Case) -> None:
    assert messages(case.policy, case.broken) == []

    found = messages(case.policy, case.broken, PROD[case.policy])
    assert [message for message in found if case.message in message], found


def test_every_policy_has_a_failing_case() -> None:
    assert {case.policy for case in [*CASES, *STRICT_CASES]} == {policy.name for policy in POLICIES}


def test_an_unknown_value_is_reported_and_hides_nothing_else() -> None:
    broken = container("broken", image="postgres:latest")
    unclear = container("unclear", image=Unknown("app.image"))

    found = findings("images", [deployment("app", pod_spec(unclear, broken))])

    assert NotJudged("app.image") in found
    assert [f for f in found if "can change at any time" in str(f)]


def test_a_bucket_is_matched_by_use_while_its_name_is_unknown() -> None:
    owner, *companions = bucket("archive")
    unnamed = Resource(owner.type, owner.name, {}, owner.urn)
    by_use = [
        Resource(
            companion.type,
            companion.name,
            {**companion.properties, "bucket": Unknown("archive.bucket")},
            companion.urn,
            depends_on=frozenset({owner.urn}),
        )
        for companion in companions
    ]

    assert messages("s3-buckets", [unnamed, *by_use]) == []
    assert any("can be made public" in message for message in messages("s3-buckets", [unnamed]))


def test_no_message_shows_a_secret() -> None:
    leaky = next(
        case for case in CASES if case.message == "database.password must not be a literal secret"
    )

    assert not [m for m in messages("connectors", leaky.broken) if "hunter2" in m]


def test_a_private_destination_may_be_named_in_the_configuration() -> None:
    stand_in = {"to": [{"ipBlock": {"cidr": "10.231.0.1/32"}}], "ports": [{"port": 5566}]}
    policy = [network_policy("to-stand-in", podSelector={}, egress=[stand_in])]

    assert messages("network-rules", policy)
    assert messages("network-rules", policy, {"allowedDestinations": ["10.231.0.1/32"]}) == []


def test_an_existing_database_may_be_reached_at_its_port_only() -> None:
    sources = {"sources": {"shop": {"networks": ["10.20.0.0/24"], "port": 5432}}}

    def said(cidr: str, *numbers: int) -> list[str]:
        rule = {"to": [{"ipBlock": {"cidr": cidr}}], "ports": [{"port": port} for port in numbers]}
        policy = [network_policy("to-shop", podSelector={}, egress=[rule])]
        return messages("network-rules", policy, sources)

    assert said("10.20.0.0/24", 5432) == []
    assert said("10.20.0.0/24", 5433)
    assert said("10.20.0.0/24", 5432, 22)
    assert said("10.20.0.0/16", 5432)
