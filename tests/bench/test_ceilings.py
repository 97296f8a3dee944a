"""What a stage takes alone is measured with the settings that the pipeline uses."""

from bench.ceilings import producer_settings
from tests.unit.streaming_stack import sandbox, source_connector


def test_the_plain_producer_sends_batches_like_the_source_connectors() -> None:
    connector = source_connector(sandbox()).properties()
    assert producer_settings(connector) == {
        "acks": "all",
        "enable.idempotence": "true",
        "compression.type": "lz4",
        "linger.ms": connector["producer.override.linger.ms"],
        "batch.size": connector["producer.override.batch.size"],
    }


def test_a_connector_without_overrides_has_the_workers_settings() -> None:
    found = producer_settings({"producer.override.acks": "1", "name": "other"})
    assert found["acks"] == "1"
    assert (found["linger.ms"], found["batch.size"]) == ("10", "32768")
