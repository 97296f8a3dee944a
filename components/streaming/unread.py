"""Counts the records of topics that a sink has not read, for the preview of their deletion."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from confluent_kafka import Consumer

REQUEST_SECONDS = 10
# More of a topic are not counted: a preview must not read a whole topic.
COUNTED = 10_000
# For all topics together.
COUNT_SECONDS = 30
POLL_SECONDS = 0.5


def unread_records(
    client: Mapping[str, str], group: str, topics: Collection[str]
) -> dict[str, str]:
    """Return in words how many records of each topic a consumer group has not read.

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
            # Where the group has no offset, or a lower one than the first that is kept.
            "auto.offset.reset": "earliest",
            "log_level": 0,  # errors come as exceptions
        }
    )
    try:
        counts, unfinished = _count(consumer, topics)
    except KafkaException as error:
        reason = f"an unknown number of records (Kafka: {error.args[0].str()})"
        return dict.fromkeys(topics, reason)
    finally:
        consumer.close()
    return {topic: _in_words(count, topic in unfinished) for topic, count in counts.items()}


def _in_words(count: int, unfinished: bool) -> str:
    if unfinished and not count:
        return "an unknown number of records"
    return f"{'at least ' if unfinished else ''}{count:,} record{'' if count == 1 else 's'}"


def _count(consumer: Consumer, topics: Collection[str]) -> tuple[dict[str, int], set[str]]:
    """Return how many records the group has left of each topic, and the topics with maybe more."""
    from confluent_kafka import (  # noqa: PLC0415
        OFFSET_BEGINNING,
        KafkaError,
        KafkaException,
        TopicPartition,
    )

    known = consumer.list_topics(timeout=REQUEST_SECONDS).topics
    asked = [
        TopicPartition(topic, number)
        for topic in topics
        if topic in known
        for number in known[topic].partitions
    ]
    committed = consumer.committed(asked, timeout=REQUEST_SECONDS) if asked else []
    for position in committed:
        if position.offset < 0:
            position.offset = OFFSET_BEGINNING
    consumer.assign(committed)
    left = {(position.topic, position.partition) for position in committed}
    counts, full = dict.fromkeys(topics, 0), set[str]()
    deadline = time.monotonic() + COUNT_SECONDS
    while left and time.monotonic() < deadline:
        message = consumer.poll(POLL_SECONDS)
        if message is None:
            continue
        topic, error = str(message.topic()), message.error()
        if error is None and topic not in full:
            counts[topic] += 1
            if counts[topic] == COUNTED:
                full.add(topic)
                consumer.pause([one for one in committed if one.topic == topic])
                left = {one for one in left if one[0] != topic}
        elif error is not None and error.code() == KafkaError._PARTITION_EOF:
            left.discard((topic, message.partition()))
        elif error is not None:
            raise KafkaException(error)
    return counts, full | {topic for topic, _ in left}
