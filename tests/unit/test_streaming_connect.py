"""The Connect workers: the design's settings, secrets in no manifest, and no surge of memory."""

import re

import pulumi
import pytest

from bench.ceilings import WORKERS_PRODUCER
from components.config.stack import SAMPLE_TABLES
from components.sizing import CONNECT_JVM, jvm_heap_options
from components.streaming.connect.plugins import install_arguments, plugin_archives
from components.streaming.sinks.declared import declared_sinks
from tests.unit.deployment import Deployment, every_container, visible_text
from tests.unit.streaming_stack import OWN_ICEBERG, SANDBOX, deploy_stack, design, sandbox

ENVIRONMENT = {
    "DBZ_DB_USERNAME",
    "DBZ_DB_PASSWORD",
    "S3_BUCKET_NAME",
    "AWS_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
}


@pytest.fixture(scope="module")
def in_sandbox() -> Deployment:
    return deploy_stack(sandbox())


@pytest.fixture(scope="module")
def as_designed() -> Deployment:
    return deploy_stack(design())


def properties(deployment: Deployment) -> dict[str, str]:
    text = deployment.one("ConfigMap", "kafka-connect").inputs["data"]
    lines = text["connect-distributed.properties"].splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_the_designs_settings_are_rendered(as_designed: Deployment) -> None:
    assert (
        properties(as_designed).items()
        >= {
            "group.id": "connect-cluster",
            "config.storage.topic": "connect-configs",
            "config.storage.replication.factor": "3",
            "offset.storage.topic": "connect-offsets",
            "offset.storage.replication.factor": "3",
            "status.storage.topic": "connect-status",
            "status.storage.replication.factor": "3",
            "config.providers.env.class": (
                "org.apache.kafka.common.config.provider.EnvVarConfigProvider"
            ),
            "producer.batch.size": "32768",
            "producer.linger.ms": "10",
            "producer.compression.type": "lz4",
        }.items()
    )


def test_the_bench_knows_the_settings_of_the_workers_producers(as_designed: Deployment) -> None:
    known = {f"producer.{name}": value for name, value in WORKERS_PRODUCER.items()}
    assert properties(as_designed).items() >= known.items()


def test_nothing_acknowledged_is_lost_and_no_topic_is_made_by_accident(
    as_designed: Deployment,
) -> None:
    assert (
        properties(as_designed).items()
        >= {
            "producer.acks": "all",
            "producer.enable.idempotence": "true",
            "exactly.once.source.support": "enabled",
            "consumer.isolation.level": "read_committed",
            "topic.creation.enable": "false",
        }.items()
    )


def test_the_workers_restart_what_failed_and_measure_what_waits(as_designed: Deployment) -> None:
    extensions = properties(as_designed)["rest.extension.classes"].split(",")
    assert extensions == ["datapipe.connect.RestartFailed", "datapipe.connect.WaitingRecords"]


def test_the_converter_that_waits_for_the_registry_is_where_records_are_avro(
    as_designed: Deployment, in_sandbox: Deployment
) -> None:
    path = "/opt/datapipe/plugins/registry/registry.jar"
    for deployment, expected in ((as_designed, True), (in_sandbox, False)):
        *_, worker = every_container(deployment.one("Deployment", "kafka-connect"))
        assert (path in {mount["mountPath"] for mount in worker["volumeMounts"]}) is expected
        jars = deployment.one("ConfigMap", "kafka-connect").inputs["binaryData"]
        assert ("registry.jar" in jars) is expected


# What was seen to fill the log of a worker with Confluent's plug-ins, 130,000 lines an hour.
CHATTY = (
    "io.confluent.connect.avro.AvroDataConfig",
    "io.confluent.connect.avro.AvroConverterConfig",
    "io.confluent.kafka.serializers.KafkaAvroSerializerConfig",
    "io.confluent.kafka.serializers.KafkaAvroDeserializerConfig",
    "io.confluent.connect.s3.S3SinkConnectorConfig",
    "org.apache.kafka.connect.runtime.ConnectorConfig$EnrichedConnectorConfig",
    "org.apache.kafka.connect.runtime.SinkConnectorConfig",
    "org.apache.kafka.connect.runtime.TaskConfig",
    "org.apache.kafka.connect.json.JsonConverterConfig",
    "org.apache.kafka.clients.consumer.ConsumerConfig",
    "org.apache.kafka.common.utils.AppInfoParser",
)
# What an operator needs to see.
TELLING = (
    "io.confluent.connect.s3.TopicPartitionWriter",
    "org.apache.kafka.connect.runtime.WorkerSinkTask",
    "datapipe.connect.RestartFailed",
)


