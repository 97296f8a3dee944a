"""Records that no converter can read."""

from contextlib import suppress
from dataclasses import dataclass, field

from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from chaos.fault import Fault
from chaos.monitor import dead_letters
from chaos.pipeline import FaultError, Pipeline
from polling import poll_until

POISON = b"\x00 no JSON, no Avro"
SECONDS = 20
ARRIVAL_SECONDS = 60


@dataclass
class Poison(Fault):
    """An unreadable record in each captured table's topic."""

    _before: int = field(default=-1, repr=False)
    """dead letters; -1: not counted yet"""

    def prepare(self, pipeline: Pipeline) -> None:
        self._before = dead_letters(pipeline)

    def inject(self, pipeline: Pipeline) -> None:
        producer = Producer(pipeline.outputs.kafka)
        for topic in pipeline.outputs.topics:
            producer.produce(topic, POISON, key=POISON)
        if producer.flush(SECONDS):
            raise FaultError("the brokers did not acknowledge the unreadable records")

    def check(self, pipeline: Pipeline) -> list[str]:
        """Check that each of them is in the dead letter queue, and nothing else."""
        wanted = len(pipeline.outputs.topics)
        with suppress(TimeoutError):
            poll_until(
                lambda: dead_letters(pipeline) - self._before >= wanted,
                timeout=ARRIVAL_SECONDS,
                interval=2,
                description="the records to reach the dead letter queue",
            )
        found = dead_letters(pipeline) - self._before
        if found == wanted:
            return []
        return [f"{found} records in the dead letter queue instead of {wanted}"]

    def restore(self, pipeline: Pipeline) -> None:
        """Empty the dead letter queue, unless it had records before."""
        if self._before == 0:
            empty_dead_letters(pipeline)


def empty_dead_letters(pipeline: Pipeline) -> None:
    """Delete the records of the dead letter topics."""
    admin = AdminClient({**pipeline.outputs.kafka})
    topics = admin.list_topics(timeout=SECONDS).topics
    to_the_end = [
        TopicPartition(name, number, -1)
        for name in pipeline.outputs.dead_letter_topics.names
        if name in topics
        for number in topics[name].partitions
    ]
    for done in admin.delete_records(to_the_end, request_timeout=SECONDS).values():
        done.result()
