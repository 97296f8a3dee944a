"""Reads dead letter topics: each record, where it came from and why a sink refused it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

# Prefix of the headers that Kafka Connect adds to a dead letter.
ERROR_HEADERS = "__connect.errors."
READ_SECONDS = 15
# The longest time that one call of consume() waits for a full batch.
POLL_SECONDS = 0.5

Header = tuple[str, bytes | None]
Partition = tuple[str, int]


@dataclass(frozen=True)
class RecordPosition:
    """The position of a record, written topic/partition/offset."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    @classmethod
    def parse(cls, text: str) -> "RecordPosition":
        """Return the position that a text names.

        Raises ValueError if the text is not topic/partition/offset.
        """
        parts = text.rsplit("/", 2)
        if len(parts) != 3 or not (parts[1].isdigit() and parts[2].isdigit()):
            raise ValueError(
                f"{text!r} is not a valid position; write topic/partition/offset, as in"
                " s3-sink-dlq/0/17"
            )
        return cls(parts[0], int(parts[1]), int(parts[2]))

    @property
    def topic_partition(self) -> Partition:
        return self.topic, self.partition


@dataclass(frozen=True)
class DeadLetter:
    """A record that a sink refused, and the reason that Connect added to it."""

    position: RecordPosition
    # The record's own, which Connect keeps; milliseconds since 1970.
    timestamp: int
    key: bytes | None
    value: bytes | None
    # The record's own, without Connect's.
    headers: tuple[Header, ...]
    # Connect's headers by name, without the prefix.
    errors: dict[str, str]

    @property
    def time(self) -> datetime:
        """When the record was written to its own topic."""
        return datetime.fromtimestamp(self.timestamp / 1000, UTC)

    @property
    def origin(self) -> RecordPosition | None:
        """Where the sink read the record; None if it writes no headers (context.headers.enable)."""
        try:
            return RecordPosition(
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
        """The message of the exception, on one line."""
        return " ".join(self.errors.get("exception.message", "").split())


class DeadLetterReader:
    """Reads topics, and the offsets that a consumer group has committed in them."""

    def __init__(self, kafka: Mapping[str, str], group: str) -> None:
        self.consumer = Consumer(
            {
                **kafka,
                "group.id": group,
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
                "auto.offset.reset": "earliest",
                "log_level": 0,  # errors reach us as exceptions
            }
        )

    def __enter__(self) -> "DeadLetterReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.consumer.close()

    def partitions(self, topics: Iterable[str]) -> list[TopicPartition]:
        """Return the partitions of those topics that exist.

        Raises KafkaException if no broker answers.
        """
        known = self.consumer.list_topics(timeout=READ_SECONDS).topics
        return [
            TopicPartition(topic, number)
            for topic in topics
            if topic in known
            for number in sorted(known[topic].partitions)
        ]

    def committed_offsets(self, partitions: list[TopicPartition]) -> dict[Partition, int]:
        """Return the group's offset in each partition; 0 where it has committed none."""
        committed = self.consumer.committed(partitions, timeout=READ_SECONDS)
        return {(each.topic, each.partition): max(0, each.offset) for each in committed}

    def read(self, partitions: list[TopicPartition]) -> Iterator[DeadLetter]:
        """Yield the records from the given offsets to the present end of each partition.

        Raises KafkaException if a broker does not answer in time.
        """
        unfinished = {(each.topic, each.partition) for each in partitions}
        self.consumer.assign(partitions)
        last_answer = monotonic()
        while unfinished:
            messages = self.consumer.consume(num_messages=500, timeout=POLL_SECONDS)
            if messages:
                last_answer = monotonic()
            elif monotonic() > last_answer + READ_SECONDS:
                raise KafkaException(
                    KafkaError(
                        KafkaError._TIMED_OUT, f"the brokers sent no record for {READ_SECONDS} s"
                    )
                )
            for message in messages:
                error = message.error()
                if error is None:
                    yield read_dead_letter(message)
                elif error.code() == KafkaError._PARTITION_EOF:
                    unfinished.discard((message.topic(), message.partition()))
                else:
                    raise KafkaException(error)


def read_dead_letter(message: Message) -> DeadLetter:
    """Return the dead letter that a message contains."""
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    if topic is None or partition is None or offset is None:
        raise KafkaException(message.error())
    headers = _headers(message)
    return DeadLetter(
        position=RecordPosition(topic, partition, offset),
        timestamp=message.timestamp()[1],
        key=message.key(),
        value=message.value(),
        headers=tuple(header for header in headers if not header[0].startswith(ERROR_HEADERS)),
        errors={
            name.removeprefix(ERROR_HEADERS): (text or b"").decode(errors="replace")
            for name, text in headers
            if name.startswith(ERROR_HEADERS)
        },
    )


def _headers(message: Message) -> list[Header]:
    """Return the headers in order; the client may give text instead of bytes, or a mapping."""
    given = message.headers() or []
    pairs = given.items() if isinstance(given, dict) else given
    return [(name, text.encode() if isinstance(text, str) else text) for name, text in pairs]
