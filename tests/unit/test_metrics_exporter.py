"""Every JVM shows its metrics, under the names that rules and dashboard ask for."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from clients.metrics import Metrics, parse_metrics
from components.config.metrics import MetricsSettings
from components.monitoring.layer import Monitoring
from components.streaming.metrics.exporter import rules_of, worker_rules
from tests.promql import (
    OF_THE_CLUSTER,
    OF_THE_REGISTRY,
    OF_THE_SETTINGS,
    dashboard_expressions,
    metrics_asked_for,
    metrics_of,
    rules,
)
from tests.unit.deployment import Deployment, deploy, every_container
from tests.unit.streaming_stack import OWN_ICEBERG, deploy_stack, design, sandbox

# What a broker and the worker of the sandbox answered after a demo, and archive_table_… after the
# first row; tests/e2e asks live ones.
SCRAPES = Path(__file__).parent / "data" / "metrics"
JVMS = [
    ("StatefulSet", "kafka"),
    ("Deployment", "kafka-connect"),
    ("Deployment", "schema-registry"),
]


@pytest.fixture(scope="module")
def recorded() -> Metrics:
    return Metrics(
        sample
        for path in sorted(SCRAPES.glob("*.txt"))
        for sample in parse_metrics(path.read_text(), path.stem)
    )


@pytest.fixture(scope="module")
def as_designed() -> Deployment:
    return deploy_stack(design(metrics={"port": 9999}))


def shown(found: re.Match[str], template: str) -> str:
    """Return a template as the agent fills it in: a group that did not match is empty."""
    return re.sub(r"\$(\d+)", lambda group: found[int(group[1])] or "", template)


class TestPods:
    @pytest.mark.parametrize(("kind", "name"), JVMS)
    def test_a_jvms_pod_says_where_its_metrics_are(
        self, as_designed: Deployment, kind: str, name: str
    ) -> None:
        pod = as_designed.one(kind, name)
        annotations = pod.inputs["spec"]["template"]["metadata"]["annotations"]
        assert annotations["prometheus.io/scrape"] == "true"
        assert annotations["prometheus.io/port"] == "9999"
        assert annotations["prometheus.io/path"] == "/metrics"
        *_, container = every_container(pod)
        assert {"name": "metrics", "containerPort": 9999} in container["ports"]

    @pytest.mark.parametrize(("kind", "name"), JVMS)
    def test_the_agent_is_given_rules_that_its_pod_has(
        self, as_designed: Deployment, kind: str, name: str
    ) -> None:
        *_, container = every_container(as_designed.one(kind, name))
        variables = {one["name"]: one.get("value") for one in container["env"]}
        assert variables["METRICS_PORT"] == "9999"
        folder, _, file = variables["METRICS_RULES"].rpartition("/")
        assert folder in {mount["mountPath"] for mount in container["volumeMounts"]}
        assert {file, "metrics-agent.sh"} <= set(as_designed.one("ConfigMap", name).inputs["data"])

    def test_the_formatting_of_storage_shows_none(self, as_designed: Deployment) -> None:
        first, _ = every_container(as_designed.one("StatefulSet", "kafka"))
        assert not [one for one in first["env"] if one["name"].startswith("METRICS")]

    def test_a_stack_may_have_none(self) -> None:
        without = deploy_stack(design(metrics={"enabled": False}))
        for kind, name in JVMS:
            pod = without.one(kind, name)
            annotations = pod.inputs["spec"]["template"]["metadata"]["annotations"]
            assert not [key for key in annotations if key.startswith("prometheus.io")]
            *_, container = every_container(pod)
            assert "metrics" not in {port["name"] for port in container["ports"]}
            assert not [one for one in container["env"] if one["name"].startswith("METRICS")]
        for connector in without.of_type("Connector"):
            assert "countEvents" not in connector.inputs["config"].get("transforms", "")


class TestIcebergsCommits:
    def test_the_counter_lies_in_the_sinks_own_plugin(self) -> None:
        deployment = deploy_stack(sandbox())
        (worker,) = every_container(deployment.one("Deployment", "kafka-connect"))
        mounts = {mount.get("subPath"): mount["mountPath"] for mount in worker["volumeMounts"]}
        jar = "commit-counter.jar"
        assert mounts[jar] == f"/kafka/connect/iceberg-sink/{jar}"
        assert jar in deployment.one("ConfigMap", "kafka-connect").inputs["binaryData"]
        config = deployment.one("Connector", "s3-sink-connector").inputs["config"]
        assert config["iceberg.catalog.metrics-reporter-impl"] == "datapipe.iceberg.CommitCounter"

    def test_an_image_of_ones_own_has_it_in_the_folder_of_its_key(self) -> None:
        deployment = deploy_stack(
            design(
                images=OWN_ICEBERG,
                connect={"plugins": "image"},
                archive={"sink": "iceberg", "tasks": 2},
            )
        )
        *_, worker = every_container(deployment.one("Deployment", "kafka-connect"))
        mounts = {mount.get("subPath"): mount["mountPath"] for mount in worker["volumeMounts"]}
        for jar in ("commit-counter.jar", "column-kinds.jar"):
            assert mounts[jar] == f"{OWN_ICEBERG['icebergPlugin']}/{jar}"


class TestRulesOfTheExporter:
    def test_topics_keep_their_dots_whatever_the_schema_is_called(self) -> None:
        tables = ["public.users", "public.order_items", "a.b_c", "x_b.c"]
        document = yaml.safe_load(worker_rules(design(tables=tables).databases, "the-sink"))
        (lag,) = (rule for rule in document["rules"] if rule["name"].startswith("kafka_consumer"))
        shared = "kafka.consumer<type=consumer-fetch-manager-metrics, client-id=connector-consumer-"
        for table in tables:
            topic = f"postgres.{table}"
            for what in ("lag", "lead"):
                mbean = f"the-sink-0, topic={topic.replace('.', '_')}, partition=12"
                found = re.search(lag["pattern"], f"{shared}{mbean}><>records-{what}: 5.0")
                assert found
                assert shown(found, lag["labels"]["topic"]) == topic
                assert shown(found, lag["labels"]["partition"]) == "12"
                assert shown(found, lag["name"]) == f"kafka_consumer_{what}"
        for other in (
            "another-sink-0, topic=postgres_a_b_c, partition=0><>records-lag: 5.0",
            "the-sink-0, topic=postgres_a_b_cd, partition=0><>records-lag: 5.0",
            "the-sink-0, topic=postgres_a_b_c, partition=0><>records-lag-max: 5.0",
            "the-sink-0, topic=postgres_public_c, partition=0><>records-lag: 5.0",
        ):
            assert not re.search(lag["pattern"], f"{shared}{other}")

    def test_the_rules_do_not_grow_in_number_with_the_tables(self) -> None:
        """The agent tries each on each attribute of each table."""
        counts = {
            len(yaml.safe_load(worker_rules(design(tables=tables).databases, "s"))["rules"])
            for tables in (["a.t"], [f"s{number}.t" for number in range(50)])
        }
        assert len(counts) == 1

    @pytest.mark.parametrize("program", ["broker", "worker", "registry"])
    def test_no_rule_has_a_cache(self, program: str) -> None:
        """It has an entry for each attribute and rule, whether they match or not."""
        rules = yaml.safe_load(rules_of(program))["rules"]
        assert not [rule["name"] for rule in rules if rule.get("cache")]

    def test_a_connector_for_each_table_has_metrics_of_its_own(self) -> None:
        document = yaml.safe_load(rules_of("worker"))
        (rule,) = (rule for rule in document["rules"] if rule["name"] == "debezium_connected")
        shared = "debezium.postgres<type=connector-metrics, context=streaming, server="
        for server, source, table in (
            ("postgres", None, None),
            ("postgres, table=public.users", None, "public.users"),
            ("shop", "shop", None),
            ("postgres_old", "postgres_old", None),
        ):
            found = re.search(rule["pattern"], f"{shared}{server}><>Connected: <cache>")
            assert found
            assert found.groups() == (source, table)

    def test_tables_of_two_sources_with_one_name_are_told_apart(self) -> None:
        document = yaml.safe_load(rules_of("worker"))
        (rule,) = (rule for rule in document["rules"] if rule["name"] == "cdc_table_captured")
        for tags, groups in (
            ("table=public.users", (None, "public.users")),
            ("source=shop, table=public.users", ("shop", "public.users")),
        ):
            found = re.search(rule["pattern"], f"datapipe<type=captured, {tags}><>Captured: <")
            assert found
            assert found.groups() == groups

    @pytest.mark.parametrize("program", ["broker", "worker", "registry"])
    def test_a_pattern_ends_where_the_attributes_name_ends(self, program: str) -> None:
        """It is searched for anywhere in the MBean: records-lag would find records-lag-max too."""
        for rule in yaml.safe_load(rules_of(program))["rules"]:
            assert rule["pattern"].endswith(":")

    @pytest.mark.parametrize("program", ["broker", "worker", "registry"])
    def test_a_counter_is_named_as_its_series_are(self, program: str) -> None:
        """Agents before 1.0 do not add _total to a counter's name; later ones add it if missing."""
        rules = yaml.safe_load(rules_of(program))["rules"]
        counters = {rule["name"] for rule in rules if rule["type"] == "COUNTER"}
        assert counters
        assert {name for name in counters if not name.endswith("_total")} == set()
        gauges = {rule["name"] for rule in rules if rule["type"] == "GAUGE"}
        assert {name for name in gauges if name.endswith("_total")} == set()

    @pytest.mark.parametrize("program", ["broker", "worker"])
    def test_every_rule_finds_something(self, program: str, recorded: Metrics) -> None:
        wanted = {rule["name"] for rule in yaml.safe_load(rules_of(program))["rules"]}
        wanted -= {"archive_$2_total", "archive_table_$2"}
        # Of the converter for Avro, which the sandbox does not use.
        wanted -= {name for name in wanted if name.startswith("registry_")}
        assert wanted <= recorded.names
        assert {
            *(f"archive_{what}_total" for what in ("commits", "files", "records", "bytes")),
            *(f"archive_table_{what}" for what in ("snapshots", "files", "bytes")),
            "archive_table_metadata_bytes",
            "archive_table_maintained_timestamp_seconds",
        } <= recorded.names


