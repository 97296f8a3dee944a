"""Sending dead letters back to the topics that they came from, each exactly once.

A consumer group remembers how far that went. Each batch is one Kafka transaction of the records and
the group's offsets, so a replay that is killed, or run again, repeats nothing, and a second one at
the same time stops the first. A sink that still refuses a record writes a new dead letter behind
those that were there, and one replay looks at no letter twice.
"""

from collections.abc import Callable, Iterator
from itertools import islice

from confluent_kafka import Producer, TopicPartition

from clients.dlq.letters import READ_SECONDS, Letter, LetterReader

GROUP = "datapipe-dlq-replay"
"""Consumer group and transactional id."""
BATCH = 500


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


def replay(bootstrap_servers: str, topics: tuple[str, ...], progress: Callable[[int], None]) -> int:
    """Send back every letter that waits; `progress` hears the number so far after each batch.

    Returns the number of records sent. Raises ReplayError, and KafkaException where the brokers
    refuse or do not answer; what was told to `progress` is done all the same.
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
    sent = 0
    with LetterReader(bootstrap_servers, GROUP) as reader:
        letters = reader.read(waiting(reader, topics))
        while batch := list(islice(letters, BATCH)):
            _send(producer, reader, batch)
            sent += len(batch)
            progress(sent)
    return sent


def _send(producer: Producer, reader: LetterReader, batch: list[Letter]) -> None:
    """One transaction: the records, and the offsets behind their letters."""
    producer.begin_transaction()
    try:
        for letter in batch:
            _produce(producer, letter)
        group = reader.consumer.consumer_group_metadata()
        producer.send_offsets_to_transaction(list(_behind(batch)), group)
        producer.commit_transaction()
    except Exception:
        producer.abort_transaction()
        raise


def _produce(producer: Producer, letter: Letter) -> None:
    origin = letter.origin
    if origin is None:
        raise ReplayError(
            f"{letter.place} does not say where it came from; look at it with show, and dismiss it"
        )
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
