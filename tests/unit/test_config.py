"""Bad input is refused before anything is registered, with the key's name and what is allowed."""

from typing import Any

import pytest

from components.config import ConfigError, parse
from components.config.stack import SAMPLE_TABLES

ARCHIVE = {"bucket": "datapipe-ingestion-test"}


def refusal(**sections: Any) -> str:
    """The message for a stack file with these sections."""
    with pytest.raises(ConfigError) as refused:
        parse({"archive": ARCHIVE, **sections}, "Pulumi.test.yaml")
    return str(refused.value)


def test_a_bucket_is_all_that_a_stack_must_name() -> None:
    config = parse({"archive": ARCHIVE}, "Pulumi.test.yaml")
    assert config.tables == SAMPLE_TABLES
    assert config.kafka.brokers == config.kafka.replication_factor == 3


def test_the_message_names_the_file_and_says_that_nothing_changed() -> None:
    message = refusal(tables=[])
    assert message.startswith("Pulumi.test.yaml can't be used, nothing was changed:")


@pytest.mark.parametrize(
    ("sections", "key", "allowed"),
    [
        ({"sizing": {"broker": {"memoryLimit": "-1Gi"}}}, "sizing.broker.memoryLimit", "positive"),
        ({"sizing": {"broker": {"memoryLimit": 682}}}, "sizing.broker.memoryLimit", "682Mi"),
        ({"sizing": {"broker": {"memoryLimit": "much"}}}, "sizing.broker.memoryLimit", "much"),
        ({"sizing": {"broker": {"memoryLimit": "64Mi"}}}, "sizing.broker", "above memoryLimit"),
        ({"sizing": {"connect": {"cpuLimit": "100m"}}}, "sizing.connect", "above cpuLimit"),
        ({"sizing": {"postgresqlStorage": "0Gi"}}, "sizing.postgresqlStorage", "positive"),
        ({"kafka": {"borkers": 3}}, "kafka.borkers", "allowed here: bootstrapServers, brokers"),
        ({"kafak": {}}, "kafak", "allowed here: archive"),
        ({"kafka": {"brokers": 2}}, "kafka", "brokers ≥ 3"),
        ({"kafka": {"minInsyncReplicas": 4}}, "kafka", "nothing could be written"),
        ({"kafka": {"brokers": "three"}}, "kafka.brokers", "valid integer"),
        ({"tables": ["users"]}, "tables[0]", "public.users"),
        ({"tables": ["public.Users"]}, "tables[0]", "lower case"),
        ({"tables": ["public.users; drop table x"]}, "tables[0]", "letters, digits"),
        ({"tables": ["public.users", "public.users"]}, "tables", "more than once"),
        ({"tables": []}, "tables", "at least one"),
        ({"tables": ["a.b_c", "a_b.c"]}, "tables", "would clash"),
        (
            {"topics": {"overrides": {"public.ordrs": {"partitions": 12}}}},
            "topics.overrides.public.ordrs",
            "name one of datapipe:tables",
        ),
        ({"topics": {"overrides": {"orders": {}}}}, "topics.overrides.orders:", "public.orders"),
        (
            {"topics": {"overrides": {"public.order_items": {"partition": 12}}}},
            "topics.overrides.public.order_items.partition",
            "allowed here: compression, partitions, retentionMs",
        ),
        (
            {"topics": {"overrides": {"public.orders": {"partitions": 0}}}},
            "topics.overrides.public.orders.partitions",
            "greater than or equal to 1",
        ),
        ({"connect": {"configTopic": "no spaces"}}, "connect.configTopic", "1 to 249"),
        ({"connect": {"configTopic": "t" * 250}}, "connect.configTopic", "1 to 249"),
        ({"registry": {"topic": ".."}}, "registry.topic", "neither"),
        ({"connect": {"pluginDigests": {"s3Sink": "abc"}}}, "pluginDigests.s3Sink", "pattern"),
        ({"cluster": {"nodePorts": None}}, "kafka.bootstrapServers", "nodePorts is null"),
        ({"kafka": {"bootstrapServers": ["kafka"]}}, "kafka.bootstrapServers[0]", "pattern"),
        (
            {"source": {"isolation": "per-table", "maxReplicationSlots": 3}},
            "source.maxReplicationSlots 3",
            "at least 4",
        ),
        (
            {"source": {"isolation": "per-table", "maxWalSenders": 3}},
            "source.maxWalSenders 3",
            "isolation: shared",
        ),
        ({"archive": {"bucket": "My_Bucket"}}, "archive.bucket", "3 to 63 of a-z"),
        ({"archive": {}}, "archive.bucket", "is required"),
        ({"archive": {**ARCHIVE, "access": "role"}}, "archive", "oidcProviderArn"),
        ({"archive": {**ARCHIVE, "encryption": "aws:kms"}}, "archive", "kmsKeyArn"),
        (
            {"archive": {**ARCHIVE, "glacierDays": 60, "infrequentAccessDays": 90}},
            "archive",
            "above",
        ),
        ({"aws": {"region": "Virginia"}}, "aws.region", "pattern"),
        ({"aws": {"endpoint": "http://moto:5000"}}, "aws.endpoint", "IPv4 address"),
        ({"cluster": {"nodePorts": {"postgresql": 5432}}}, "cluster.nodePorts.postgresql", "30000"),
        ({"cluster": {"nodeNetwork": "10.0.0.1/8"}}, "cluster.nodeNetwork", "network"),
        ({"source": {"slot": "no-dashes"}}, "source.slot", "pattern"),
        ({"source": {"maxWalSenders": 90}}, "sizing.postgresql.memoryLimit", "maxWalSenders"),
        ({"security": {"podSecurity": "privileged"}}, "security.podSecurity", "restricted"),
        ({"images": {"family": "apache"}}, "connect.converter", "use json"),
    ],
)
def test_bad_input_is_refused_with_the_key_and_what_is_allowed(
    sections: dict[str, Any], key: str, allowed: str
) -> None:
    message = refusal(**sections)
    assert key in message
    assert allowed in message


def test_everything_wrong_is_told_at_once() -> None:
    message = refusal(tables=["users"], kafka={"brokers": 0}, nonsense=1)
    for key in ("datapipe:tables[0]", "datapipe:kafka.brokers", "datapipe:nonsense"):
        assert key in message


@pytest.mark.parametrize("endpoint", ["http://10.231.0.1:5566", "https://10.0.0.1"])
def test_a_stand_in_for_aws_is_named_by_its_address(endpoint: str) -> None:
    config = parse({"archive": ARCHIVE, "aws": {"endpoint": endpoint}}, "Pulumi.test.yaml")
    assert config.aws.endpoint == endpoint
