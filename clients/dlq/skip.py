"""Makes dead letters of records that the sink can read but can't write.

Kafka Connect makes a dead letter of a record that a converter or a transform refuses. A record that
is read and then does not fit its table fails the sink's task instead, again and again. So the sink
temporarily gets a transform that refuses that record. Once it has archived everything before the
record, its offset is set behind it, which otherwise only a later record would do, and the transform
is removed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from confluent_kafka import TopicPartition

from clients.connect import Log, stopped
from clients.dlq.dead_letters import DeadLetterReader, Partition, RecordPosition
from clients.dlq.replay import GROUP, pending
from kafka_connect.client import ConnectClient
from kafka_connect.status import explain
from kafka_connect.task_configs import read_status
from kafka_connect.transforms import with_first, without
from polling import NotReadyError, poll_until

# Its name in the sink's `transforms`.
TRANSFORM = "refuseRecords"
TRANSFORM_CLASS = "datapipe.connect.RefuseRecords"
DEAD_LETTER_TOPIC = "errors.deadletterqueue.topic.name"


class SkipError(RuntimeError):
    """The records can't be skipped; the message says why."""


@dataclass(frozen=True)
class Timeouts:
    """How long to wait, in seconds. Tests shorten it."""

    # Until the sink has archived what precedes the records, which takes several commits.
    timeout: float = 300
    poll: float = 2


def refusing(config: Mapping[str, str], positions: Sequence[RecordPosition]) -> dict[str, str]:
    """Return the sink's configuration with the refusing transform before all others."""
    settings = {"type": TRANSFORM_CLASS, "places": ",".join(map(str, positions))}
    return with_first(config, TRANSFORM, settings)


def without_refusal(config: Mapping[str, str]) -> dict[str, str]:
    """Return the stack's own configuration, even if a killed command left the transform in it."""
    return without(config, TRANSFORM)


def skip(client: ConnectClient, records: "StuckRecords", log: Log, timeouts: Timeouts) -> None:
    """Make dead letters of the records and let the sink continue after them.

    Raises SkipError if a record does not exist, the sink has passed it, or the sink does not reach
    it in time; StackError, ConnectError or KafkaException if Connect or the brokers fail.
    """
    records.require_ahead()
    sink = records.sink
    config = without_refusal(client.config(sink))
    log(f"{sink} now refuses {records} and archives what precedes them")
    with _configured(client, sink, refusing(config, records.positions), config):
        _wait(client, records, config[DEAD_LETTER_TOPIC], timeouts)
        with stopped(client, sink, log):
            next_offsets = records.next_offsets()
            if next_offsets is None:
                raise SkipError(
                    f"{sink} received new records before {records} and must archive them first;"
                    " run the command again"
                )
            client.alter_offsets(sink, next_offsets)
            client.put(sink, config)


@contextmanager
def _configured(
    client: ConnectClient, sink: str, temporary: dict[str, str], original: dict[str, str]
) -> Iterator[None]:
    """Give the sink a temporary configuration; an error restores the original one."""
    client.put(sink, temporary)
    try:
        yield
    except BaseException:
        client.put(sink, original)
        raise


def _wait(
    client: ConnectClient, records: "StuckRecords", dead_letter_topic: str, timeouts: Timeouts
) -> None:
    """Return once the records have dead letters and are all that the sink has not committed."""

    def ready() -> bool:
        if records.refused(dead_letter_topic) and records.next_offsets() is not None:
            return True
        status = read_status(client, records.sink)
        raise NotReadyError(explain(records.sink, status) if status.failed else status.progress())

    poll_until(
        ready,
        timeout=timeouts.timeout,
        interval=timeouts.poll,
        description=f"{records.sink} to archive what precedes the records",
        error=lambda message: SkipError(
            f"{message}\nIf another record stops the sink, name both in one command"
        ),
    )


class StuckRecords:
    """Records that a sink can't write, and the sink's offsets in their partitions."""

    def __init__(
        self, kafka: Mapping[str, str], sink: str, positions: Iterable[RecordPosition]
    ) -> None:
        self._kafka, self.sink, self.positions = kafka, sink, tuple(positions)

    def __str__(self) -> str:
        return ", ".join(map(str, self.positions))

    def require_ahead(self) -> None:
        """Raise SkipError for a record that does not exist or that the sink has passed."""
        offsets = self._sink_offsets()
        for position in self.positions:
            if position.offset < offsets[position.topic_partition]:
                raise SkipError(f"{self.sink} has already passed {position}")
            if self._first_from(position) != position:
                raise SkipError(f"there is no record at {position}")

    def refused(self, dead_letter_topic: str) -> bool:
        """Return whether each record has a pending dead letter."""
        with DeadLetterReader(self._kafka, GROUP) as reader:
            letters = reader.read(pending(reader, (dead_letter_topic,)))
            origins = {letter.origin for letter in letters}
        return origins >= set(self.positions)

    def next_offsets(self) -> dict[Partition, int] | None:
        """Return the offset after the last of the records in each partition.

        None if the sink has yet to commit another record before it.
        """
        found = {}
        for partition, offset in self._sink_offsets().items():
            last = max(each.offset for each in self.positions if each.topic_partition == partition)
            if offset <= last and not self._only_these(partition, offset, last):
                return None
            found[partition] = max(offset, last + 1)
        return found

    def _sink_offsets(self) -> dict[Partition, int]:
        partitions = sorted({position.topic_partition for position in self.positions})
        with DeadLetterReader(self._kafka, f"connect-{self.sink}") as reader:
            return reader.committed_offsets([TopicPartition(*each) for each in partitions])

    def _first_from(self, position: RecordPosition) -> RecordPosition | None:
        with DeadLetterReader(self._kafka, GROUP) as reader:
            start = TopicPartition(position.topic, position.partition, position.offset)
            return next((record.position for record in reader.read([start])), None)

    def _only_these(self, partition: Partition, first: int, last: int) -> bool:
        with DeadLetterReader(self._kafka, GROUP) as reader:
            for record in reader.read([TopicPartition(*partition, first)]):
                if record.position.offset > last:
                    return True
                if record.position not in self.positions:
                    return False
        return True
