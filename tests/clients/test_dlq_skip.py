"""Records that stop the sink: its temporary configuration, and what it has yet to archive.

tests/e2e/test_dead_letters.py shows that the record becomes a dead letter and the sink continues.
"""

from collections.abc import Iterator

import pytest
from confluent_kafka import Producer, TopicPartition

from clients.dlq.dead_letters import DeadLetterReader, RecordPosition
from clients.dlq.skip import SkipError, StuckRecords, refusing, without_refusal

USERS, LETTERS = "postgres.public.users", "s3-sink-dlq"
ORIGINAL = {"connector.class": "X", "transforms": "a,b", "transforms.a.type": "A"}
POSITIONS = [RecordPosition(USERS, 0, 3), RecordPosition(USERS, 0, 5)]


@pytest.fixture
def brokers() -> Iterator[str]:
    """A cluster in this process whose users topic has ten records."""
    cluster = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "mock"})
    (broker,) = cluster.list_topics(timeout=10).brokers.values()
    for number in range(10):
        cluster.produce(USERS, b"%d" % number, partition=0)
    cluster.flush(10)
    yield f"{broker.host}:{broker.port}"
    del cluster


def commit(brokers: str, offset: int) -> None:
    """Commit the offset as the sink."""
    with DeadLetterReader({"bootstrap.servers": brokers}, "connect-sink") as sink:
        sink.consumer.commit(offsets=[TopicPartition(USERS, 0, offset)], asynchronous=False)


def bury(brokers: str, position: RecordPosition) -> None:
    """Write a dead letter of the record."""
    producer = Producer({"bootstrap.servers": brokers})
    producer.produce(
        LETTERS,
        b"",
        headers=[
            ("__connect.errors.topic", position.topic),
            ("__connect.errors.partition", str(position.partition)),
            ("__connect.errors.offset", str(position.offset)),
        ],
    )
    assert producer.flush(10) == 0


def test_the_transform_is_first_and_is_removed_completely() -> None:
    config = refusing(ORIGINAL, POSITIONS)
    assert config["transforms"] == "refuseRecords,a,b"
    assert config["transforms.refuseRecords.places"] == f"{USERS}/0/3,{USERS}/0/5"
    assert refusing(config, POSITIONS) == config
    assert without_refusal(config) == without_refusal(ORIGINAL) == ORIGINAL


def test_a_sink_without_transforms_has_none_afterwards() -> None:
    bare = {"connector.class": "X"}
    assert without_refusal(refusing(bare, POSITIONS)) == bare


@pytest.mark.parametrize(
    ("committed", "next_offset"),
    [(2, None), (3, None), (4, None), (5, 6), (8, 8)],
    ids=["before both", "a record between", "the record between", "at the last", "passed"],
)
def test_the_sink_continues_after_the_last_once_nothing_else_is_left(
    brokers: str, committed: int, next_offset: int | None
) -> None:
    commit(brokers, committed)
    found = StuckRecords({"bootstrap.servers": brokers}, "sink", POSITIONS).next_offsets()
    assert found == (None if next_offset is None else {(USERS, 0): next_offset})


def test_adjacent_records_are_skipped_together(brokers: str) -> None:
    commit(brokers, 3)
    both = StuckRecords(
        {"bootstrap.servers": brokers},
        "sink",
        [RecordPosition(USERS, 0, 4), RecordPosition(USERS, 0, 3)],
    )
    assert both.next_offsets() == {(USERS, 0): 5}


def test_each_record_must_have_a_dead_letter(brokers: str) -> None:
    stuck = StuckRecords({"bootstrap.servers": brokers}, "sink", POSITIONS)
    for position, refused in zip(POSITIONS, (False, True), strict=True):
        bury(brokers, position)
        assert stuck.refused(LETTERS) is refused


@pytest.mark.parametrize(
    ("position", "message"),
    [
        (RecordPosition(USERS, 0, 1), "has already passed"),
        (RecordPosition(USERS, 0, 10), "there is no record"),
    ],
)
def test_a_record_must_exist_and_be_ahead_of_the_sink(
    brokers: str, position: RecordPosition, message: str
) -> None:
    commit(brokers, 2)
    StuckRecords(
        {"bootstrap.servers": brokers}, "sink", [RecordPosition(USERS, 0, 2)]
    ).require_ahead()
    with pytest.raises(SkipError, match=f"{message}.*{position}"):
        StuckRecords({"bootstrap.servers": brokers}, "sink", [position]).require_ahead()
