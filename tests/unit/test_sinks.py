"""A sink is one file and its lines in a stack file: every layer sees what it needs."""

import json
from typing import Any

import pulumi
import pytest

from components.config import ConfigError, StackConfig
from components.streaming.sinks.declared import declared_sinks
from tests.unit.deployment import Deployment
from tests.unit.streaming_stack import deploy_stack, design, sandbox
from tests.unit.toy_sink import ToySink

TOY = {"toy": {"address": "192.0.2.7"}}


@pytest.fixture(scope="module")
def with_toy() -> Deployment:
    """The sandbox's stack with a second sink."""
    return deploy_stack(sandbox(sinks=TOY))


def test_its_connector_runs_beside_the_archives(with_toy: Deployment) -> None:
    assert with_toy.outputs["connectors"] == [
        "postgres-cdc-connector",
        "s3-sink-connector",
        "toy-sink-connector",
    ]
    assert with_toy.one("Connector", "toy-sink-connector").inputs["state"] == "RUNNING"


def test_its_topics_are_declared(with_toy: Deployment) -> None:
    names = {topic.name for topic in with_toy.of_type("Topic")}
    assert {"toy-dlq", "control-toy", "s3-sink-dlq", "control-iceberg"} <= names


def test_its_environment_and_secrets_are_the_workers(with_toy: Deployment) -> None:
    pod = with_toy.one("Deployment", "kafka-connect").inputs["spec"]["template"]["spec"]
    variables = {one["name"]: one.get("value") for one in pod["containers"][0]["env"]}
    assert variables["TOY_ADDRESS"] == "192.0.2.7"
    secret = with_toy.one("Secret", "kafka-connect").inputs["stringData"]
    assert "TOY_KEY" in getattr(secret, "value", secret)


def test_its_flow_is_allowed(with_toy: Deployment) -> None:
    egress = with_toy.one("NetworkPolicy", "kafka-connect").inputs["spec"]["egress"]
    assert {
        "to": [{"ipBlock": {"cidr": "192.0.2.7/32"}}],
        "ports": [{"protocol": "TCP", "port": 8443}],
    } in egress


def test_its_iam_statements_join_the_archives(with_toy: Deployment) -> None:
    statements = json.loads(with_toy.one("Policy", "write-archive").inputs["policy"])["Statement"]
    assert {"WriteObjects", "UseTables", "ReadForToy"} <= {one["Sid"] for one in statements}


def test_its_jars_are_mounted(with_toy: Deployment) -> None:
    pod = with_toy.one("Deployment", "kafka-connect").inputs["spec"]["template"]["spec"]
    mounts = {one["mountPath"] for one in pod["containers"][0]["volumeMounts"]}
    assert "/opt/datapipe/plugins/toy/transforms.jar" in mounts


def test_its_heap_counts() -> None:
    with pytest.raises(pulumi.RunError, match=r"s3-sink-connector and toy-sink-connector.*tasks"):
        deploy_stack(sandbox(sinks={"toy": {**TOY["toy"], "tasks": 24}}, archive={"tasks": 5}))


def test_the_hub_has_no_plugin_of_it() -> None:
    with pytest.raises(pulumi.RunError, match="hub has no plug-in archive for toy-sink-connector"):
        deploy_stack(design(sinks=TOY))


def test_without_its_lines_nothing_of_it_is_there() -> None:
    assert not any(isinstance(sink, ToySink) for sink in declared_sinks(sandbox()))


@pytest.mark.parametrize(
    ("sections", "key", "allowed"),
    [
        ({"archive": {"sink": "s3"}}, "archive.sink", "'s3' is not a kind of sink; allowed: conf"),
        ({"archive": {"sink": "toy"}}, "archive.sink", "allowed: confluent-s3, iceberg"),
        ({"sinks": {"none": {}}}, "sinks.none", "'none' is not a kind of sink; allowed: toy"),
        ({"sinks": {"confluent-s3": {}}}, "sinks.confluent-s3", "allowed: toy"),
        (
            {"archive": {"rotateIntervalMs": 3_600_001}},
            "archive.rotateIntervalMs",
            "at most 3600000",
        ),
        ({"sinks": {"toy": {}}}, "sinks.toy.address", "is required"),
        ({"sinks": {"toy": {"adress": "x"}}}, "sinks.toy.adress", "did you mean address?"),
        (
            {"images": {"family": "apache"}, "connect": {"converter": "json"}},
            "archive.sink",
            "set iceberg",
        ),
        (
            {"tables": ["sales.orders", "public.sales_orders"], "archive": {"sink": "iceberg"}},
            "tables",
            "both would be the Iceberg table cdc.sales_orders. Capture one of them in this stack",
        ),
        (
            {"archive": {"sink": "iceberg"}, "images": {"connect": "registry.test/connect:1"}},
            "images.icebergPlugin",
            "is required by archive.sink iceberg",
        ),
    ],
)
def test_a_wrong_sink_is_refused_with_the_key_and_what_is_allowed(
    sections: dict[str, Any], key: str, allowed: str
) -> None:
    config: StackConfig = design(**sections)
    with pytest.raises(ConfigError) as refused:
        declared_sinks(config)
    line = next(line for line in str(refused.value).splitlines() if f"datapipe:{key}: " in line)
    assert allowed in line


@pytest.mark.parametrize(
    "group",
    ["connect-s3-sink-connector", "connect-toy-sink-connector", "cg-control-mine"],
)
def test_the_workers_group_is_none_of_a_sinks(group: str) -> None:
    with pytest.raises(ConfigError, match=rf"connect.groupId: '{group}' is a consumer group of"):
        declared_sinks(sandbox(sinks=TOY, connect={"groupId": group}))
