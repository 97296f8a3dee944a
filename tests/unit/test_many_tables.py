"""A stack of a thousand captured tables: what is rendered grows with the tables and no faster."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from components.config import StackConfig
from components.source.schema import database_script
from tests.unit.streaming_stack import (
    SANDBOX,
    design,
    sink_connector,
    source_connectors,
    topics_for,
)

FEW, MANY = 100, 1000
# How much longer ten times the tables may take: linear is 10, quadratic would be 100.
BOUND = 20
# Seconds that nobody waits for; below them the clock and the caches blur the proportion.
NEGLIGIBLE = 0.05
# Kafka's default limit of a record, which a connector's configuration is in Connect's topic.
CONFIG_RECORD = 1024 * 1024

# The sinks keep a file open for each table or partition; the stack is rendered, and not run.
ROOMY_WORKER = {"memoryRequest": "1000Gi", "memoryLimit": "1000Gi"}

Sections = dict[str, Any]
KINDS: dict[str, Sections] = {"confluent-s3": {}, "iceberg": SANDBOX}


@pytest.fixture(params=list(KINDS.values()), ids=list(KINDS))
def sections(request: pytest.FixtureRequest) -> Sections:
    """What a kind of stack differs in from the design."""
    kind: Sections = request.param
    return kind


def tables(count: int) -> list[str]:
    return [f"public.table_{number:04}" for number in range(count)]


def stack(sections: Sections, count: int) -> StackConfig:
    """Return a stack of so many tables, each with an override, and enough room for them."""
    names = tables(count)
    return design(
        **sections,
        tables=names,
        topics={"overrides": {name: {"retentionMs": 3_600_000} for name in names}},
        sizing={"brokerStorage": "2000Gi", "connect": ROOMY_WORKER},
    )


RENDERED: dict[str, Callable[[StackConfig], Any]] = {
    "topics": topics_for,
    "source": lambda config: [one.properties() for one in source_connectors(config)],
    "sink": lambda config: sink_connector(config).properties(),
    "schema": lambda config: database_script(config.source, config.tables),
}


def seconds(render: Callable[[], Any]) -> float:
    """CPU time, the shortest of some runs: what else the machine does only makes a run longer."""

    def once() -> float:
        start = time.process_time()
        render()
        return time.process_time() - start

    return min(once() for _ in range(5))


def allowed(few: float) -> float:
    """Seconds that ten times the tables may take."""
    return max(BOUND * few, NEGLIGIBLE)


@pytest.mark.parametrize("part", RENDERED)
def test_rendering_is_linear(sections: Sections, part: str) -> None:
    few, many = stack(sections, FEW), stack(sections, MANY)
    render = RENDERED[part]
    assert seconds(lambda: render(many)) < allowed(seconds(lambda: render(few)))


def test_reading_the_configuration_is_linear(sections: Sections) -> None:
    few, many = seconds(lambda: stack(sections, FEW)), seconds(lambda: stack(sections, MANY))
    assert many < allowed(few)


def test_a_connectors_configuration_fits_a_record_of_connects_topic(
    sections: Sections,
) -> None:
    config = stack(sections, MANY)
    for connector in (*source_connectors(config), sink_connector(config)):
        size = sum(len(key) + len(value) + 8 for key, value in connector.properties().items())
        assert size < CONFIG_RECORD


def test_every_table_has_its_topic() -> None:
    names = {topic.name for topic in topics_for(stack({}, MANY))}
    assert {f"postgres.{table}" for table in tables(MANY)} <= names


@pytest.mark.parametrize(
    ("count", "timeout", "threads"),
    [(4, "30000", None), (50, "30000", None), (51, "30000", "8"), (400, "100000", "8")],
)
def test_the_sink_has_longer_for_the_commit_of_more_tables_and_commits_more_at_a_time(
    count: int, timeout: str, threads: str | None
) -> None:
    properties = sink_connector(stack(SANDBOX, count)).properties()
    assert properties["iceberg.control.commit.timeout-ms"] == timeout
    assert properties.get("iceberg.control.commit.threads") == threads
