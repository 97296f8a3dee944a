"""Bad input is refused before anything is registered, with the key's name and what is allowed."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from components.config import ConfigError, parse
from components.config.tables import SAMPLE_TABLES

ARCHIVE = {"bucket": "datapipe-ingestion-test"}
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
        ({"kafka": {"ioThreads": 0}}, "kafka.ioThreads", "0 is too low; allowed: 1 or more"),
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
    ],
)
def test_bad_input_is_refused_by_its_key_with_what_was_given_and_what_is_allowed(
    sections: dict[str, Any], key: str, problem: str
) -> None:
    line = next(line for line in refusal(**sections).splitlines() if f"datapipe:{key}: " in line)
    assert problem in line


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
