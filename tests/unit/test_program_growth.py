"""What the program does and registers grows with the number of tables, and no faster.

Calls of functions, bytes and dependencies are counted, so the machine's load changes nothing. Where
the engine, the plugins and the policies are part of it: `make bench-program`.
"""

import json
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, fields
from types import FrameType
from typing import Any

import pytest

from bench.program.shapes import ROOMY, tables
from components.config import StackConfig
from tests.unit.deployment import Deployment
from tests.unit.streaming_stack import SANDBOX, deploy_stack, design

# Each is twice the one before.
SIZES = (40, 80, 160)
# A quadratic part, as large as the rest at the largest size, would make it 1.5.
TOLERANCE = 1.1

Sections = dict[str, Any]


def shared(_count: int) -> Sections:
    return SANDBOX


def files(_count: int) -> Sections:
    return {}


def glue(count: int) -> Sections:
    iceberg = {"sink": "iceberg", "maintenance": {"kind": "glue", "glueTables": tables(count)}}
    return SANDBOX | {"aws": {}, "archive": iceberg}


def deletable(count: int) -> Sections:
    """Return the sections of a stack all of whose topics may be deleted, with overrides."""
    overrides = {table: {"partitions": 2} for table in tables(count)}
    return SANDBOX | {"topics": {"delete": tables(count), "overrides": overrides}}


STACKS: dict[str, Callable[[int], Sections]] = {
    one.__name__: one for one in (shared, files, glue, deletable)
}


def stack(sections: Sections, count: int) -> StackConfig:
    """Return a stack of so many tables that has room for them."""
    sizing = {"brokerStorage": "2000Gi", "connect": ROOMY, "postgresql": ROOMY}
    return design(**sections, tables=tables(count), sizing=sizing)


@dataclass(frozen=True)
class Work:
    """What running the program once took."""

    calls: int
    """of functions"""
    resources: int
    input_bytes: int
    """of all resources together"""
    dependencies: int
    """of resources on others"""


class CallCount:
    """Counts the calls of functions in all threads that are started while it is used."""

    def __init__(self) -> None:
        self.calls = 0

    def __enter__(self) -> "CallCount":
        threading.setprofile(self._count)
        sys.setprofile(self._count)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)

    def _count(self, _frame: FrameType, event: str, _argument: object) -> None:
        if event in {"call", "c_call"}:
            self.calls += 1


def work(sections: Callable[[int], Sections], count: int) -> Work:
    with CallCount() as counted:
        deployment: Deployment = deploy_stack(stack(sections(count), count))
    resources = deployment.resources
    return Work(
        calls=counted.calls,
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
