"""Records that stop the sink: its configuration meanwhile, and what it has still to archive.

That the record gets its letter and the sink goes on is shown by tests/e2e/test_dead_letters.py.
"""

from collections.abc import Iterator

import pytest
from confluent_kafka import Producer, TopicPartition

from clients.dlq.letters import LetterReader, Place
from clients.dlq.skip import SkipError, StuckRecords, refusing, without_refusal

USERS, LETTERS = "postgres.public.users", "s3-sink-dlq"
SOUND = {"connector.class": "X", "transforms": "a,b", "transforms.a.type": "A"}
PLACES = [Place(USERS, 0, 3), Place(USERS, 0, 5)]


@pytest.fixture
def brokers() -> Iterator[str]:
    """A cluster of this process whose users topic has ten records."""
    cluster = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "mock"})
    (broker,) = cluster.list_topics(timeout=10).brokers.values()
    for number in range(10):
        cluster.produce(USERS, b"%d" % number, partition=0)
    cluster.flush(10)
    yield f"{broker.host}:{broker.port}"
    del cluster


def commit(brokers: str, offset: int) -> None:
    """Have the sink be there."""
    with LetterReader(brokers, "connect-sink") as sink:
        sink.consumer.commit(offsets=[TopicPartition(USERS, 0, offset)], asynchronous=False)


def bury(brokers: str, place: Place) -> None:
    """Write the record's dead letter."""
    producer = Producer({"bootstrap.servers": brokers})
    producer.produce(
        LETTERS,
        b"",
        headers=[
            ("__connect.errors.topic", place.topic),
            ("__connect.errors.partition", str(place.partition)),
            ("__connect.errors.offset", str(place.offset)),
        ],
    )
    assert producer.flush(10) == 0


def test_the_transform_is_the_first_and_goes_without_a_trace() -> None:
    config = refusing(SOUND, PLACES)
    assert config["transforms"] == "refuseRecords,a,b"
    assert config["transforms.refuseRecords.places"] == f"{USERS}/0/3,{USERS}/0/5"
    assert refusing(config, PLACES) == config
    assert without_refusal(config) == without_refusal(SOUND) == SOUND


def test_a_sink_without_transforms_has_none_afterwards() -> None:
    bare = {"connector.class": "X"}
    assert without_refusal(refusing(bare, PLACES)) == bare


@pytest.mark.parametrize(
    ("position", "behind"),
    [(2, None), (3, None), (4, None), (5, 6), (8, 8)],
    ids=["before both", "a record between", "the record between", "at the last", "passed"],
)
def test_the_sink_goes_on_behind_the_last_when_nothing_else_is_left(
    brokers: str, position: int, behind: int | None
) -> None:
    commit(brokers, position)
    found = StuckRecords(brokers, "sink", PLACES).behind()
    assert found == (None if behind is None else {(USERS, 0): behind})


def test_records_beside_each_other_are_skipped_together(brokers: str) -> None:
    commit(brokers, 3)
    both = StuckRecords(brokers, "sink", [Place(USERS, 0, 4), Place(USERS, 0, 3)])
    assert both.behind() == {(USERS, 0): 5}


def test_all_of_them_must_have_a_letter(brokers: str) -> None:
    stuck = StuckRecords(brokers, "sink", PLACES)
    for place, refused in zip(PLACES, (False, True), strict=True):
        bury(brokers, place)
        assert stuck.refused(LETTERS) is refused


@pytest.mark.parametrize(
    ("place", "told"),
    [(Place(USERS, 0, 1), "has passed"), (Place(USERS, 0, 10), "there is no record")],
)
def test_a_record_must_be_there_and_ahead(brokers: str, place: Place, told: str) -> None:
    commit(brokers, 2)
    StuckRecords(brokers, "sink", [Place(USERS, 0, 2)]).require_ahead()
    with pytest.raises(SkipError, match=f"{told}.*{place}"):
        StuckRecords(brokers, "sink", [place]).require_ahead()