def logged_level(configuration: str, logger: str) -> str:
    """Return the level of a logger: its own, or that of the nearest package or class above."""
    lines = [line.split("=", 1) for line in configuration.splitlines() if "=" in line]
    levels = {key.strip(): value.split(",")[0].strip() for key, value in lines}
    parts = logger.split(".")
    for end in range(len(parts), 0, -1):
        if level := levels.get(f"log4j.logger.{'.'.join(parts[:end])}"):
            return level
    return levels["log4j.rootLogger"]


def test_no_task_and_no_file_prints_its_configuration(as_designed: Deployment) -> None:
    configuration = as_designed.one("ConfigMap", "kafka-connect").inputs["data"]["log4j.properties"]
    levels = {name: logged_level(configuration, name) for name in (*CHATTY, *TELLING)}
    assert levels == {**dict.fromkeys(CHATTY, "WARN"), **dict.fromkeys(TELLING, "INFO")}


def test_at_least_once_is_a_choice() -> None:
    worker = properties(deploy_stack(sandbox(connect={"exactlyOnce": False})))
    assert worker["exactly.once.source.support"] == "disabled"


def test_connectors_read_the_intended_variables_and_no_others(as_designed: Deployment) -> None:
    pattern = properties(as_designed)["config.providers.env.param.allowlist.pattern"]
    for name in (*ENVIRONMENT, "SCHEMA_AUTH_USER", "SCHEMA_AUTH_PASS", "POD_IP"):
        assert re.fullmatch(pattern, name)
    for name in ("PATH", "KAFKA_HEAP_OPTS", "DBZ_DB_PASSWORD_OLD", "MY_S3_BUCKET_NAME"):
        assert not re.fullmatch(pattern, name)


def test_what_the_connectors_refer_to_is_in_the_workers_environment(
    in_sandbox: Deployment,
) -> None:
    (worker,) = every_container(in_sandbox.one("Deployment", "kafka-connect"))
    (source,) = worker["envFrom"]
    secret = in_sandbox.one("Secret", source["secretRef"]["name"])
    plain = {one["name"] for one in worker["env"]}
    assert plain | set(secret.inputs["stringData"]) >= ENVIRONMENT
    assert set(secret.inputs["stringData"]) == {
        "DBZ_DB_USERNAME",
        "DBZ_DB_PASSWORD",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    }


def test_passwords_are_in_secrets_only(as_designed: Deployment) -> None:
    passwords = [
        one.inputs["stringData"][key]
        for one in as_designed.of_type("Secret")
        for key in one.inputs["stringData"]
        if key in {"DBZ_DB_PASSWORD", "SCHEMA_AUTH_PASS", "AWS_SECRET_ACCESS_KEY"}
    ]
    assert len(passwords) == 3
    text = visible_text(as_designed)
    for password in passwords:
        assert password
        assert password not in text


def test_a_rolling_update_needs_no_more_memory_than_the_budget(in_sandbox: Deployment) -> None:
    spec = in_sandbox.one("Deployment", "kafka-connect").inputs["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}


def test_an_added_table_changes_the_exporters_rules_and_restarts_no_worker() -> None:
    tables = [*SAMPLE_TABLES, "public.coupons"]
    few, more = deploy_stack(sandbox()), deploy_stack(design(**{**SANDBOX, "tables": tables}))
    rules = [stack.one("ConfigMap", "kafka-connect").inputs["data"] for stack in (few, more)]
    assert "coupons" in rules[1]["metrics.yml"]
    assert rules[0]["metrics.yml"] != rules[1]["metrics.yml"]
    assert "public.coupons" in rules[1]["captured-tables.sql"]
    pods = [
        stack.one("Deployment", "kafka-connect").inputs["spec"]["template"] for stack in (few, more)
    ]
    configuration = [pod["metadata"]["annotations"]["datapipe/configuration"] for pod in pods]
    assert configuration[0] == configuration[1]
    assert pods[0]["spec"] == pods[1]["spec"]


def test_every_container_has_the_designs_limits_and_gains_nothing(as_designed: Deployment) -> None:
    containers = list(every_container(as_designed.one("Deployment", "kafka-connect")))
    assert [one["name"] for one in containers] == ["install-plugins", "kafka-connect"]
    for container in containers:
        assert container["resources"]["limits"] == {"memory": "1024Mi", "cpu": "1000m"}
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"] is True
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}


def test_the_jvm_fits_under_the_limit() -> None:
    options = jvm_heap_options(1024, CONNECT_JVM).split()
    heap = int(next(o for o in options if o.startswith("-Xmx"))[4:-1])
    parts = [int(o.split("=")[1][:-1]) for o in options if o.startswith("-XX:")]
    assert heap + sum(parts) < 1024


