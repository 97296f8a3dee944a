"""Records that no converter accepts."""

import time
from dataclasses import dataclass, field

from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from chaos.fault import Fault
from chaos.monitor import dead_letters
from chaos.pipeline import FaultError, Pipeline
from clients.archive import TOPIC_PREFIX
from clients.topics import DEAD_LETTER_TOPICS

POISON = b"\x00 no JSON, no Avro"
SECONDS = 20
ARRIVAL_SECONDS = 60


@dataclass
class Poison(Fault):
    """A record of junk in each captured table's topic."""

    _before: int = field(default=-1, repr=False)
    """dead letters; -1: not counted yet"""

    def prepare(self, pipeline: Pipeline) -> None:
        self._before = dead_letters(pipeline)

    def inject(self, pipeline: Pipeline) -> None:
        producer = Producer({"bootstrap.servers": pipeline.outputs.bootstrap_servers})
        for topic in _topics(pipeline):
            producer.produce(topic, POISON, key=POISON)
        if producer.flush(SECONDS):
            raise FaultError("the brokers did not take the poison records")

    def check(self, pipeline: Pipeline) -> list[str]:
        """Each of them must lie in the dead letter queue, and nothing else."""
        wanted, deadline = len(_topics(pipeline)), time.monotonic() + ARRIVAL_SECONDS
        while (found := dead_letters(pipeline) - self._before) < wanted:
            if time.monotonic() > deadline:
                break
            time.sleep(2)
        if found == wanted:
            return []
        return [f"{found} records in the dead letter queue instead of {wanted}"]

    def restore(self, pipeline: Pipeline) -> None:
        """Empty the dead letter queue again, unless somebody else's records were in it."""
        if self._before == 0:
            empty_dead_letters(pipeline)


def empty_dead_letters(pipeline: Pipeline) -> None:
    """Delete what the dead letter topics hold."""
    admin = AdminClient({"bootstrap.servers": pipeline.outputs.bootstrap_servers})
    topics = admin.list_topics(timeout=SECONDS).topics
    to_the_end = [
        TopicPartition(name, number, -1)
        for name in DEAD_LETTER_TOPICS
        if name in topics
        for number in topics[name].partitions
    ]
    for done in admin.delete_records(to_the_end, request_timeout=SECONDS).values():
        done.result()


def _topics(pipeline: Pipeline) -> list[str]:
    return [f"{TOPIC_PREFIX}.{table}" for table in pipeline.outputs.tables]
