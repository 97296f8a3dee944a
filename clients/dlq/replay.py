"""Sends dead letters back to the topics that they came from, each exactly once.

A consumer group stores which dead letters are done. Each batch is one Kafka transaction of the
records and the group's offsets, so a replay that is killed and run again repeats nothing, and a
second replay at the same time fences off the first. A record that the sink refuses again becomes a
new dead letter after the existing ones; one replay reads no dead letter twice.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from confluent_kafka import Producer, TopicPartition

from clients.archive import Archive
from clients.dlq.dead_letters import READ_SECONDS, DeadLetter, DeadLetterReader, RecordPosition
from clients.dlq.sink import archived, change_of, not_passed, source_of
from clients.stack import StackOutputs

# The consumer group, and the transactional id.
GROUP = "datapipe-dlq-replay"
# Bytes; the most that librdkafka allows.
LARGEST_MESSAGE = 1_000_000_000
# Dead letters of one transaction.
BATCH = 500


@dataclass(frozen=True)
class Replayed:
    """How many of the pending dead letters were sent, and how many did not need to be."""

    sent: int
    # The change is in the archive, or a later dead letter holds the same record.
    archived: int


class ReplayError(RuntimeError):
    """A dead letter can't be sent back; the message says what to do."""


def pending(reader: DeadLetterReader, topics: tuple[str, ...]) -> list[TopicPartition]:
    """Return the partitions of dead letter topics, each from the first offset that is not done."""
    partitions = reader.partitions(topics)
    done = reader.committed_offsets(partitions)
    return [
        TopicPartition(each.topic, each.partition, done[each.topic, each.partition])
        for each in partitions
    ]


def replay(
    outputs: StackOutputs,
    archives: Mapping[str, Archive],
    topics: tuple[str, ...],
    progress: Callable[[int], None],
) -> Replayed:
    """Send back every pending dead letter whose change is not in the archive.

    `archives` are by the prefix of their topics (clients.archive.open_archives). `progress` is
    called after each batch with the number sent so far. Raises ReplayError, or
    KafkaException if the brokers refuse or do not answer; batches reported to `progress` stay sent.
    """
    producer = Producer(
        {
            **outputs.kafka,
            "transactional.id": GROUP,
            "compression.type": "lz4",
            "log_level": 0,
            # The brokers know which records are too large; librdkafka's default is below theirs.
            "message.max.bytes": LARGEST_MESSAGE,
        }
    )
    # Completes the open transaction of a killed replay, so that its offsets are final when read.
    producer.init_transactions(READ_SECONDS)
    with DeadLetterReader(outputs.kafka, GROUP) as reader:
        letters = list(reader.read(pending(reader, topics)))
        due = to_send(outputs, archives, letters)
        sent = 0
        for first in range(0, len(letters), BATCH):
            batch = letters[first : first + BATCH]
            _send(producer, reader, batch, due)
            sent += sum(letter.position in due for letter in batch)
            progress(sent)
    return Replayed(sent, len(letters) - sent)


def to_send(
    outputs: StackOutputs, archives: Mapping[str, Archive], letters: list[DeadLetter]
) -> dict[RecordPosition, RecordPosition]:
    """Return the destination of each dead letter that must be sent, by its position.

    Left out are changes that the archive has, and all but the last dead letter of a record.
    Raises ReplayError if a dead letter has no origin, if that is the topic of no captured database,
    or if the sink will read its record again.
    """
    origins = {letter.position: _origin(letter, archives) for letter in letters}
    if unread := not_passed(outputs.kafka, letters):
        raise ReplayError(
            f"the sink will read the records of {len(unread)} dead letters, such as"
            f" {unread[0].position}, again when its tasks restart, so a replay could archive them"
            " twice. Restart its tasks, wait until it commits and replay again, or dismiss them"
        )
    in_archive = archived(archives, letters)
    # A record that was refused twice has two dead letters.
    last = {origins[letter.position]: letter for letter in letters}
    return {
        letter.position: origin
        for origin, letter in last.items()
        if (origin.topic, change_of(letter)) not in in_archive
    }


def _origin(letter: DeadLetter, archives: Mapping[str, Archive]) -> RecordPosition:
    if letter.origin is None:
        raise ReplayError(
            f"dead letter {letter.position} has no headers that name its origin; inspect it with"
            " bin/datapipe dlq show, then dismiss it"
        )
    if source_of(letter.origin.topic) not in archives:
        raise ReplayError(
            f"dead letter {letter.position} is of the topic {letter.origin.topic}, but the stack"
            f" captures {', '.join(archives)} only. Capture its database again, or dismiss it"
        )
    return letter.origin


def _send(
    producer: Producer,
    reader: DeadLetterReader,
    batch: list[DeadLetter],
    due: dict[RecordPosition, RecordPosition],
) -> None:
    """Send the records and commit the offsets after their dead letters, in one transaction."""
    producer.begin_transaction()
    try:
        for letter in batch:
            if origin := due.get(letter.position):
                _produce(producer, letter, origin)
        group = reader.consumer.consumer_group_metadata()
        producer.send_offsets_to_transaction(list(_next_offsets(batch)), group)
        producer.commit_transaction()
    except Exception:
        producer.abort_transaction()
        raise


def _produce(producer: Producer, letter: DeadLetter, origin: RecordPosition) -> None:
    producer.produce(
        origin.topic,
        letter.value,
        letter.key,
        origin.partition,
        timestamp=letter.timestamp,
        headers=list(letter.headers),
    )


def _next_offsets(batch: list[DeadLetter]) -> Iterator[TopicPartition]:
    """Yield the offset after the batch's last dead letter in each partition."""
    last = {letter.position.topic_partition: letter.position.offset for letter in batch}
    for (topic, partition), offset in last.items():
        yield TopicPartition(topic, partition, offset + 1)


def dismiss(kafka: Mapping[str, str], topics: tuple[str, ...]) -> int:
    """Mark every pending dead letter as done without sending it back; return their number."""
    with DeadLetterReader(kafka, GROUP) as reader:
        letters = list(reader.read(pending(reader, topics)))
        if letters:
            reader.consumer.commit(offsets=list(_next_offsets(letters)), asynchronous=False)
        return len(letters)
