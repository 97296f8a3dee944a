"""The records that a sink has not read are counted, for however many topics within a bound."""

import time
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from components.streaming import unread
from components.streaming.unread import unread_records
from tests.kafka_connect.connect_processes import ConnectProcesses, running

pytestmark = [pytest.mark.jdk, pytest.mark.images]

GROUP = "connect-s3-sink-connector"
TOPICS = [f"postgres.public.t{number}" for number in range(60)]
READ, LARGE, GONE = "postgres.public.read", "postgres.public.large", "postgres.public.gone"
# With a second for each topic they took a minute.
QUICK_SECONDS = 40


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectProcesses]:
    """A broker with topics of 0 to 4 records, each ended by a transaction's marker."""
    folder = tmp_path_factory.mktemp("kafka")
    with running(folder, folder) as processes:
        processes.make_topics(*TOPICS, READ, LARGE)
        producer = Producer(
            {"bootstrap.servers": processes.bootstrap, "transactional.id": "t", "log_level": 0}
        )
        producer.init_transactions(60)
        producer.begin_transaction()
        for number, topic in enumerate(TOPICS):
            for _ in range(number % 5):
                producer.produce(topic, b"row")
        for _ in range(7):
            producer.produce(READ, b"row")
        for _ in range(200):
            producer.produce(LARGE, b"row")
        producer.commit_transaction(60)
        reader = Consumer({"bootstrap.servers": processes.bootstrap, "group.id": GROUP})
        reader.commit(offsets=[TopicPartition(READ, 0, 6)], asynchronous=False)
        reader.close()
        yield processes


def count(broker: ConnectProcesses, *topics: str) -> list[str]:
    found = unread_records({"bootstrap.servers": broker.bootstrap}, GROUP, topics)
    assert list(found) == list(topics)
    return list(found.values())


def test_records_are_counted_and_markers_of_transactions_are_not(broker: ConnectProcesses) -> None:
    assert count(broker, *TOPICS[:3], READ, GONE) == [
        *("0 records", "1 record", "2 records"),
        *("1 record", "0 records"),
    ]


def test_a_large_topic_is_not_read_to_its_end(
    broker: ConnectProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread, "COUNTED", 100)
    assert count(broker, TOPICS[3], LARGE) == ["3 records", "at least 100 records"]


def test_many_topics_do_not_take_a_second_each(broker: ConnectProcesses) -> None:
    began = time.monotonic()
    words = count(broker, *TOPICS)
    assert words[:5] == ["0 records", "1 record", "2 records", "3 records", "4 records"]
    assert words == words[:5] * 12
    assert time.monotonic() - began < QUICK_SECONDS


def test_what_is_not_counted_in_time_is_said(
    broker: ConnectProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread, "COUNT_SECONDS", 0)
    assert count(broker, TOPICS[1]) == ["an unknown number of records"]


def test_brokers_that_do_not_answer_keep_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unread, "REQUEST_SECONDS", 0.5)
    began = time.monotonic()
    found = unread_records({"bootstrap.servers": "127.0.0.1:9"}, GROUP, TOPICS)
    assert set(found) == set(TOPICS)
    assert all(
        words.startswith("an unknown number of records (Kafka: ") for words in found.values()
    )
    assert time.monotonic() - began < QUICK_SECONDS
