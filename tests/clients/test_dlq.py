"""Dead letters are read, shown and sent back, against librdkafka's mock cluster.

The mock does not store the offsets of transactions; tests/e2e shows that nothing is sent twice.
"""

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from confluent_kafka import KafkaException, Producer, TopicPartition

from clients.dlq import commands
from clients.dlq.dead_letters import DeadLetter, DeadLetterReader, RecordPosition
from clients.dlq.render import SHOWN_CHARACTERS, letters_table, readable
from clients.dlq.replay import GROUP, Replayed, ReplayError, dismiss, pending, replay
from clients.stack import StackError, StackOutputs, parse_outputs
from tests.clients.stack_outputs import OUTPUTS, TWO_SOURCES

DLQ, USERS = "s3-sink-dlq", "postgres.public.users"
SHOPS_USERS = "shop.public.users"
TOPICS = (DLQ,)
KEY = b'{"payload": {"id": 7}}'
COLUMNS = ("__source_lsn", "__op", "id")


class ArchiveOf:
    """An archive with these changes of users, as (LSN, operation, id)."""

    def __init__(self, *changes: tuple[int, str, int | None]) -> None:
        self.rows: list[dict[str, Any]] = [
            dict(zip(COLUMNS, change, strict=True)) for change in changes
        ]

    def changes(self, table: str, since_lsn: int = 0, columns: Any = None) -> pa.Table:
        assert (table, columns) == ("public.users", COLUMNS)
        found = [row for row in self.rows if row["__source_lsn"] >= since_lsn]
        return pa.Table.from_pylist(found, pa.schema(dict(zip(COLUMNS, TYPES, strict=True))))

    def location(self, table: str) -> str:
        return table


TYPES = (pa.int64(), pa.string(), pa.int64())
EMPTY = ArchiveOf()


def change(lsn: int) -> bytes:
    """Return the record of an inserted row."""
    return json.dumps({"payload": {"id": 7, "__op": "c", "__source_lsn": lsn}}).encode()


def outputs(bootstrap_servers: str) -> StackOutputs:
    """Return the outputs of a stack with these brokers."""
    return parse_outputs("sandbox", {**OUTPUTS, "bootstrapServers": bootstrap_servers})


def no_progress(_count: int) -> None:
    """Discard it."""


Headers = list[tuple[str, str | bytes | None]]


@pytest.fixture
def brokers() -> Iterator[str]:
    """The address of a cluster in this process."""
    cluster = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "mock"})
    (broker,) = cluster.list_topics(timeout=10).brokers.values()
    address = f"{broker.host}:{broker.port}"
    for topic in (DLQ, USERS, SHOPS_USERS):
        cluster.produce(topic, b"", partition=0)  # creates the topic
    cluster.flush(10)
    dismiss(outputs(address).kafka, TOPICS)
    with DeadLetterReader(outputs(address).kafka, "connect-sink") as sink:
        passed = [TopicPartition(topic, 2, 100) for topic in (USERS, SHOPS_USERS)]
        sink.consumer.commit(offsets=passed, asynchronous=False)
    yield address
    del cluster


def bury(
    brokers: str,
    value: bytes,
    headers: Headers | None = None,
    offset: int = 41,
    *,
    key: bytes | None = KEY,
    topic: str = USERS,
) -> None:
    """Write a dead letter as Kafka Connect does."""
    reason: Headers = [
        ("trace", b"abc"),
        ("__connect.errors.topic", topic),
        ("__connect.errors.partition", "2"),
        ("__connect.errors.offset", str(offset)),
        ("__connect.errors.connector.name", "sink"),
        ("__connect.errors.exception.class.name", "org.apache.DataException"),
        ("__connect.errors.exception.message", "not\n  JSON"),
    ]
    producer = Producer({"bootstrap.servers": brokers})
    headers = reason if headers is None else headers
    producer.produce(DLQ, value, key, 0, timestamp=1_700_000_000_000, headers=headers)
    assert producer.flush(10) == 0


def letters(brokers: str) -> list[DeadLetter]:
    """Return the pending dead letters."""
    with DeadLetterReader(outputs(brokers).kafka, GROUP) as reader:
        return list(reader.read(pending(reader, TOPICS)))


