"""What lies in the dead letter topics: each record with where it came from and why it is there."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

ERRORS = "__connect.errors."
"""Begins the names of the headers in which Kafka Connect tells what happened."""
READ_SECONDS = 15
POLL_SECONDS = 0.5
"""consume() waits so long for a batch to be full"""

Header = tuple[str, bytes | None]


@dataclass(frozen=True)
class Place:
    """A record's place in a topic; written topic/partition/offset."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    @classmethod
    def parse(cls, text: str) -> "Place":
        """Raises ValueError where the text is no topic/partition/offset."""
        parts = text.rsplit("/", 2)
        if len(parts) != 3 or not (parts[1].isdigit() and parts[2].isdigit()):
            raise ValueError(f"{text!r} is no place; write topic/partition/offset as list shows it")
        return cls(parts[0], int(parts[1]), int(parts[2]))


@dataclass(frozen=True)
class Letter:
    """A dead letter: the record as it was, and Connect's account of it."""

    place: Place
    timestamp: int
    """of the record, ms; Connect keeps it"""
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]
    """the record's own, without Connect's"""
    errors: dict[str, str]
    """Connect's headers, by the name behind ERRORS"""

    @property
    def time(self) -> datetime:
        """When the record was written to its own topic."""
        return datetime.fromtimestamp(self.timestamp / 1000, UTC)

    @property
    def origin(self) -> Place | None:
        """Where the record was read from; None where no header tells (…context.headers.enable)."""
        try:
            return Place(
                self.errors["topic"], int(self.errors["partition"]), int(self.errors["offset"])
            )
        except KeyError:
            return None

    @property
    def exception(self) -> str:
        """The class of the exception, without its package."""
        return self.errors.get("exception.class.name", "").rsplit(".", 1)[-1]

    @property
    def message(self) -> str:
        """What the exception says, in one line."""
        return " ".join(self.errors.get("exception.message", "").split())


class LetterReader:
    """Reads dead letter topics, on behalf of the group that remembers what was dealt with."""

    def __init__(self, bootstrap_servers: str, group: str) -> None:
        self.consumer = Consumer(
            {
                "bootstrap.servers": bootstrap_servers,
                "group.id": group,
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
                "auto.offset.reset": "earliest",
                "log_level": 0,  # errors reach us as exceptions
            }
        )

    def __enter__(self) -> "LetterReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.consumer.close()

    def partitions(self, topics: Iterable[str]) -> list[TopicPartition]:
        """Those of the topics that exist. Raises KafkaException where no broker answers."""
        known = self.consumer.list_topics(timeout=READ_SECONDS).topics
        return [
            TopicPartition(topic, number)
            for topic in topics
            if topic in known
            for number in sorted(known[topic].partitions)
        ]

    def dealt_with(self, partitions: list[TopicPartition]) -> dict[tuple[str, int], int]:
        """The offset in each partition before which every letter was replayed or dismissed."""
        committed = self.consumer.committed(partitions, timeout=READ_SECONDS)
        return {(each.topic, each.partition): max(0, each.offset) for each in committed}

    def read(self, partitions: list[TopicPartition]) -> Iterator[Letter]:
        """The letters from the partitions' offsets to their ends as they are now.

        Raises KafkaException where a broker does not answer in time.
        """
        unfinished = {(each.topic, each.partition) for each in partitions}
        self.consumer.assign(partitions)
        heard = monotonic()
        while unfinished:
            messages = self.consumer.consume(num_messages=500, timeout=POLL_SECONDS)
            if messages:
                heard = monotonic()
            elif monotonic() > heard + READ_SECONDS:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "no answer with records"))
            for message in messages:
                error = message.error()
                if error is None:
                    yield read_letter(message)
                elif error.code() == KafkaError._PARTITION_EOF:
                    unfinished.discard((message.topic(), message.partition()))
                else:
                    raise KafkaException(error)


def read_letter(message: Message) -> Letter:
    """The dead letter that a message is."""
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    if topic is None or partition is None or offset is None:
        raise KafkaException(message.error())
    headers = _headers(message)
    return Letter(
        place=Place(topic, partition, offset),
        timestamp=message.timestamp()[1],
        key=message.key(),
        value=message.value(),
        headers=tuple(header for header in headers if not header[0].startswith(ERRORS)),
        errors={
            name.removeprefix(ERRORS): (text or b"").decode(errors="replace")
            for name, text in headers
            if name.startswith(ERRORS)
        },
    )


def _headers(message: Message) -> list[Header]:
    """In their order; the client may give texts instead of bytes, or a mapping."""
    given = message.headers() or []
    pairs = given.items() if isinstance(given, dict) else given
    return [(name, text.encode() if isinstance(text, str) else text) for name, text in pairs]
