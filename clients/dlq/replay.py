"""Sending dead letters back to the topics that they came from, each exactly once.

A consumer group remembers how far that went. Each batch is one Kafka transaction of the records and
the group's offsets, so a replay that is killed, or run again, repeats nothing, and a second one at
the same time stops the first. A sink that still refuses a record writes a new dead letter behind
those that were there, and one replay looks at no letter twice.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from confluent_kafka import Producer, TopicPartition

from clients.archive import Archive
from clients.dlq.letters import READ_SECONDS, Letter, LetterReader, Place
from clients.dlq.sink import archived, change_of, not_passed

GROUP = "datapipe-dlq-replay"
"""Consumer group and transactional id."""
BATCH = 500


@dataclass(frozen=True)
class Replayed:
    """What became of the letters that waited."""

    sent: int
    archived: int
    """not sent: their changes are in the archive, or a later letter has the same record"""


class ReplayError(RuntimeError):
    """A letter can't be sent back; the message says what to do."""


def waiting(reader: LetterReader, topics: tuple[str, ...]) -> list[TopicPartition]:
    """The partitions of dead letter topics, each with the first offset not dealt with."""
    partitions = reader.partitions(topics)
    done = reader.dealt_with(partitions)
    return [
        TopicPartition(each.topic, each.partition, done[each.topic, each.partition])
        for each in partitions
    ]


def replay(
    bootstrap_servers: str,
    archive: Archive,
    topics: tuple[str, ...],
    progress: Callable[[int], None],
) -> Replayed:
    """Send back every letter that waits, but for those whose change the archive has.

    `progress` hears the number sent so far after each batch. Raises ReplayError, and KafkaException
    where the brokers refuse or do not answer; what was told to `progress` is done all the same.
    """
    producer = Producer(
        {
            "bootstrap.servers": bootstrap_servers,
            "transactional.id": GROUP,
            "compression.type": "lz4",
            "log_level": 0,
        }
    )
    # Ends what a killed replay left open, so that its offsets are final before they are read.
    producer.init_transactions(READ_SECONDS)
    with LetterReader(bootstrap_servers, GROUP) as reader:
        letters = list(reader.read(waiting(reader, topics)))
        due = to_send(bootstrap_servers, archive, letters)
        sent = 0
        for first in range(0, len(letters), BATCH):
            batch = letters[first : first + BATCH]
            _send(producer, reader, batch, due)
            sent += sum(letter.place in due for letter in batch)
            progress(sent)
    return Replayed(sent, len(letters) - sent)


def to_send(bootstrap_servers: str, archive: Archive, letters: list[Letter]) -> dict[Place, Place]:
    """Which letters must be sent back, and whereto: not archived, and the last of their record.

    Raises ReplayError where that can't be known.
    """
    origins = {letter.place: _origin(letter) for letter in letters}
    if unread := not_passed(bootstrap_servers, letters):
        raise ReplayError(
            f"the sink reads the records of {len(unread)} dead letters, such as {unread[0].place},"
            " again when its tasks restart, so sending them back could archive them twice. Restart"
            " its tasks, let it commit, and run replay again; or dismiss them"
        )
    there = archived(archive, letters)
    last = {origins[letter.place]: letter for letter in letters}  # one may be refused twice
    return {
        letter.place: origin for origin, letter in last.items() if change_of(letter) not in there
    }


def _origin(letter: Letter) -> Place:
    if letter.origin is None:
        raise ReplayError(
            f"{letter.place} does not say where it came from; look at it with show, and dismiss it"
        )
    return letter.origin


def _send(
    producer: Producer, reader: LetterReader, batch: list[Letter], due: dict[Place, Place]
) -> None:
    """One transaction: the records, and the offsets behind their letters."""
    producer.begin_transaction()
    try:
        for letter in batch:
            if origin := due.get(letter.place):
                _produce(producer, letter, origin)
        group = reader.consumer.consumer_group_metadata()
        producer.send_offsets_to_transaction(list(_behind(batch)), group)
        producer.commit_transaction()
    except Exception:
        producer.abort_transaction()
        raise


def _produce(producer: Producer, letter: Letter, origin: Place) -> None:
    producer.produce(
        origin.topic,
        letter.value,
        letter.key,
        origin.partition,
        timestamp=letter.timestamp,
        headers=list(letter.headers),
    )


def _behind(batch: list[Letter]) -> Iterator[TopicPartition]:
    """The offset behind the batch's last letter in each partition."""
    last = {(letter.place.topic, letter.place.partition): letter.place.offset for letter in batch}
    for (topic, partition), offset in last.items():
        yield TopicPartition(topic, partition, offset + 1)


def dismiss(bootstrap_servers: str, topics: tuple[str, ...]) -> int:
    """Count every letter that waits as dealt with, without sending it back. Returns how many."""
    with LetterReader(bootstrap_servers, GROUP) as reader:
        letters = list(reader.read(waiting(reader, topics)))
        if letters:
            reader.consumer.commit(offsets=list(_behind(letters)), asynchronous=False)
        return len(letters)
