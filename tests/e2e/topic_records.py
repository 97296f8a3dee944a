"""Reads the records of a topic of the deployed pipeline."""

from collections.abc import Iterator, Mapping

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition


def records(kafka: Mapping[str, str], topic: str) -> Iterator[Message]:
    """Yield every record that a topic still has."""
    consumer = Consumer(
        {
            **kafka,
            "group.id": "records-of-a-test",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    try:
        for partition in consumer.list_topics(topic, timeout=15).topics[topic].partitions:
            consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING)])
            while True:
                message = consumer.poll(15)
                assert message is not None, f"{topic}/{partition} could not be read to its end"
                if (error := message.error()) is not None:
                    assert error.code() == KafkaError._PARTITION_EOF, error
                    break
                yield message
    finally:
        consumer.close()
