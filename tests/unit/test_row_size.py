"""A row of the largest size passes every limit on its way, or the stack is refused."""

from dataclasses import replace

import pytest

from components.config import ConfigError
from components.row_size import RowSize
from components.sizing import BROKER_JVM, CONNECT_JVM, heap_for
from components.streaming.kafka.configuration import KafkaNetwork, shared_properties
from tests.unit.streaming_stack import (
    design,
    sandbox,
    sink_connector,
    source_connector,
    topics_for,
)

SIZES = [1, 4, 16]
MEBIBYTE = 1024 * 1024


@pytest.mark.parametrize("size", SIZES)
def test_each_limit_leaves_room_for_the_one_before(size: int) -> None:
    config = sandbox(
        kafka={"maxRowSize": f"{size}Mi"},
        sizing={"connect": {"memoryLimit": "4Gi"}, "broker": {"memoryLimit": "4Gi"}},
    )
    source = source_connector(config).properties()
    sink = sink_connector(config).properties()
    topics = {topic.name: topic.config for topic in topics_for(config)}
    network = KafkaNetwork(config.kafka, config.cluster, config.security.namespace)
    brokers = shared_properties(network)

    row = int(source["transforms.limitRowSize.max.bytes"])
    assert row == size * MEBIBYTE
    assert int(source["producer.override.max.request.size"]) == row
    assert int(source["producer.override.buffer.memory"]) >= 2 * row
    batch = int(topics["postgres.public.users"]["max.message.bytes"])
    assert batch > row * (1 + 1 / 100)
    assert brokers["message.max.bytes"] == batch
    assert int(brokers["replica.fetch.max.bytes"]) >= row
    letter = int(topics["s3-sink-dlq"]["max.message.bytes"])
    assert int(topics["connect-dlq"]["max.message.bytes"]) == letter > batch
    assert int(sink["producer.override.max.request.size"]) == letter
    assert int(brokers["socket.request.max.bytes"]) > letter
    assert int(sink["consumer.override.max.poll.records"]) * row <= max(6 * MEBIBYTE, row)


def test_a_request_that_the_brokers_would_refuse_is_refused_in_the_stack_file() -> None:
    with pytest.raises(ConfigError, match=r"kafka.maxRowSize: 100Mi needs requests of"):
        design(kafka={"maxRowSize": "100Mi"})


def test_only_the_listed_rows_of_captured_tables_may_be_incomplete() -> None:
    row = "public.users/451973eae50e0e18"
    properties = source_connector(design(source={"incompleteRows": [row]})).properties()
    assert properties["transforms.limitRowSize.incomplete.rows"] == row
    for wrong, problem in (
        ("public.gone/451973eae50e0e18", "is not a row of a captured table"),
        ("public.users", "is not a valid row"),
        ("public.users/17", "is not a valid row"),
    ):
        with pytest.raises(ConfigError, match=problem):
            design(source={"incompleteRows": [wrong]})


def test_rows_that_do_not_fit_the_brokers_are_refused_with_the_size_that_fits() -> None:
    with pytest.raises(ValueError, match=r"kafka.maxRowSize: 4Mi .* of 24 MiB; set at most 2Mi"):
        RowSize(4).require_brokers_heap(24)
    RowSize(2).require_brokers_heap(24)


def test_larger_transfers_get_direct_memory_which_the_heap_gives() -> None:
    for profile in (BROKER_JVM, CONNECT_JVM):
        assert RowSize(1).jvm(profile) == profile
        larger = RowSize(9).jvm(profile)
        assert larger == replace(profile, direct=profile.direct + 24)
        assert heap_for(1024, larger) < heap_for(1024, profile)
