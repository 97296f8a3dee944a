"""The topics: derived from the tables, replicated, protected, and bounded by the volumes."""

import pytest

from components.config import StackConfig
from components.config.tables import TOPIC_NAME
from components.streaming.topics import Topic, replicas_per_broker
from tests.unit.deployment import Deployment
from tests.unit.streaming_stack import deploy_stack, design, sandbox, topics_args, topics_for

WEEK_MS = "604800000"


def topic(config: StackConfig, name: str) -> Topic:
    return next(one for one in topics_for(config) if one.name == name)


def test_every_captured_table_has_a_topic_and_nothing_else_is_missing() -> None:
    assert [one.name for one in topics_for(design())] == [
        "postgres.public.users",
        "postgres.public.products",
        "postgres.public.orders",
        "postgres.public.order_items",
        "connect-dlq",
        "s3-sink-dlq",
        "schema-changes.postgres",
        "__debezium-heartbeat.postgres",
        "postgres.transaction",
    ]


def test_the_iceberg_sink_gets_its_control_topic() -> None:
    assert topic(sandbox(), "control-iceberg").partitions == 1


def test_a_tables_topic_is_the_designs() -> None:
    users = topic(design(), "postgres.public.users")
    assert (users.partitions, users.replication_factor) == (6, 3)
    assert (
        users.config.items()
        >= {
            "retention.ms": WEEK_MS,
            "compression.type": "lz4",
            "cleanup.policy": "delete",
        }.items()
    )


@pytest.mark.parametrize("name", ["connect-dlq", "s3-sink-dlq"])
def test_dead_letter_queues_are_the_designs(name: str) -> None:
    letters = topic(design(), name)
    assert (letters.partitions, letters.replication_factor) == (3, 3)
    assert (
        letters.config.items()
        >= {
            "retention.ms": WEEK_MS,
            "compression.type": "lz4",
            "cleanup.policy": "delete",
        }.items()
    )


def test_schema_changes_are_compacted() -> None:
    changes = topic(design(), "schema-changes.postgres")
    assert (changes.partitions, changes.replication_factor) == (1, 3)
    assert changes.config == {"cleanup.policy": "compact", "retention.ms": WEEK_MS}


@pytest.mark.parametrize("tables", [1, 4, 40])
def test_full_logs_fit_the_brokers_volume(tables: int) -> None:
    config = design(
        tables=[f"public.t{n}" for n in range(tables)],
        # At least a segment per log is kept, so that many tables need a larger volume.
        sizing={"brokerStorage": "20Gi"} if tables > 4 else {},
    )
    bounded = [one.config for one in topics_for(config) if "retention.bytes" in one.config]
    (full,) = {int(c["retention.bytes"]) + int(c["segment.bytes"]) for c in bounded}
    storage = config.sizing.storage_per_broker(config.kafka.brokers) * 1024 * 1024
    assert full * replicas_per_broker(topics_args(config)) <= 0.9 * storage


def test_the_topics_of_tables_are_protected_where_the_stack_says_so() -> None:
    def protected(deployment: Deployment) -> set[str]:
        return {one.name for one in deployment.of_type("Topic") if one.protect}

    assert protected(deploy_stack(sandbox(topics={"protect": True}))) == {
        f"postgres.public.{table}" for table in ("users", "products", "orders", "order_items")
    }
    assert protected(deploy_stack(sandbox(topics={"protect": False}))) == set()


def test_topics_wait_for_every_broker_to_be_reachable() -> None:
    deployment = deploy_stack(sandbox())
    topics = deployment.of_type("Topic")
    assert topics
    for one in topics:
        reachable = {"kafka", *(f"kafka-{n}-external" for n in range(3))}
        assert deployment.prerequisites(one) >= reachable


def test_a_table_may_have_more_partitions_and_another_retention() -> None:
    config = design(
        topics={
            "overrides": {
                "public.orders": {"partitions": 12, "retentionMs": 60_000, "compression": "zstd"}
            }
        }
    )
    usual, orders = topic(config, "postgres.public.users"), topic(config, "postgres.public.orders")
    assert (usual.partitions, orders.partitions) == (6, 12)
    assert orders.replication_factor == usual.replication_factor
    assert orders.config == {
        **usual.config,
        "retention.ms": "60000",
        "compression.type": "zstd",
    }


def test_a_tables_extra_partitions_count_against_the_volume() -> None:
    more = design(topics={"overrides": {"public.orders": {"partitions": 12}}})
    assert replicas_per_broker(topics_args(more)) == replicas_per_broker(topics_args(design())) + 6


@pytest.mark.parametrize(
    ("connect", "clash"),
    [
        ({"configTopic": "connect-dlq"}, "two topics would have the name connect-dlq"),
        ({"offsetTopic": "postgres_transaction"}, "and postgres_transaction would clash"),
        ({"statusTopic": "postgres.public.users"}, "two topics would have the name postgres.pub"),
    ],
)
def test_topics_that_kafka_takes_for_the_same_are_refused(
    connect: dict[str, str], clash: str
) -> None:
    with pytest.raises(ValueError, match=clash):
        topics_for(design(connect=connect))


def test_every_name_is_legal_however_long_the_tables_is() -> None:
    longest = f"{'s' * 63}.{'t' * 63}"
    for one in topics_for(design(tables=[longest])):
        assert TOPIC_NAME(one.name)
