"""What we tell Confluent's S3 sink, against the definition that version 10.5.0 publishes.

The sink is on no package registry and does not run here; `data/s3_sink_10_5_config.json` holds the
names, types and required keys of its configuration, and says where they were taken from.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from components.config import StackConfig
from tests.unit.streaming_stack import design, sink_connector

DEFINITION: dict[str, Any] = json.loads(
    (Path(__file__).parent / "data" / "s3_sink_10_5_config.json").read_text()
)["properties"]

# Properties of every sink connector, which Kafka Connect itself defines.
OF_CONNECT = {
    "connector.class",
    "tasks.max",
    "topics.regex",
    "key.converter",
    "value.converter",
    "transforms",
}
CONNECT_PREFIXES = (
    "consumer.override.",
    "producer.override.",
    "errors.",
    "transforms.",
    "key.converter.",
    "value.converter.",
)

# Settings of the design that the connector does not have and ignores.
#
# Its Parquet pages are 64 KiB and its row groups Parquet's 128 MiB, whatever these say; the
# upload of a part is tried again as often as `s3.part.retries` says.
IGNORED = {"parquet.block.size", "parquet.page.size", "s3.retry.jitter.ms", "s3.max.retries"}

STACKS = {
    "design": design(),
    "KMS": design(
        archive={"encryption": "aws:kms", "kmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/a"}
    ),
    "stand-in": design(aws={"endpoint": "http://10.0.0.1:5000"}),
}


@pytest.fixture(params=list(STACKS.values()), ids=list(STACKS))
def properties(request: pytest.FixtureRequest) -> dict[str, str]:
    """The sink's own settings, without Kafka Connect's."""
    config: StackConfig = request.param
    rendered = sink_connector(config).properties()
    return {
        key: value
        for key, value in rendered.items()
        if key not in OF_CONNECT and not key.startswith(CONNECT_PREFIXES)
    }


def test_every_property_is_one_that_the_sink_knows(properties: dict[str, str]) -> None:
    assert set(properties) - set(DEFINITION) - IGNORED == set()


def test_what_the_sink_ignores_is_not_in_its_definition() -> None:
    assert IGNORED.isdisjoint(DEFINITION)


def test_nothing_that_the_sink_requires_is_missing(properties: dict[str, str]) -> None:
    required = {name for name, stated in DEFINITION.items() if stated["required"]}
    assert required == {"format.class", "flush.size", "s3.bucket.name", "storage.class"}
    assert required <= set(properties)


def is_of_type(value: str, kind: str) -> bool:
    """Return whether Kafka's ConfigDef would take a value for a type."""
    match kind:
        case "int":
            return -(2**31) <= int(value) < 2**31
        case "long":
            return -(2**63) <= int(value) < 2**63
        case "boolean":
            return value in ("true", "false")
        case "class":
            return all(part.isidentifier() for part in value.split("."))
        case "string" | "list":
            return bool(value)
    raise AssertionError(f"the definition has the type {kind}, of which we set nothing")


def test_every_value_has_the_type_that_the_sink_takes(properties: dict[str, str]) -> None:
    known = set(properties) & set(DEFINITION)
    assert known
    for name in known:
        kind = DEFINITION[name]["type"]
        assert is_of_type(properties[name], kind), f"{name}={properties[name]} is no {kind}"
