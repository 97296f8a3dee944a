"""What the program does and registers grows with the number of tables, and no faster.

The components' steps, bytes and dependencies are counted, so the machine's load changes nothing. A
step may take longer the more tables there are: to look 1,000 names up in a list of 1,000 takes some
6 ms. `make bench-program` measures time, with the engine, the plugins and the policies.
"""

import json
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, fields
from types import FrameType
from typing import Any

import pytest

from bench.program.stack_file import tables
from clients.stack import PROJECT
from components.config import StackConfig
from tests.unit.deployment import Deployment
from tests.unit.streaming_stack import SANDBOX, deploy_stack, design

# Each is twice the one before.
SIZES = (16, 32, 64)
# A quadratic part, as large as the rest at the largest size, would make it 1.5.
TOLERANCE = 1.1

# Memory for any number of tables; nothing runs here.
ROOMY = {"memoryRequest": "1000Gi", "memoryLimit": "1000Gi"}

Sections = dict[str, Any]
TraceFunction = Callable[[FrameType, str, object], Any]
COMPONENTS = str(PROJECT / "components")


def files(_count: int) -> Sections:
    """Return the sections of the design's stack."""
    return {}


def listed(count: int) -> Sections:
    """Return the sections of a stack that lists its tables wherever tables can be listed."""
    iceberg = {"sink": "iceberg", "maintenance": {"kind": "glue", "glueTables": tables(count)}}
    overrides = {table: {"partitions": 2} for table in tables(count)}
    topics = {"delete": tables(count), "overrides": overrides}
    source = {"excludedColumns": {table: ["note"] for table in tables(count)}}
    return SANDBOX | {"aws": {}, "archive": iceberg, "topics": topics, "source": source}


STACKS: dict[str, Callable[[int], Sections]] = {one.__name__: one for one in (files, listed)}


def stack(sections: Sections, count: int) -> StackConfig:
    """Return a stack of so many tables that has room for them."""
    sizing = {"brokerStorage": "2000Gi", "connect": ROOMY, "postgresql": ROOMY}
    return design(**sections, tables=tables(count), sizing=sizing)


@dataclass(frozen=True)
class Work:
    """What running the program once took."""

    steps: int
    """lines run by the components"""
    resources: int
    input_bytes: int
    """of all resources together"""
    dependencies: int
    """of resources on others"""


class StepCount:
    """Counts the lines that the components run, each repetition of a loop included.

    It traces the threads, too, that are started while it is used.
    """

    def __init__(self) -> None:
        self.steps = 0

    def __enter__(self) -> "StepCount":
        threading.settrace(self._enter)
        sys.settrace(self._enter)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)
        threading.settrace(None)

    def _enter(self, frame: FrameType, _event: str, _argument: object) -> TraceFunction | None:
        return self._count if frame.f_code.co_filename.startswith(COMPONENTS) else None

    def _count(self, _frame: FrameType, event: str, _argument: object) -> TraceFunction:
        self.steps += event == "line"
        return self._count


def work(sections: Callable[[int], Sections], count: int) -> Work:
    with StepCount() as counted:
        deployment: Deployment = deploy_stack(stack(sections(count), count))
    resources = deployment.resources
    return Work(
        steps=counted.steps,
        resources=len(resources),
        input_bytes=sum(len(json.dumps(one.inputs)) for one in resources),
        dependencies=sum(len(one.dependencies) for one in resources),
    )


@pytest.mark.parametrize("name", STACKS)
def test_the_program_is_linear(name: str) -> None:
    # The first run in a process imports modules, too.
    _, few, more, most = (work(STACKS[name], count) for count in (SIZES[0], *SIZES))
    for part in fields(Work):
        first, second, third = (getattr(each, part.name) for each in (few, more, most))
        # What the tables that were added took, and what twice as many took.
        assert third - second <= TOLERANCE * 2 * (second - first), part.name


@pytest.mark.parametrize("component", ["Worker", "Maintenance"])
def test_what_has_the_jars_is_created_after_the_topics(component: str) -> None:
    """The engine writes the whole state twice for each topic.

    A child waits for its component, and only this one keeps the names of all topics.
    """
    deployed = deploy_stack(stack(SANDBOX, SIZES[0]))
    topics = {one.name for one in deployed.of_type("Topic")}
    assert len(topics) > SIZES[0]
    assert topics <= deployed.one(component).dependencies
