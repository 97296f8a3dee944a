"""The security layer keeps its promises: isolation, identities and secrets."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi_kubernetes as kubernetes
import pytest
import yaml
from pulumi.dynamic.dynamic import serialize_provider

from components.config import StackConfig
from components.manifests import metadata
from components.security.arguments import SecurityArgs
from components.security.credentials import PasswordProvider
from components.security.flow import PRIVATE_RANGES, PUBLIC_INTERNET, Flow, Network, Pods
from components.security.layer import Security
from components.security.network import flows
from components.streaming.sinks.declared import declared_sinks
from components.workloads import Workload
from tests.unit.deployment import Deployment, Secret, visible_text
from tests.unit.streaming_stack import OWN_ICEBERG

Stack = Callable[..., StackConfig]
POSTGRESQL, KAFKA = Workload.POSTGRESQL, Workload.KAFKA
REGISTRY, CONNECT = Workload.REGISTRY, Workload.CONNECT
JVMS = (KAFKA, REGISTRY, CONNECT)
NODES = Network("172.18.0.0/16")
PROMETHEUS = Pods("monitoring", (("app.kubernetes.io/name", "prometheus"),))


def security_args(config: StackConfig) -> SecurityArgs:
    return SecurityArgs.from_config(config, declared_sinks(config).flows)


@pytest.fixture
def secured(stack: Stack, deploy: Callable[..., Deployment]) -> Callable[..., Deployment]:
    """The security layer of a stack with these sections."""

    def run(**sections: Any) -> Deployment:
        args = security_args(stack(**sections))

        def program() -> dict[str, Any]:
            security = Security("security", args)
            return {"namespace": security.namespace, **vars(security.credentials)}

        return deploy(program)

    return run


def ends(config: StackConfig) -> set[tuple[Workload | Network | Pods, Workload | Network, int]]:
    """Return every allowed (source, target, port)."""
    return {
        (flow.source, flow.target, port)
        for flow in flows(security_args(config))
        for port in flow.ports
    }


class TestStorageClass:
    def test_the_stack_brings_the_class_that_its_cluster_lacks(
        self, secured: Callable[..., Deployment]
    ) -> None:
        deployed = secured(cluster={"storageProvisioner": "rancher.io/local-path"})
        made = deployed.one("StorageClass", "local-path").inputs
        assert made["provisioner"] == "rancher.io/local-path"
        assert made["reclaimPolicy"] == "Retain"
        assert made["volumeBindingMode"] == "WaitForFirstConsumer"

    def test_a_cluster_that_has_the_class_keeps_its_own(
        self, secured: Callable[..., Deployment]
    ) -> None:
        assert secured().of_type("StorageClass") == []

    @pytest.mark.parametrize(
        ("name", "provisioner"),
        [("dev", "rancher.io/local-path"), ("sandbox", None), ("prod", None)],
    )
    def test_only_dev_names_a_provisioner(self, name: str, provisioner: str | None) -> None:
        given = yaml.safe_load(Path(f"Pulumi.{name}.yaml").read_text())["config"]
        assert given["datapipe:cluster"].get("storageProvisioner") == provisioner


class TestFlows:
    def test_the_designs_stack_allows_exactly_the_designs_flows(self, stack: Stack) -> None:
        assert ends(stack()) == {
            (CONNECT, POSTGRESQL, 5432),
            (NODES, POSTGRESQL, 5432),
            (KAFKA, KAFKA, 9092),
            (KAFKA, KAFKA, 9093),
            (CONNECT, KAFKA, 9092),
            (REGISTRY, KAFKA, 9092),
            (NODES, KAFKA, 9094),
            (CONNECT, CONNECT, 8083),
            (NODES, CONNECT, 8083),
            (CONNECT, REGISTRY, 8081),
            (CONNECT, PUBLIC_INTERNET, 443),
            *((reader, jvm, 9404) for reader in (NODES, PROMETHEUS) for jvm in JVMS),
        }

    @pytest.mark.parametrize(("plugins", "allowed"), [("hub", True), ("image", False)])
    def test_a_stand_in_for_aws_does_not_cut_off_the_plugins_download(
        self, stack: Stack, plugins: str, allowed: bool
    ) -> None:
        config = stack(aws={"endpoint": "http://10.0.0.9:5566"}, connect={"plugins": plugins})
        found = ends(config)
        assert (CONNECT, Network("10.0.0.9/32"), 5566) in found
        assert ((CONNECT, PUBLIC_INTERNET, 443) in found) is allowed

    def test_the_way_to_the_internet_is_one_rule(self, stack: Stack) -> None:
        targets = [flow.target for flow in flows(security_args(stack()))]
        assert targets.count(PUBLIC_INTERNET) == 1

    def test_the_stack_names_who_reads_the_metrics(self, stack: Stack) -> None:
        scraper = {"namespace": "watch", "labels": {"app": "prometheus"}}
        allowed = ends(stack(metrics={"port": 9999, "scraper": scraper}))
        readers = {source for source, _, port in allowed if port == 9999}
        assert readers == {NODES, Pods("watch", (("app", "prometheus"),))}

    def test_metrics_without_a_scraper_are_read_through_the_api_server_only(
        self, stack: Stack
    ) -> None:
        allowed = ends(stack(metrics={"scraper": None}))
        assert {source for source, _, port in allowed if port == 9404} == {NODES}

    def test_without_metrics_their_port_is_closed(self, stack: Stack) -> None:
        assert not {flow for flow in ends(stack(metrics={"enabled": False})) if flow[2] == 9404}

    def test_without_node_ports_nodes_reach_connects_rest_and_the_brokers_for_pulumi(
        self, stack: Stack
    ) -> None:
        inside_only = stack(cluster={"nodePorts": None}, kafka={"bootstrapServers": ["kafka:9092"]})
        from_nodes = {flow for flow in ends(inside_only) if flow[0] == NODES}
        assert from_nodes == {
            (NODES, CONNECT, 8083),
            (NODES, KAFKA, 9092),
            *((NODES, jvm, 9404) for jvm in JVMS),
        }

    def test_without_a_registry_there_is_no_flow_to_one(self, stack: Stack) -> None:
        assert not any(REGISTRY in flow for flow in ends(stack(connect={"converter": "json"})))

    def test_a_server_that_replaces_aws_is_reached_instead_of_the_internet(
        self, stack: Stack
    ) -> None:
        sections = {"connect": {"plugins": "image"}, "aws": {"endpoint": "http://10.231.0.1:5566"}}
        allowed = ends(stack(**sections))
        outside = {flow for flow in allowed if flow[0] is CONNECT and isinstance(flow[1], Network)}
        assert outside == {(CONNECT, Network("10.231.0.1/32"), 5566)}

    def test_the_internet_excludes_private_and_metadata_addresses(self) -> None:
        assert PUBLIC_INTERNET.excluded == PRIVATE_RANGES
        assert "169.254.0.0/16" in PRIVATE_RANGES

    def test_only_connect_leaves_the_cluster(self, stack: Stack) -> None:
        leaving = [
            flow for flow in flows(security_args(stack())) if isinstance(flow.target, Network)
        ]
        assert [flow.source for flow in leaving] == [CONNECT]


class TestNetworkPolicies:
    def test_everything_is_denied_by_default(self, secured: Callable[..., Deployment]) -> None:
        spec = secured().one("NetworkPolicy", "default-deny").inputs["spec"]
        assert spec == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}

    def test_names_are_resolved_by_the_clusters_dns_only(
        self, secured: Callable[..., Deployment]
    ) -> None:
        [rule] = secured().one("NetworkPolicy", "allow-dns").inputs["spec"]["egress"]
        [peer] = rule["to"]
        assert peer["podSelector"]["matchLabels"] == {"k8s-app": "kube-dns"}
        assert {(port["protocol"], port["port"]) for port in rule["ports"]} == {
            ("UDP", 53),
            ("TCP", 53),
        }

    def test_each_flow_is_a_rule_at_each_of_its_pods(
        self, stack: Stack, secured: Callable[..., Deployment]
    ) -> None:
        deployment = secured()
        args = security_args(stack())
        allowed = flows(args)
        for workload in args.workloads:
            spec = deployment.one("NetworkPolicy", workload.value).inputs["spec"]
            assert spec["podSelector"] == {"matchLabels": workload.selector}
            assert spec["policyTypes"] == ["Ingress", "Egress"]
            assert _rules(spec["ingress"], "from") == [
                _rule(flow, flow.source) for flow in allowed if flow.target is workload
            ]
            assert _rules(spec["egress"], "to") == [
                _rule(flow, flow.target) for flow in allowed if flow.source is workload
            ]

    @pytest.mark.parametrize(
        ("kind", "peers"), [("job", [PUBLIC_INTERNET.cidr]), ("glue", []), ("none", [])]
    )
    def test_the_maintenance_reaches_aws_and_nothing_else_and_nobody_reaches_it(
        self, secured: Callable[..., Deployment], kind: str, peers: list[str]
    ) -> None:
        archive = {"sink": "iceberg", "maintenance": {"kind": kind}}
        policies = {
            one.object_name: one.inputs["spec"]
            for one in secured(archive=archive, images=OWN_ICEBERG).of_type("NetworkPolicy")
        }
        spec = policies.get("archive-maintenance", {"ingress": [], "egress": []})
        assert ("archive-maintenance" in policies) is (kind == "job")
        assert spec["ingress"] == []
        assert [rule["to"][0]["ipBlock"]["cidr"] for rule in spec["egress"]] == peers

    def test_postgresql_may_open_no_connection(self, secured: Callable[..., Deployment]) -> None:
        assert secured().one("NetworkPolicy", "postgresql").inputs["spec"]["egress"] == []


def _rules(rules: list[dict[str, Any]], side: str) -> list[tuple[str, list[int]]]:
    return [
        (json.dumps(rule[side][0], sort_keys=True), [port["port"] for port in rule["ports"]])
        for rule in rules
    ]


def _rule(flow: Flow, end: Workload | Network | Pods) -> tuple[str, list[int]]:
    if isinstance(end, Workload):
        peer: dict[str, Any] = {"podSelector": {"matchLabels": end.selector}}
    elif isinstance(end, Pods):
        namespace = {"kubernetes.io/metadata.name": end.namespace}
        peer = {
            "namespaceSelector": {"matchLabels": namespace},
            "podSelector": {"matchLabels": dict(end.labels)},
        }
    else:
        excluded = {"except": list(end.excluded)} if end.excluded else {}
        peer = {"ipBlock": {"cidr": end.cidr, **excluded}}
    return json.dumps(peer, sort_keys=True), list(flow.ports)


class TestNamespaceAndAccounts:
    @pytest.mark.parametrize("level", ["restricted", "baseline"])
    def test_the_namespace_enforces_the_pod_security_level(
        self, secured: Callable[..., Deployment], level: str
    ) -> None:
        labels = (
            secured(security={"podSecurity": level}).one("Namespace").inputs["metadata"]["labels"]
        )
        for mode in ("enforce", "audit", "warn"):
            assert labels[f"pod-security.kubernetes.io/{mode}"] == level

    def test_each_workload_has_an_account_without_a_token(
        self, secured: Callable[..., Deployment]
    ) -> None:
        accounts = secured(archive={"sink": "iceberg"}, images=OWN_ICEBERG).of_type(
            "ServiceAccount"
        )
        assert {one.object_name for one in accounts} == {one.service_account for one in Workload}
        assert not any(one.inputs["automountServiceAccountToken"] for one in accounts)

    def test_no_workload_may_use_the_kubernetes_api_by_default(
        self, secured: Callable[..., Deployment]
    ) -> None:
        deployment = secured()
        assert deployment.of_type("Role") == deployment.of_type("RoleBinding") == []

    def test_the_designs_role_for_connect_is_bound_to_its_own_objects(
        self, secured: Callable[..., Deployment]
    ) -> None:
        deployment = secured(security={"connectRbac": "design"})
        [rule] = deployment.one("Role").inputs["rules"]
        assert rule["resourceNames"] == ["kafka-connect"]
        assert set(rule["verbs"]) == {"get", "list", "watch"}
        [subject] = deployment.one("RoleBinding").inputs["subjects"]
        assert subject["name"] == CONNECT.service_account
        mounted = {
            one.object_name
            for one in deployment.of_type("ServiceAccount")
            if one.inputs["automountServiceAccountToken"]
        }
        assert mounted == {CONNECT.service_account}

    def test_other_layers_wait_for_accounts_and_network_policies(
        self, stack: Stack, deploy: Callable[..., Deployment]
    ) -> None:
        def program() -> dict[str, Any]:
            security = Security("security", security_args(stack()))
            kubernetes.core.v1.ConfigMap("late", metadata=metadata("late", security.namespace))
            return {}

        deployment = deploy(program)
        guards = {
            one.name
            for kind in ("NetworkPolicy", "ServiceAccount")
            for one in deployment.of_type(kind)
        }
        assert guards <= deployment.one("ConfigMap").dependencies

    def test_a_preview_knows_the_namespace_before_it_exists(
        self, stack: Stack, deploy: Callable[..., Deployment]
    ) -> None:
        """Otherwise the API server could not validate the other manifests in preview."""

        def program() -> dict[str, Any]:
            return {"namespace": Security("security", security_args(stack())).namespace}

        assert deploy(program, preview=True).outputs == {"namespace": "data-ingestion"}


class TestCredentials:
    def test_every_password_is_a_secret_of_its_own(
        self, secured: Callable[..., Deployment]
    ) -> None:
        outputs = secured().outputs
        outputs.pop("namespace")
        assert all(isinstance(value, Secret) for value in outputs.values())
        assert len({value.value for value in outputs.values()}) == len(outputs) == 5
        assert all(len(value.value) >= 32 for value in outputs.values())

    def test_no_password_is_visible(self, secured: Callable[..., Deployment]) -> None:
        deployment = secured()
        text = visible_text(deployment)
        outputs = [value for value in deployment.outputs.values() if isinstance(value, Secret)]
        assert not [value for value in outputs if value.value in text]

    def test_a_password_never_changes(self) -> None:
        """Neither do those of old stacks, whose state also has a version."""
        provider = PasswordProvider()
        made = provider.create({}).outs or {}
        for old in (made, {"version": 1, **made}):
            assert provider.diff("password", old, {"value": None}).changes is False

    def test_each_version_has_passwords_of_its_own(
        self, secured: Callable[..., Deployment]
    ) -> None:
        def names(version: int) -> set[str]:
            deployment = secured(security={"credentialsVersion": version})
            return {one.name for one in deployment.of_type("GeneratedPassword")}

        assert len(names(1)) == 5
        assert names(2) == {f"{name}-2" for name in names(1)}


def test_a_providers_state_is_a_reference_that_never_changes() -> None:
    """Code in the state would show a change whenever it is edited, or Python is updated."""
    text = serialize_provider(PasswordProvider())
    assert text == serialize_provider(PasswordProvider())
    assert len(base64.b64decode(text)) < 128
