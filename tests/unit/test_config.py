"""Bad input is refused before anything is registered, with the key's name and what is allowed."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from components.config import ConfigError, parse
from components.config.tables import SAMPLE_TABLES

ARCHIVE = {"bucket": "datapipe-ingestion-test"}
OIDC = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/1"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
REQUIRED = {"tables": SAMPLE_TABLES, "archive": ARCHIVE}


def refusal(**sections: Any) -> str:
    """Return the message for a stack file with these sections."""
    with pytest.raises(ConfigError) as refused:
        parse({**REQUIRED, **sections}, "Pulumi.test.yaml")
    return str(refused.value)


def test_tables_and_a_bucket_are_all_that_a_stack_must_name() -> None:
    config = parse(REQUIRED, "Pulumi.test.yaml")
    assert config.tables == SAMPLE_TABLES
    assert config.kafka.brokers == config.kafka.replication_factor == 3


def test_the_message_names_the_file_and_says_that_nothing_changed() -> None:
    message = refusal(tables=[])
    assert message.startswith("Pulumi.test.yaml is not valid; nothing was changed:\n  datapipe:")


def test_a_stack_file_without_tables_is_refused_with_the_lines_to_add() -> None:
    with pytest.raises(ConfigError) as refused:
        parse({"archive": ARCHIVE}, "Pulumi.test.yaml")
    lines = str(refused.value).splitlines()
    assert lines[1].startswith("  datapipe:tables: is required")
    added = yaml.safe_load("\n".join(lines[2:]))
    assert parse({"archive": ARCHIVE, "tables": added["datapipe:tables"]}, "Pulumi.test.yaml")


@pytest.mark.parametrize("stack", ["dev", "sandbox", "prod"])
def test_the_stack_files_list_their_tables(stack: str) -> None:
    stack_file = Path(__file__).parents[2] / f"Pulumi.{stack}.yaml"
    given = yaml.safe_load(stack_file.read_text())["config"]
    assert set(given["datapipe:tables"]) >= set(SAMPLE_TABLES)


@pytest.mark.parametrize(
    ("sections", "key", "problem"),
    [
        ({"sizing": {"broker": {"memoryLimit": "-1Gi"}}}, "sizing.broker.memoryLimit", "positive"),
        ({"sizing": {"broker": {"memoryLimit": 682}}}, "sizing.broker.memoryLimit", "682Mi"),
        (
            {"sizing": {"broker": {"memoryLimit": "much"}}},
            "sizing.broker.memoryLimit",
            "'much' is not a Kubernetes quantity",
        ),
        (
            {"sizing": {"broker": {"memoryLimit": "64Mi"}}},
            "sizing.broker.memoryRequest",
            "512Mi is above memoryLimit (64Mi)",
        ),
        (
            {"sizing": {"connect": {"memoryRequest": "256Mi", "memoryLimit": "256Mi"}}},
            "sizing.connect.memoryLimit",
            "256Mi leaves no memory for the heap; allowed: ",
        ),
        (
            {"sizing": {"connect": {"cpuLimit": "100m"}}},
            "sizing.connect.cpuRequest",
            "500m is above cpuLimit (100m)",
        ),
        ({"sizing": {"postgresqlStorage": "0Gi"}}, "sizing.postgresqlStorage", "positive"),
        (
            {"kafka": {"borkers": 3}},
            "kafka.borkers",
            "unknown key; did you mean brokers? Allowed here: bootstrapServers, brokers",
        ),
        ({"kafka": {"socket_size": 3}}, "kafka.socket_size", "unknown key"),
        ({"kafak": {}}, "kafak", "did you mean kafka? Allowed here: archive"),
        (
            {"kafka": {"brokers": 2}},
            "kafka.replicationFactor",
            "3 is above kafka.brokers (2); set at most 2, or kafka.brokers to at least 3",
        ),
        ({"kafka": {"minInsyncReplicas": 4}}, "kafka.minInsyncReplicas", "no record could be"),
        (
            {"kafka": {"brokers": "three"}},
            "kafka.brokers",
            "'three' is not a whole number; allowed: 1 to 99",
        ),
        ({"kafka": {"brokers": 0}}, "kafka.brokers", "0 is too low; allowed: 1 to 99"),
        (
            {"cluster": {"nodePorts": {"firstBroker": 30430}}, "kafka": {"brokers": 5}},
            "cluster.nodePorts.postgresql",
            "5 brokers have the ports 30430 to 30434; set at most 30429, or at least 30435",
        ),
        (
            {"cluster": {"nodePorts": {"firstBroker": 32764}}, "kafka": {"brokers": 5}},
            "cluster.nodePorts.firstBroker",
            "32764 to 32768, but node ports end at 32767; set at most 32763",
        ),
        ({"kafka": {"brokers": [3]}}, "kafka.brokers", "is a list, but must be a whole number"),
        ({"kafka": {"ioThreads": 0}}, "kafka.ioThreads", "0 is too low; allowed: 1 to 150"),
        ({"kafka": {"protect": "perhaps"}}, "kafka.protect", "'perhaps' is not true or false"),
        ({"kafka": 3}, "kafka", "is a single value, but must be a section; its keys: bootstrap"),
        ({"kafka": None}, "kafka", "is empty, but must be a section; its keys: bootstrapServers"),
        ({"metrics": {"repositoryUrl": "x.org/"}}, "metrics.repositoryUrl", "http or https"),
        ({"tables": ["users"]}, "tables[0]", "'users' has no schema; write schema.table"),
        ({"tables": ["public.Users"]}, "tables[0]", "lower case"),
        ({"tables": ["public.users; drop table x"]}, "tables[0]", "letters, digits"),
        ({"tables": ["public.users", "public.users"]}, "tables", "more than once"),
        ({"tables": []}, "tables", "must not be empty"),
        (
            {"tables": "public.users"},
            "tables",
            'is a single value, but must be a list; write ["public.users"]',
        ),
        ({"tables": {"public.users": {}}}, "tables", "is a section, but must be a list"),
        ({"tables": ["public.users", {}]}, "tables[1]", "is a section, but must be text"),
        ({"tables": ["public.users", 5]}, "tables[1]", "5 is not text; put it in quotes"),
        (
            {"tables": ["a.b_c", "a_b.c"]},
            "tables",
            "a.b_c and a_b.c can't be captured together: Kafka does not tell apart",
        ),
        (
            {"topics": {"overrides": {"public.ordrs": {"partitions": 12}}}},
            "topics.overrides.public.ordrs",
            "is not a captured table; name one of datapipe:tables",
        ),
        ({"topics": {"overrides": {"orders": {}}}}, "topics.overrides.orders", "public.orders"),
        (
            {"topics": {"overrides": {"public.order_items": {"partition": 12}}}},
            "topics.overrides.public.order_items.partition",
            "did you mean partitions? Allowed here: compression, partitions, retentionMs",
        ),
        (
            {"topics": {"overrides": {"public.orders": {"partitions": 0}}}},
            "topics.overrides.public.orders.partitions",
            "0 is too low; allowed: 1 to 1000",
        ),
        ({"topics": {"overrides": 3}}, "topics.overrides", "a section for each table"),
        ({"connect": {"configTopic": "no spaces"}}, "connect.configTopic", "1 to 249"),
        ({"connect": {"configTopic": "t" * 250}}, "connect.configTopic", "t…' is not a valid"),
        ({"registry": {"topic": ".."}}, "registry.topic", "neither"),
        (
            {"connect": {"pluginDigests": {"s3Sink": "abc"}}},
            "connect.pluginDigests.s3Sink",
            "'abc' is not a valid SHA-256 digest",
        ),
        ({"cluster": {"nodePorts": None}}, "kafka.bootstrapServers", "nodePorts is null"),
        (
            {"kafka": {"bootstrapServers": ["kafka"]}},
            "kafka.bootstrapServers[0]",
            "'kafka' is not a valid broker address; allowed: host:port",
        ),
        (
            {"source": {"isolation": "per-table", "maxReplicationSlots": 3}},
            "source.maxReplicationSlots",
            "3 is too low: where source.isolation is per-table, each of the 4 tables",
        ),
        (
            {"source": {"isolation": "per-table", "maxWalSenders": 3}},
            "source.maxWalSenders",
            "set at least 4, or source.isolation to shared",
        ),
        (
            {"archive": {"bucket": "My_Bucket"}},
            "archive.bucket",
            "'My_Bucket' is not a valid S3 bucket name; allowed: 3 to 63 of a-z",
        ),
        ({"archive": {}}, "archive.bucket", "is required. Name of the S3 bucket"),
        ({"archive": {**ARCHIVE, "access": "role"}}, "archive.oidcProviderArn", "is required"),
        ({"archive": {**ARCHIVE, "encryption": "aws:kms"}}, "archive.kmsKeyArn", "is required"),
        (
            {"archive": {**ARCHIVE, "glacierDays": 60, "infrequentAccessDays": 90}},
            "archive.glacierDays",
            "60 must be above infrequentAccessDays (90)",
        ),
        ({"aws": {"region": "Virginia"}}, "aws.region", "'Virginia' is not a valid AWS region"),
        (
            {"aws": {"endpoint": "http://moto:5000"}},
            "aws.endpoint",
            "'http://moto:5000' names its host; write the IPv4 address",
        ),
        ({"aws": {"endpoint": "10.0.0.1:5566"}}, "aws.endpoint", "is not the URL of a server"),
        ({"cluster": {"nodePorts": {"postgresql": 5432}}}, "cluster.nodePorts.postgresql", "30000"),
        ({"cluster": {"nodeNetwork": "10.0.0.1/8"}}, "cluster.nodeNetwork", "not an IPv4 network"),
        ({"source": {"slot": "no-dashes"}}, "source.slot", "lower case letters, digits"),
        ({"source": {"maxWalSize": "2 GB"}}, "source.maxWalSize", "whole MB or GB, e.g. 2GB"),
        (
            {"source": {"checkpointCompletionTarget": 2}},
            "source.checkpointCompletionTarget",
            "2 is too high; allowed: above 0, at most 1",
        ),
        ({"source": {"maxWalSenders": 90}}, "sizing.postgresql.memoryLimit", "maxWalSenders"),
        ({"security": {"podSecurity": "privileged"}}, "security.podSecurity", "restricted"),
        ({"metrics": {"scraper": {"labels": {}}}}, "metrics.scraper.labels", "must not be empty"),
        ({"images": {"family": "apache"}}, "connect.converter", "set json"),
        *(
            ({"sizing": {"broker": {key: given}}}, f"sizing.broker.{key}", problem)
            for key, given, problem in (
                ("memoryLimit", "1e3Mi", "'1e3Mi' is not a Kubernetes quantity; write for example"),
                ("memoryLimit", "NaN", "'NaN' is not a Kubernetes quantity"),
                ("memoryLimit", "InfinityGi", "is not a Kubernetes quantity"),
                ("memoryLimit", "1_000Mi", "is not a Kubernetes quantity"),
                ("memoryLimit", "٧٠٠Mi", "is not a Kubernetes quantity"),
                ("memoryLimit", "700mi", "is not a Kubernetes quantity"),
                ("memoryLimit", " 700Mi", "is not a Kubernetes quantity"),
                ("memoryLimit", "1e400", "is above the largest quantity of Kubernetes"),
                ("memoryLimit", f"1e{'9' * 30}", "is not a Kubernetes quantity"),
                ("memoryLimit", "16Ei", "is above the largest quantity of Kubernetes"),
                ("memoryLimit", "9" * 400 + "Gi", "is above the largest quantity of Kubernetes"),
                ("cpuLimit", "500Mi", "is not a Kubernetes quantity; write for example 500m"),
                ("cpuLimit", float("inf"), "is not a Kubernetes quantity"),
                ("cpuLimit", True, "true is not a number"),
            )
        ),
        ({"kafka": {"brokers": True}}, "kafka.brokers", "true is not a number; allowed: 1 to 99"),
        ({"archive": {**ARCHIVE, "tasks": False}}, "archive.tasks", "false is not a number"),
        (
            {"kafka": {"min_insync_replicas": 1}},
            "kafka.min_insync_replicas",
            "unknown key; did you mean minInsyncReplicas?",
        ),
        ({"topics": {"retentionMs": 10**30}}, "topics.retentionMs", "is too high"),
        ({"kafka": {"ioThreads": 10**6}}, "kafka.ioThreads", "allowed: 1 to 150"),
        ({"kafka": {"controllerPort": 9092}}, "kafka.controllerPort", "is also kafka.port"),
        ({"kafka": {"externalPort": 9093}}, "kafka.externalPort", "is also kafka.controllerPort"),
        ({"metrics": {"port": 8083}}, "metrics.port", "8083 is also connect.port"),
        ({"metrics": {"port": 8081}}, "metrics.port", "8081 is also registry.port"),
        ({"registry": {"topic": "__consumer_offsets"}}, "registry.topic", "Kafka's own topics"),
        ({"connect": {"groupId": "a\nb"}}, "connect.groupId", "is not a valid group id"),
        ({"tables": ["pg_catalog.pg_class"]}, "tables[0]", "does not publish"),
        ({"tables": [""]}, "tables[0]", "'' has no schema; write schema.table, e.g. public.users"),
        ({"tables": ["public.users\n"]}, "tables[0]", "is not a valid table name"),
        ({"tables": [None]}, "tables[0]", "is empty, but must be text"),
        (
            {"topics": {"overrides": {"Public.users": {}}}},
            "topics.overrides.Public.users",
            "'Public.users' is not a valid table name",
        ),
        (
            {"topics": {"overrides": {"public.users": {"partitions": -5}}}},
            "topics.overrides.public.users.partitions",
            "-5 is too low",
        ),
        *(
            ({"archive": {"bucket": bucket}}, "archive.bucket", "is not a valid S3 bucket name")
            for bucket in ("a--x-s3", "a--table-s3", "amzn-s3-demo-a", "abc\n", "abc٣")
        ),
        (
            {"archive": {**ARCHIVE, "access": "role", "oidcProviderArn": "eks"}},
            "archive.oidcProviderArn",
            "'eks' is not a valid ARN of an OIDC provider",
        ),
        (
            {"archive": {**ARCHIVE, "oidcProviderArn": OIDC}},
            "archive.oidcProviderArn",
            "is not used where access is user",
        ),
        (
            {"archive": {**ARCHIVE, "kmsKeyArn": KEY}},
            "archive.kmsKeyArn",
            "is not used where encryption is AES256",
        ),
        (
            {"archive": {**ARCHIVE, "encryption": "aws:kms", "kmsKeyArn": KEY}},
            "archive.kmsKeyArn",
            "is a key of eu-west-1, but the bucket is in us-east-1 (aws.region)",
        ),
        (
            {"archive": {**ARCHIVE, "encryption": "aws:kms", "kmsKeyArn": "alias/archive"}},
            "archive.kmsKeyArn",
            "is not a valid ARN of a KMS key",
        ),
        ({"security": {"namespace": "kube-system"}}, "security.namespace", "Kubernetes' own"),
        ({"aws": {"endpoint": "http://10.0.0.1:99999"}}, "aws.endpoint", "allowed: 1 to 65535"),
        ({"aws": {"endpoint": "http://[::1"}}, "aws.endpoint", "is not the URL of a server"),
        ({"cluster": {"context": ""}}, "cluster.context", "must not be empty"),
        ({"cluster": {"storageClass": "My Class"}}, "cluster.storageClass", "1 to 253 of a-z"),
        ({"cluster": {"storageProvisioner": ""}}, "cluster.storageProvisioner", "rancher.io"),
        ({"cluster": {"externalHost": "a\nb"}}, "cluster.externalHost", "is not a valid host"),
        (
            {"cluster": {"externalHost": "10.1.2.999"}},
            "cluster.externalHost",
            "is not a valid host",
        ),
        ({"cluster": {"nodeNetwork": 5}}, "cluster.nodeNetwork", "5 is not an IPv4 network"),
        (
            {"kafka": {"bootstrapServers": ["kafka:99999"]}},
            "kafka.bootstrapServers[0]",
            "has a port that does not exist",
        ),
        ({"images": {"kafka": ""}}, "images.kafka", "'' is not a valid image"),
        ({"images": {"kafka": "kafka 3"}}, "images.kafka", "'kafka 3' is not a valid image"),
        ({"images": {"icebergPlugin": "/a,/b"}}, "images.icebergPlugin", "without commas"),
        (
            {"metrics": {"operatorLabels": {"release": "my stack"}}},
            "metrics.operatorLabels.release",
            "is not a valid label's value",
        ),
        (
            {"metrics": {"scraper": {"labels": {"": "x"}}}},
            "metrics.scraper.labels.",
            "is not a valid label's key",
        ),
        (
            {"metrics": {"enabled": False, "operator": True}},
            "metrics.operator",
            "needs the metrics",
        ),
        ({"source": {"debeziumUser": "postgres"}}, "source.debeziumUser", "the superuser"),
        ({"source": {"debeziumUser": "pg_reader"}}, "source.debeziumUser", "pg_ first"),
        ({"source": {"database": "template1"}}, "source.database", "one of PostgreSQL's templates"),
        ({"source": {"maxWalSize": "0MB"}}, "source.maxWalSize", "allowed: 32MB to 2147483647MB"),
        ({"source": {"effectiveCacheSize": "0GB"}}, "source.effectiveCacheSize", "allowed: 1MB"),
        ({"source": {"maxSlotWalKeepSize": "0MB"}}, "source.maxSlotWalKeepSize", "or -1 for no"),
        ({"source": {"maxSlotWalKeepSize": "3 GB"}}, "source.maxSlotWalKeepSize", "or -1 for no"),
        (
            {"source": {"maxSlotWalKeepSize": "5GB"}},
            "source.maxSlotWalKeepSize",
            "5GB is not below sizing.postgresqlStorage (5120Mi)",
        ),
    ],
)
def test_bad_input_is_refused_by_its_key_with_what_was_given_and_what_is_allowed(
    sections: dict[str, Any], key: str, problem: str
) -> None:
    line = next(line for line in refusal(**sections).splitlines() if f"datapipe:{key}: " in line)
    assert problem in line


def test_a_list_with_a_wrong_entry_is_not_also_called_empty() -> None:
    message = refusal(archive={**ARCHIVE, "athena": {"readers": ["*"]}})
    assert "archive.athena.readers[0]: '*' is not a valid ARN" in message
    assert "must not be empty" not in message


def test_everything_wrong_is_reported_at_once() -> None:
    message = refusal(tables=["users"], kafka={"brokers": 0}, nonsense=1)
    for key in ("datapipe:tables[0]", "datapipe:kafka.brokers", "datapipe:nonsense"):
        assert key in message


def test_every_contradiction_is_reported_at_once() -> None:
    message = refusal(images={"family": "apache"}, cluster={"nodePorts": None})
    for key in ("connect.converter", "kafka.bootstrapServers"):
        assert f"datapipe:{key}: " in message


@pytest.mark.parametrize("endpoint", ["http://10.231.0.1:5566", "https://10.0.0.1"])
def test_a_server_that_replaces_aws_is_named_by_its_address(endpoint: str) -> None:
    config = parse({**REQUIRED, "aws": {"endpoint": endpoint}}, "Pulumi.test.yaml")
    assert config.aws.endpoint == endpoint
