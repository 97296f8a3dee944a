"""More than one worker and more brokers: what is rendered, and what the budgets say of it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from components.config import StackConfig, parse
from components.streaming.connectors.sources import source_connectors
from policies.resource import Resource
from tests.policies.samples import messages
from tests.unit.deployment import Deployment
from tests.unit.streaming_stack import deploy_stack, sandbox, sources_args

ROOT = Path(__file__).parents[2]
STACK_FILE = "tests/several/Pulumi.sandbox.yaml"


def several() -> StackConfig:
    given = yaml.safe_load((ROOT / STACK_FILE).read_text())["config"]
    values: dict[str, Any] = {key.removeprefix("datapipe:"): one for key, one in given.items()}
    return parse(values, STACK_FILE)


@pytest.fixture(scope="module")
def deployed() -> Deployment:
    return deploy_stack(several())


def pods(deployed: Deployment) -> list[Resource]:
    kinds = ("StatefulSet", "Deployment", "CronJob")
    return [
        Resource(one.type, one.name, one.inputs, one.name)
        for kind in kinds
        for one in deployed.of_type(kind)
    ]


def test_the_stack_is_the_sandboxs_and_has_more_than_one_of_each() -> None:
    sandboxs, given = (
        yaml.safe_load((ROOT / name).read_text()) for name in ("Pulumi.sandbox.yaml", STACK_FILE)
    )
    assert given["encryptionsalt"] == sandboxs["encryptionsalt"]
    config = several()
    assert (config.connect.workers, config.kafka.brokers, config.archive.tasks) == (2, 5, 2)
    assert len(source_connectors(sources_args(config))) == 4


def test_its_own_budget_fits_it_exactly_and_the_designs_says_what_is_too_much(
    deployed: Deployment,
) -> None:
    found, budget = pods(deployed), several().budget
    for policy, most in (("memory-budget", f"{budget.memory}Mi"), ("cpu-budget", "6000m")):
        assert messages(policy, found, {"limit": most, "nodes": 1}) == []
    assert budget.cpu == 6000
    (memory,) = messages("memory-budget", found, {"limit": f"{budget.memory - 1}Mi", "nodes": 1})
    assert "exceeded by 1Mi" in memory
    (memory,) = messages("memory-budget", found, {"limit": "4096Mi", "nodes": 1})
    assert "exceeded by 2386Mi" in memory
    assert "kafka-connect" in memory


def test_two_workers_are_drained_one_after_the_other_and_one_is_not_kept_from_it() -> None:
    budgets = [
        deploy_stack(sandbox(connect={"workers": count})).of_type("PodDisruptionBudget")
        for count in (1, 2)
    ]
    assert [[one.object_name for one in each] for each in budgets] == [
        ["kafka"],
        ["kafka", "kafka-connect"],
    ]
    assert budgets[1][1].inputs["spec"] == {
        "maxUnavailable": 1,
        "selector": {"matchLabels": {"app.kubernetes.io/name": "kafka-connect"}},
    }


def test_another_number_of_workers_restarts_none() -> None:
    specs = [
        deploy_stack(sandbox(connect={"workers": count}))
        .one("Deployment", "kafka-connect")
        .inputs["spec"]
        for count in (1, 2)
    ]
    assert [spec["replicas"] for spec in specs] == [1, 2]
    of_passwords = "datapipe/credentials"  # generated again by each deployment here
    for spec in specs:
        spec["template"]["metadata"]["annotations"].pop(of_passwords)
    assert specs[0]["template"] == specs[1]["template"]
    assert specs[0]["strategy"] == specs[1]["strategy"]


def test_workers_find_each_other_by_address_and_may_connect(deployed: Deployment) -> None:
    files = deployed.one("ConfigMap", "kafka-connect").inputs["data"]
    properties = files["connect-distributed.properties"].splitlines()
    assert "rest.advertised.host.name=${env:POD_IP}" in properties
    policy = deployed.one("NetworkPolicy", "kafka-connect").inputs["spec"]
    workers = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "kafka-connect"}}}
    rest = [{"protocol": "TCP", "port": 8083}]
    assert {"from": [workers], "ports": rest} in policy["ingress"]
    assert {"to": [workers], "ports": rest} in policy["egress"]
