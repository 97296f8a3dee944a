"""The prod stack: the program registers what its file promises."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.config import StackConfig, parse
from components.config.source import name_for_table
from tests.unit.deployment import Deployment
from tests.unit.streaming_stack import (
    deploy_stack,
    design,
    sandbox,
    sink_connector,
    source_connector,
    source_connectors,
)

STACK_FILE = Path(__file__).parents[2] / "Pulumi.prod.yaml"


def production() -> StackConfig:
    given = yaml.safe_load(STACK_FILE.read_text())["config"]
    values = {key.removeprefix("datapipe:"): value for key, value in given.items()}
    return parse(values, STACK_FILE.name)


@pytest.fixture(scope="module")
def prod() -> Deployment:
    return deploy_stack(production())


def pod_spec(deployment: Deployment, kind: str, name: str) -> dict[str, Any]:
    spec: dict[str, Any] = deployment.one(kind, name).inputs["spec"]["template"]["spec"]
    return spec


WORKLOADS = [("StatefulSet", "kafka"), ("Deployment", "kafka-connect")]


@pytest.mark.parametrize(("kind", "name"), WORKLOADS)
def test_brokers_and_workers_are_spread_over_zones(prod: Deployment, kind: str, name: str) -> None:
    (constraint,) = pod_spec(prod, kind, name)["topologySpreadConstraints"]
    assert constraint == {
        "maxSkew": 1,
        "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"app.kubernetes.io/name": name}},
    }


@pytest.mark.parametrize(("kind", "name"), WORKLOADS)
def test_a_single_node_has_no_zones(kind: str, name: str) -> None:
    single = deploy_stack(sandbox(cluster={"nodes": 1}))
    assert "topologySpreadConstraints" not in pod_spec(single, kind, name)


def test_a_drain_takes_one_broker_and_one_worker_at_a_time(prod: Deployment) -> None:
    budgets = {one.object_name: one.inputs["spec"] for one in prod.of_type("PodDisruptionBudget")}
    assert set(budgets) == {"kafka", "kafka-connect"}
    for name, spec in budgets.items():
        assert spec["maxUnavailable"] == 1
        assert spec["selector"]["matchLabels"] == {"app.kubernetes.io/name": name}


def test_a_single_worker_may_be_drained() -> None:
    budgets = deploy_stack(sandbox()).of_type("PodDisruptionBudget")
    assert [one.object_name for one in budgets] == ["kafka"]


def test_sizes_and_numbers_come_from_the_stack_file_alone(prod: Deployment) -> None:
    brokers = prod.one("StatefulSet", "kafka").inputs["spec"]
    assert brokers["replicas"] == 5
    assert brokers["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"] == "6144Mi"
    assert prod.one("Deployment", "kafka-connect").inputs["spec"]["replicas"] == 3
    for name in ("kafka", "postgresql"):
        (claim,) = prod.one("StatefulSet", name).inputs["spec"]["volumeClaimTemplates"]
        assert claim["spec"]["storageClassName"] == "gp3"


def test_nothing_is_reachable_from_outside_the_cluster(prod: Deployment) -> None:
    services = prod.of_type("Service")
    assert services
    for service in services:
        assert service.inputs["spec"].get("type", "ClusterIP") == "ClusterIP"


def test_topics_are_created_through_the_given_bootstrap_servers(prod: Deployment) -> None:
    given = list(production().kafka.bootstrap_servers)
    assert json.loads(prod.one("kafka", "kafka").inputs["bootstrapServers"]) == given
    assert prod.outputs["bootstrapServers"] == ",".join(given)


def test_what_holds_data_is_protected(prod: Deployment) -> None:
    protected = {(one.type.rpartition(":")[2], one.name) for one in prod.resources if one.protect}
    tables = ("users", "products", "orders", "order_items")
    assert protected == {
        ("StatefulSet", "postgresql"),
        ("StatefulSet", "kafka"),
        ("KafkaClusterId", "kafka-cluster-id"),
        ("KafkaAuthority", "kafka-authority"),
        ("Bucket", "archive"),
        *(("Topic", f"postgres.public.{table}") for table in tables),
    }
    assert prod.one("Bucket").retain_on_delete


def test_nothing_but_topics_is_protected_by_default() -> None:
    assert {one.type for one in deploy_stack(sandbox()).resources if one.protect} == {
        "kafka:index/topic:Topic"
    }


def test_the_worker_assumes_a_role_and_has_no_keys(prod: Deployment) -> None:
    assert not prod.of_type("AccessKey")
    container = pod_spec(prod, "Deployment", "kafka-connect")["containers"][0]
    names = {variable["name"] for variable in container["env"]}
    assert {"AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"} <= names
    assert "AWS_ACCESS_KEY_ID" not in prod.one("Secret", "kafka-connect").inputs["stringData"]


def test_objects_are_encrypted_with_the_stacks_key(prod: Deployment) -> None:
    config = production()
    properties = sink_connector(config).properties()
    assert properties["s3.ssea.name"] == "aws:kms"
    assert properties["s3.sse.kms.key.id"] == config.archive.kms_key_arn
    (rule,) = prod.one("BucketServerSideEncryptionConfiguration").inputs["rules"]
    default = rule["applyServerSideEncryptionByDefault"]
    assert default["kmsMasterKeyId"] == config.archive.kms_key_arn


class TestIsolation:
    def test_each_table_has_a_connector_a_slot_and_a_publication(self) -> None:
        config = production()
        connectors = source_connectors(config)
        assert [one.tables for one in connectors] == [(table,) for table in config.tables]
        for part in ("name", "slot", "publication"):
            assert len({getattr(one, part) for one in connectors}) == len(config.tables)
        tags = {one.properties()["custom.metric.tags"] for one in connectors}
        assert len(tags) == len(config.tables)

    def test_the_connector_reads_the_publication_that_the_schema_makes(
        self, prod: Deployment
    ) -> None:
        script = prod.one("DatabaseSchema").inputs["script"]
        (line,) = (line for line in script.splitlines() if line.startswith("\\set publications "))
        made = line.split("'")[1].split(",")
        assert made == [one.publication for one in source_connectors(production())]

    def test_topics_are_the_same_as_with_one_connector(self) -> None:
        isolated = [topic for one in source_connectors(production()) for topic in one.topics()]
        assert tuple(isolated) == source_connector(production()).topics()

    def test_all_of_them_run_on_the_workers(self, prod: Deployment) -> None:
        assert prod.outputs["connectors"] == [
            "postgres-cdc-connector-public.users",
            "postgres-cdc-connector-public.products",
            "postgres-cdc-connector-public.orders",
            "postgres-cdc-connector-public.order_items",
            "s3-sink-connector",
        ]

    def test_by_default_one_connector_captures_all_tables(self) -> None:
        assert source_connectors(design()) == [source_connector(design())]

    @pytest.mark.parametrize(
        "tables",
        [("a_.b", "a._b"), ("a__b.c", "a.b__c"), (f"{'s' * 63}.{'t' * 63}", f"{'s' * 63}.t")],
    )
    def test_names_differ_and_are_short_enough_for_postgresql(
        self, tables: tuple[str, str]
    ) -> None:
        names = {name_for_table("debezium_slot", table) for table in tables}
        assert len(names) == len(tables)
        assert all(len(name) <= 63 for name in names)