def sent_back(
    brokers: str, topic: str = USERS
) -> list[tuple[int, bytes | None, bytes | None, Headers]]:
    """Return the records in a topic: partition, key, value, headers."""
    found: list[tuple[int, bytes | None, bytes | None, Headers]] = []
    with DeadLetterReader(outputs(brokers).kafka, "test") as reader:
        for letter in reader.read([TopicPartition(topic, 2, 0)]):
            assert letter.timestamp == 1_700_000_000_000
            found.append(
                (letter.position.partition, letter.key, letter.value, list(letter.headers))
            )
    return found


def test_a_dead_letter_names_its_origin_and_the_reason(brokers: str) -> None:
    bury(brokers, b"\x00value")
    (letter,) = letters(brokers)
    assert letter.origin == RecordPosition(USERS, 2, 41)
    assert (letter.key, letter.value, letter.headers) == (
        KEY,
        b"\x00value",
        (("trace", b"abc"),),
    )
    assert (letter.exception, letter.message) == ("DataException", "not JSON")
    assert letter.time.isoformat() == "2023-11-14T22:13:20+00:00"
    assert letters_table([letter]).row_count == 1


def test_a_replay_sends_each_record_unchanged(brokers: str) -> None:
    for number in range(3):
        bury(brokers, b"%d" % number, offset=number)
    progress: list[int] = []
    assert replay(outputs(brokers), {"postgres": EMPTY}, TOPICS, progress.append) == Replayed(
        sent=3, archived=0
    )
    assert progress == [3]
    assert sent_back(brokers) == [
        (2, KEY, b"%d" % number, [("trace", b"abc")]) for number in range(3)
    ]


def test_a_change_that_the_archive_has_is_not_sent_again(brokers: str) -> None:
    for lsn in (10, 20, 30):
        bury(brokers, change(lsn), offset=lsn)
    archive = ArchiveOf((10, "c", 7), (20, "c", 8), (30, "u", 7))
    assert replay(outputs(brokers), {"postgres": archive}, TOPICS, no_progress) == Replayed(
        sent=2, archived=1
    )
    assert [value for _, _, value, _ in sent_back(brokers)] == [change(20), change(30)]


def test_a_truncate_that_the_archive_has_is_not_sent_again(brokers: str) -> None:
    """It has no key, unlike the other changes of its table."""
    for lsn in (10, 20):
        truncate = {"id": None, "__op": "t", "__source_lsn": lsn}
        bury(brokers, json.dumps({"payload": truncate}).encode(), offset=lsn, key=None)
    bury(brokers, change(30), offset=30)
    archive = ArchiveOf((10, "t", None), (30, "c", 7))
    assert replay(outputs(brokers), {"postgres": archive}, TOPICS, no_progress) == Replayed(
        sent=1, archived=2
    )


def test_the_topics_prefix_chooses_the_archive(brokers: str) -> None:
    """Two databases can have the same change of the same key at the same position."""
    bury(brokers, change(10), offset=10)
    bury(brokers, change(10), offset=10, topic=SHOPS_USERS)
    archives = {"postgres": EMPTY, "shop": ArchiveOf((10, "c", 7))}
    assert replay(outputs(brokers), archives, TOPICS, no_progress) == Replayed(sent=1, archived=1)
    assert [value for _, _, value, _ in sent_back(brokers)] == [change(10)]
    assert sent_back(brokers, SHOPS_USERS) == []


def test_each_record_returns_to_the_topic_of_its_database(brokers: str) -> None:
    bury(brokers, change(10), offset=10)
    bury(brokers, change(10), offset=10, topic=SHOPS_USERS)
    archives = {"postgres": ArchiveOf((10, "c", 7)), "shop": EMPTY}
    assert replay(outputs(brokers), archives, TOPICS, no_progress) == Replayed(sent=1, archived=1)
    assert sent_back(brokers) == []
    assert [value for _, _, value, _ in sent_back(brokers, SHOPS_USERS)] == [change(10)]