@pytest.mark.parametrize(
    ("given", "option"),
    [({}, "-XX:+UseParallelGC"), ({"collector": "g1"}, "-XX:+UseG1GC -XX:MaxGCPauseMillis=200")],
)
def test_a_stack_chooses_the_workers_collector_and_the_brokers_keep_theirs(
    given: dict[str, str], option: str
) -> None:
    deployment = deploy_stack(sandbox(connect=given))
    (worker,) = every_container(deployment.one("Deployment", "kafka-connect"))
    *_, broker = every_container(deployment.one("StatefulSet", "kafka"))
    options = {
        one["name"]: next(
            each["value"] for each in one["env"] if each["name"] == "KAFKA_JVM_PERFORMANCE_OPTS"
        )
        for one in (worker, broker)
    }
    assert f"-server {option} " in options["kafka-connect"]
    assert "-XX:+UseG1GC -XX:MaxGCPauseMillis=20 " in options["kafka"]
    assert all("-XX:+ExitOnOutOfMemoryError" in each for each in options.values())


def test_plugins_of_the_image_are_not_downloaded(in_sandbox: Deployment) -> None:
    pod = in_sandbox.one("Deployment", "kafka-connect").inputs["spec"]["template"]["spec"]
    assert "initContainers" not in pod


def test_plugins_of_the_hub_are_the_designs(as_designed: Deployment) -> None:
    installer, _ = every_container(as_designed.one("Deployment", "kafka-connect"))
    hub = "https://api.hub.confluent.io/api/plugins"
    assert installer["args"][:2] == [
        "debezium-postgres",
        f"{hub}/debezium/debezium-connector-postgresql/versions/2.4.2/archive",
    ]
    assert installer["args"][3:5] == [
        "s3-sink",
        f"{hub}/confluentinc/kafka-connect-s3/versions/10.5.0/archive",
    ]


def test_the_iceberg_sink_is_not_looked_for_on_the_hub() -> None:
    with pytest.raises(pulumi.RunError, match=r"plugins: image"):
        deploy_stack(design(images=OWN_ICEBERG, archive={"sink": "iceberg", "tasks": 2}))


def test_a_role_is_taken_on_with_a_token_for_aws_alone() -> None:
    deployment = deploy_stack(
        design(
            archive={
                "access": "role",
                "oidcProviderArn": "arn:aws:iam::123456789012:oidc-provider/oidc.eks/id/A",
            }
        )
    )
    pod = deployment.one("Deployment", "kafka-connect").inputs["spec"]["template"]["spec"]
    *_, worker = pod["containers"]
    variables = {one["name"]: one.get("value") for one in worker["env"]}
    assert variables["AWS_ROLE_ARN"].startswith("arn:aws:iam::")
    (token,) = (one for one in pod["volumes"] if one["name"] == "aws-token")
    (source,) = token["projected"]["sources"]
    assert source["serviceAccountToken"]["audience"] == "sts.amazonaws.com"
    assert pod["automountServiceAccountToken"] is False
    secret = deployment.one("Secret", "kafka-connect").inputs["stringData"]
    assert not {key for key in secret if key.startswith("AWS_")}


def test_connectors_wait_for_their_ends_and_for_the_worker(in_sandbox: Deployment) -> None:
    topics = {one.name for one in in_sandbox.of_type("Topic")}
    connectors = in_sandbox.outputs["connectors"]
    assert topics
    assert connectors
    for name in connectors:
        connector = in_sandbox.one("Connector", name)
        assert connector.dependencies >= topics | {"kafka-connect"}


def test_connectors_have_the_states_that_the_stack_says() -> None:
    deployment = deploy_stack(
        sandbox(source={"isolation": "per-table", "state": "PAUSED"}, archive={"state": "STOPPED"})
    )
    states = {one.name: one.inputs["state"] for one in deployment.of_type("Connector")}
    assert states.pop("s3-sink-connector") == "STOPPED"
    assert len(states) == 4
    assert set(states.values()) == {"PAUSED"}


def test_plugins_are_pinned_by_the_stacks_digests() -> None:
    digests = {"debezium": "a" * 64, "s3Sink": "b" * 64}
    config = design(connect={"pluginDigests": digests})
    sinks = {"s3-sink-connector": declared_sinks(config).archive.hub_plugin()}
    archives = plugin_archives(config.connect, config.images.resolve(), sinks)
    assert {one.folder: one.sha256 for one in archives} == {
        "debezium-postgres": "a" * 64,
        "s3-sink": "b" * 64,
    }
    assert install_arguments(archives)[2::3] == ["a" * 64, "b" * 64]
