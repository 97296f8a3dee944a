"""A position is passed once slot, sink and the sink's commits are beyond it, in this order."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from clients.stack import parse_outputs
from tests.clients.stack_outputs import MANAGED, OUTPUTS, SHOP, outputs_with
from verification import pipeline_position
from verification.options import NotReachedError
from verification.pipeline_position import MESSAGE, PipelinePosition

TABLE, TOPIC = "public.users", "postgres.public.users"
SOURCE = {"table.include.list": "public.products,public.users", "slot.name": "debezium_slot"}
SINK = {
    "errors.deadletterqueue.topic.name": "s3-sink-dlq",
    "iceberg.control.topic": "control-iceberg",
}


class World:
    """The pipeline: how far each part is."""

    def __init__(self) -> None:
        self.connectors: dict[str, Mapping[str, str]] = {"source": SOURCE, "sink": SINK}
        self.confirmed = 100
        self.statements: list[str] = []
        self.behind: set[str] = set()
        """consumer groups"""
        self.asked: list[str] = []
        self.error: Exception | None = None

    @contextmanager
    def connect(self) -> Iterator[Any]:
        yield self

    def execute(self, statement: str, _parameters: object = None) -> "World":
        self.statements.append(statement)
        return self

    def fetchone(self) -> dict[str, int]:
        return {"confirmed": self.confirmed}

    def config(self, name: str) -> Mapping[str, str]:
        return self.connectors[name]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()

    class Group:
        def __init__(self, _kafka: object, group: str) -> None:
            self.group = group

        def __enter__(self) -> "Group":
            if world.error is not None:
                raise world.error
            return self

        def __exit__(self, *_: object) -> None: ...

        def ends(self, topics: list[str]) -> dict[str, int]:
            world.asked += topics
            return {topics[0]: 7}

        def reached(self, ends: Mapping[str, int]) -> bool:
            assert ends == {TOPIC if self.group == "connect-sink" else "control-iceberg": 7}
            return self.group not in world.behind

    monkeypatch.setattr(pipeline_position, "GroupReader", Group)
    monkeypatch.setattr(pipeline_position, "connect_client", lambda _: world)
    return world


@pytest.fixture
def position(world: World) -> PipelinePosition:
    given = outputs_with(connectors=["source"]) | {"connectors": list(world.connectors)}
    return PipelinePosition(parse_outputs("sandbox", given), world.connect)


def test_each_part_must_be_beyond_it(world: World, position: PipelinePosition) -> None:
    world.confirmed, world.behind = 99, {"connect-sink", "connect-sink-coord"}
    assert not position.passed(TABLE, 100)
    assert position.describe() == "the slot debezium_slot is 1 bytes of WAL behind"
    assert world.asked == []
    world.confirmed = 100
    assert not position.passed(TABLE, 100)
    assert position.describe() == "sink has not written every record of the topic yet"
    world.behind = {"connect-sink-coord"}
    assert not position.passed(TABLE, 100)
    assert position.describe() == "sink has not committed what it has written yet"
    world.behind = set()
    assert position.passed(TABLE, 100)
    assert world.asked == [TOPIC, "control-iceberg"]


def test_another_position_begins_from_the_start(world: World, position: PipelinePosition) -> None:
    assert position.passed(TABLE, 100)
    assert not position.passed(TABLE, 101)


def test_a_sink_of_files_has_no_commits(world: World, position: PipelinePosition) -> None:
    files = {name: value for name, value in SINK.items() if "iceberg" not in name}
    world.connectors["sink"], world.behind = files, {"connect-sink-coord"}
    assert position.passed(TABLE, 100)
    assert world.asked == [TOPIC]


def test_a_quiet_database_gets_one_message(
    world: World, position: PipelinePosition, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.confirmed = 99
    assert not position.passed(TABLE, 100)
    assert MESSAGE not in world.statements
    monkeypatch.setattr(pipeline_position, "QUIET_SECONDS", 0.0)
    for _ in range(3):
        assert not position.passed(TABLE, 100)
    assert world.statements.count(MESSAGE) == 1


def test_a_missing_slot_is_named(world: World, position: PipelinePosition) -> None:
    world.confirmed = -1
    assert not position.passed(TABLE, 100)
    assert position.describe() == "the replication slot debezium_slot does not exist"


@pytest.mark.parametrize(
    ("without", "message"),
    [("source", "no source connector has the table"), ("sink", "no sink connector has the table")],
)
def test_a_missing_connector_is_named(
    world: World, position: PipelinePosition, without: str, message: str
) -> None:
    world.connectors[without] = {}
    with pytest.raises(NotReachedError, match=message):
        position.passed(TABLE, 100)


def test_another_database_with_a_table_of_the_same_name_is_not_asked(world: World) -> None:
    shop = {"table.include.list": "public.users,sales.orders", "slot.name": "datapipe_shop"}
    world.connectors["shop"] = shop
    sources = {
        "postgres": {**MANAGED, "connectors": ["source"]},
        "shop": {**SHOP, "connectors": ["shop"]},
    }
    given = {**OUTPUTS, "sources": sources, "connectors": ["source", "shop", "sink"]}
    outputs = parse_outputs("sandbox", given)
    world.confirmed = -1
    for own, slot in (("postgres", "debezium_slot"), ("shop", "datapipe_shop")):
        position = PipelinePosition(outputs.of(own), world.connect)
        assert not position.passed(TABLE, 100)
        assert position.describe() == f"the replication slot {slot} does not exist"
    del world.connectors["shop"]
    assert not PipelinePosition(outputs.of("postgres"), world.connect).passed(TABLE, 100)


def test_brokers_that_do_not_answer_prove_nothing(world: World, position: PipelinePosition) -> None:
    world.error = KafkaException(KafkaError(KafkaError._TIMED_OUT, "no answer"))
    with pytest.raises(NotReachedError, match="how far the archive is can't be found out"):
        position.passed(TABLE, 100)