def test_a_dead_letter_of_a_database_that_is_not_captured_any_more_stays(brokers: str) -> None:
    bury(brokers, change(10), offset=10)
    bury(brokers, change(20), offset=20, topic=SHOPS_USERS)
    message = r"is of the topic shop\.public\.users, but the stack captures postgres only"
    with pytest.raises(ReplayError, match=message):
        replay(outputs(brokers), {"postgres": EMPTY}, TOPICS, no_progress)
    assert sent_back(brokers) == []
    assert len(letters(brokers)) == 2


def test_dead_letters_of_one_database_are_listed(
    brokers: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bury(brokers, change(10), offset=10)
    bury(brokers, change(20), offset=20, topic=SHOPS_USERS)
    bury(brokers, b"whose?", headers=[])
    two = parse_outputs("sandbox", {**TWO_SOURCES, "bootstrapServers": brokers})
    monkeypatch.setattr(commands, "read_outputs", lambda _: two)
    for source, count in ((None, 3), ("shop", 1), ("postgres", 1)):
        commands.list_letters("sandbox", None, include_done=False, limit=50, source=source)
        assert capsys.readouterr().out.endswith(f"{count} dead letters pending\n")
    with pytest.raises(StackError, match="no database 'store'"):
        commands.list_letters("sandbox", None, include_done=False, limit=50, source="store")


def test_a_record_that_was_refused_twice_is_sent_once(brokers: str) -> None:
    for _ in range(2):
        bury(brokers, b"garbage")
    assert replay(outputs(brokers), {"postgres": EMPTY}, TOPICS, no_progress) == Replayed(
        sent=1, archived=1
    )
    assert len(sent_back(brokers)) == 1


def test_a_record_that_the_sink_will_read_again_is_not_sent(brokers: str) -> None:
    bury(brokers, b"behind the sink's position", offset=99)
    bury(brokers, b"not passed", offset=100)
    with pytest.raises(ReplayError, match="1 dead letters, such as s3-sink-dlq/0/"):
        replay(outputs(brokers), {"postgres": EMPTY}, TOPICS, no_progress)
    assert sent_back(brokers) == []
    assert len(letters(brokers)) == 2


def test_a_letter_without_an_origin_is_not_lost(brokers: str) -> None:
    bury(brokers, b"whose?", headers=[])
    with pytest.raises(ReplayError, match=r"s3-sink-dlq/0/\d+ has no headers that name its origin"):
        replay(outputs(brokers), {"postgres": EMPTY}, TOPICS, no_progress)
    assert [letter.value for letter in letters(brokers)] == [b"whose?"]


def test_a_dismissed_dead_letter_is_not_sent_back(brokers: str) -> None:
    bury(brokers, b"garbage")
    assert dismiss(outputs(brokers).kafka, TOPICS) == 1
    assert letters(brokers) == []
    assert sent_back(brokers) == []


def test_a_topic_that_does_not_exist_holds_nothing(brokers: str) -> None:
    with DeadLetterReader(outputs(brokers).kafka, GROUP) as reader:
        assert reader.partitions(["no-such-topic-here"]) == []


def test_unreachable_brokers_are_an_error() -> None:
    with (
        DeadLetterReader(outputs("127.0.0.1:1").kafka, GROUP) as reader,
        pytest.raises(KafkaException),
    ):
        reader.consumer.list_topics(timeout=1)


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        (None, "null"),
        (b'{"a":\n 1}', '{"a": 1}'),
        (b"text\x07", r"text\u0007"),
        (b"\xff\x00", "ff 00"),
        (b"a" * 5000, f"{'a' * SHOWN_CHARACTERS}… (5000 bytes in total)"),
    ],
)
def test_keys_and_values_are_readable(part: bytes | None, shown: str) -> None:
    assert readable(part) == shown


@pytest.mark.parametrize("text", ["s3-sink-dlq", "s3-sink-dlq/0", "s3-sink-dlq/a/1", "t/0/-1"])
def test_a_position_is_written_in_full(text: str) -> None:
    with pytest.raises(ValueError, match="topic/partition/offset"):
        RecordPosition.parse(text)


def test_a_position_is_parsed_as_it_is_shown() -> None:
    assert RecordPosition.parse(str(RecordPosition(DLQ, 2, 17))) == RecordPosition(DLQ, 2, 17)
