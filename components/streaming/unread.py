"""Counts the records of a topic that a sink has not read, for the preview of a topic's deletion."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from confluent_kafka import Consumer, TopicPartition

REQUEST_SECONDS = 5
# More are not counted: a preview must not read a whole topic.
COUNTED = 10_000
COUNT_SECONDS = 10


def unread_records(client: Mapping[str, str], group: str, topic: str) -> str:
    """Return in words how many records of a topic a consumer group has not read.

    `client` is how the brokers are reached, as settings of librdkafka.

    The offsets alone would also count the markers of transactions, so the records are read.
    """
    from confluent_kafka import Consumer, KafkaException  # noqa: PLC0415  seldom needed

    consumer = Consumer(
        {
            **client,
            "group.id": group,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "log_level": 0,  # errors come as exceptions
        }
    )
    try:
        return _in_words(consumer, topic)
    except KafkaException as error:
        return f"an unknown number of records (Kafka: {error.args[0].str()})"
    finally:
        consumer.close()


def _in_words(consumer: Consumer, topic: str) -> str:
    from confluent_kafka import TopicPartition  # noqa: PLC0415

    partitions = consumer.list_topics(topic, timeout=REQUEST_SECONDS).topics[topic].partitions
    asked = [TopicPartition(topic, number) for number in partitions]
    committed = consumer.committed(asked, timeout=REQUEST_SECONDS)
    count, all_read = _count(consumer, [_position(consumer, each) for each in committed])
    least = "" if all_read else "at least "
    return f"{least}{count:,} record{'' if count == 1 else 's'}"


def _position(consumer: Consumer, committed: TopicPartition) -> TopicPartition:
    """Return where the group reads on: at its offset, or at the first record that is kept."""
    from confluent_kafka import TopicPartition  # noqa: PLC0415

    bounds: Any = consumer.get_watermark_offsets(committed, timeout=REQUEST_SECONDS)
    return TopicPartition(
        committed.topic, committed.partition, max(committed.offset, bounds[0] if bounds else 0)
    )


def _count(consumer: Consumer, positions: list[TopicPartition]) -> tuple[int, bool]:
    """Return how many records come after the positions, and whether all of them were counted."""
    from confluent_kafka import KafkaError, KafkaException  # noqa: PLC0415

    consumer.assign(positions)
    count, unfinished = 0, len(positions)
    deadline = time.monotonic() + COUNT_SECONDS
    while unfinished and count < COUNTED and time.monotonic() < deadline:
        for message in consumer.consume(num_messages=500, timeout=1):
            error = message.error()
            if error is None:
                count += 1
            elif error.code() == KafkaError._PARTITION_EOF:
                unfinished -= 1
            else:
                raise KafkaException(error)
    return count, not unfinished