class TestOperator:
    @pytest.fixture
    def monitored(self) -> Deployment:
        settings = MetricsSettings(operator=True, operator_labels={"release": "stack"})

        def program() -> dict[str, Any]:
            Monitoring("monitoring", settings, "data-ingestion")
            return {}

        return deploy(program)

    def test_prometheus_finds_them_by_the_stacks_labels(self, monitored: Deployment) -> None:
        for kind in ("PodMonitor", "PrometheusRule"):
            about = monitored.one(kind).inputs["metadata"]
            assert about["labels"]["release"] == "stack"
            assert about["namespace"] == "data-ingestion"

    def test_the_pods_with_metrics_are_its_targets(
        self, monitored: Deployment, as_designed: Deployment
    ) -> None:
        spec = monitored.one("PodMonitor").inputs["spec"]
        (endpoint,) = spec["podMetricsEndpoints"]
        assert (endpoint["port"], endpoint["path"]) == ("metrics", "/metrics")
        for kind, name in JVMS:
            template = as_designed.one(kind, name).inputs["spec"]["template"]
            labels = template["metadata"]["labels"]
            assert spec["selector"]["matchLabels"].items() <= labels.items()

    def test_the_rules_and_the_dashboard_are_those_of_the_files(
        self, monitored: Deployment
    ) -> None:
        groups = monitored.one("PrometheusRule").inputs["spec"]["groups"]
        assert [rule for group in groups for rule in group["rules"]] == rules()
        dashboard = monitored.one("ConfigMap").inputs
        assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert '"title": "datapipe"' in dashboard["data"]["datapipe.json"]

    def test_alerts_link_to_the_runbook_where_the_team_reads_it(self) -> None:
        url = "https://git.example/team/datapipe/blob/main"
        settings = MetricsSettings(operator=True, repository_url=url)

        def program() -> dict[str, Any]:
            Monitoring("monitoring", settings, "data-ingestion")
            return {}

        groups = deploy(program).one("PrometheusRule").inputs["spec"]["groups"]
        links = {
            rule["alert"]: rule["annotations"]["runbook_url"]
            for group in groups
            for rule in group["rules"]
            if "alert" in rule
        }
        assert links["TaskFailed"] == f"{url}/docs/OPERATIONS.md#taskfailed"
        assert all(link.startswith(f"{url}/docs/OPERATIONS.md#") for link in links.values())

    def test_the_end_of_kafkas_certificates_is_a_rule(self) -> None:
        def program() -> dict[str, Any]:
            ends = pulumi.Output.from_input("2027-01-02T03:04:05+00:00")
            settings = MetricsSettings(operator=True)
            Monitoring("monitoring", settings, "data-ingestion", certificates_end=ends)
            return {}

        *_, last = deploy(program).one("PrometheusRule").inputs["spec"]["groups"]
        (rule,) = last["rules"]
        assert rule == {
            "record": "kafka_certificates_end_timestamp_seconds",
            "expr": f"vector({int(datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp())})",
        }
        (alert,) = (each for each in rules() if each.get("alert") == "KafkaCertificateEnds")
        assert rule["record"] in metrics_of(alert["expr"])

    def test_the_limits_of_the_archives_maintenance_are_rules(self) -> None:
        def program() -> dict[str, Any]:
            settings = MetricsSettings(operator=True)
            limits = dict.fromkeys(sorted(OF_THE_SETTINGS), 7)
            Monitoring("monitoring", settings, "data-ingestion", limits=limits)
            return {}

        *_, last = deploy(program).one("PrometheusRule").inputs["spec"]["groups"]
        assert last["rules"] == [
            {"record": name, "expr": "vector(7)"} for name in sorted(OF_THE_SETTINGS)
        ]


