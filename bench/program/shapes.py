"""The kinds of stacks that are measured, each with any number of tables."""

from collections.abc import Callable, Mapping
from typing import Any

import yaml

from clients.stack import PROJECT

Sections = dict[str, Any]
# The sinks keep a file open for each table, and sources a queue; nothing of it runs here.
ROOMY = {"memoryRequest": "1000Gi", "memoryLimit": "1000Gi"}


def tables(count: int) -> list[str]:
    """Return the names of so many tables."""
    return [f"public.table_{number:05}" for number in range(count)]


def shared(count: int) -> Sections:
    """Return the sandbox's stack: one source connector, an Iceberg sink."""
    return {"tables": tables(count), "topics": {"protect": False, "partitions": 1}}


def athena(count: int) -> Sections:
    """Return a stack with Confluent's sink, tables over its files and a query for each view."""
    return {
        **shared(count),
        "aws": {},
        "images": {},
        "connect": {"plugins": "image"},
        "sizing": {"connect": ROOMY},
        "archive": {
            "bucket": "datapipe-ingestion-bench",
            "sink": "confluent-s3",
            "athena": {"readers": ["arn:aws:iam::123456789012:role/readers"]},
        },
    }


SHAPES: Mapping[str, Callable[[int], Sections]] = {
    "shared": shared,
    "athena": athena,
}


def stack_file(shape: str, count: int) -> str:
    """Return the text of a stack file: the sandbox's with a shape's sections."""
    document = yaml.safe_load((PROJECT / "Pulumi.sandbox.yaml").read_text())
    sections = SHAPES[shape](count)
    given = {f"datapipe:{key}": value for key, value in sections.items()}
    config = {**document["config"], **given}
    return yaml.safe_dump({"config": config}, sort_keys=False)