class TestExpressions:
    def test_prometheus_can_read_them(self) -> None:
        expressions = [*(rule["expr"] for rule in rules()), *dashboard_expressions()]
        assert all(metrics_of(expression) for expression in expressions)

    def test_what_prometheus_can_not_read_is_told(self) -> None:
        with pytest.raises(ValueError, match="parenthesis"):
            metrics_of("sum by (a (b)")

    def test_they_ask_for_metrics_that_are_there(self, recorded: Metrics) -> None:
        elsewhere = OF_THE_CLUSTER | OF_THE_REGISTRY | OF_THE_SETTINGS
        assert metrics_asked_for() - elsewhere - recorded.names == set()

    def test_alerts_say_how_bad_it_is_and_what_happened(self) -> None:
        alerts = [rule for rule in rules() if "alert" in rule]
        assert len({rule["alert"] for rule in alerts}) == len(alerts)
        for rule in alerts:
            assert rule["labels"]["severity"] in {"warning", "critical"}
            assert rule["annotations"]["summary"]

    @pytest.mark.parametrize(
        ("alert", "threshold"), [("DeadLetters", "> 100"), ("BrokerPauses", "> 0.05")]
    )
    def test_the_designs_thresholds(self, alert: str, threshold: str) -> None:
        (rule,) = (rule for rule in rules() if rule.get("alert") == alert)
        assert rule["expr"].endswith(threshold)

    def test_the_designs_counters_are_recorded_under_their_bare_names(self) -> None:
        recorded = {rule["record"]: rule["expr"] for rule in rules() if "record" in rule}
        assert recorded == {
            "s3_upload_success_rate": "s3_upload_success_rate_total",
            "schema_registry_requests": "schema_registry_requests_total",
        }
