"""Reads from the brokers how much topics contain and how far a consumer group is behind."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from time import monotonic, time
from types import TracebackType

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

REQUEST_SECONDS = 15
RECENT_SECONDS = 3600
# Lags up to this are counted record by record; see GroupReader.topics().
COUNTED = 1_000

Partition = tuple[str, int]


@dataclass(frozen=True)
class Topic:
    """The contents of a topic and the lag of a consumer group."""

    name: str
    partitions: int
    # Offsets that the brokers retain.
    retained: int
    # Records that the group has not read.
    lag: int
    # Offsets of the last hour.
    recent: int = 0


class GroupReader:
    """Reads topics with the offsets of a consumer group, without joining the group."""

    def __init__(self, kafka: Mapping[str, str], group: str) -> None:
        self._consumer = Consumer(
            {
                **kafka,
                "group.id": group,
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
                "log_level": 0,  # errors reach us as exceptions
            }
        )

    def __enter__(self) -> "GroupReader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._consumer.close()

    def topics(self, names: Iterable[str]) -> list[Topic]:
        """Return those of the topics that exist. Raises KafkaException if no broker answers.

        The distance between the committed and the last offset also counts the markers of
        transactions. One of them always ends a partition, so a short distance is measured by
        reading the records.
        """
        partitions = self._partitions(names)
        bounds = {each: self._bounds(each) for each in partitions}
        position = {each: first for each, (first, _) in bounds.items()} | self._committed(
            partitions
        )
        distance = {each: max(0, bounds[each][1] - position[each]) for each in partitions}
        if 0 < sum(distance.values()) <= COUNTED:
            distance |= self._count({each: position[each] for each in partitions if distance[each]})
        recent = self._since(time() - RECENT_SECONDS, bounds)
        return [
            Topic(
                name=name,
                partitions=sum(1 for topic, _ in partitions if topic == name),
                retained=sum(
                    bounds[each][1] - bounds[each][0] for each in partitions if each[0] == name
                ),
                lag=sum(distance[each] for each in partitions if each[0] == name),
                recent=sum(recent[each] for each in partitions if each[0] == name),
            )
            for name in dict.fromkeys(topic for topic, _ in partitions)
        ]

    def ends(self, names: Iterable[str]) -> dict[Partition, int]:
        """Return the offset after the last record of each partition."""
        return {each: self._bounds(each)[1] for each in self._partitions(names)}

    def reached(self, ends: Mapping[Partition, int]) -> bool:
        """Return whether the group has read every record before these offsets.

        Markers of transactions are no records, and a group does not commit their offsets.
        """
        committed = self._committed(ends)
        for partition, end in ends.items():
            first, _ = self._bounds(partition)
            position = committed.get(partition, first)
            if position < end and self._has_record(partition, position, end):
                return False
        return True

    def _has_record(self, partition: Partition, position: int, end: int) -> bool:
        """Return whether there is a committed record between two offsets, or that is not known."""
        if end - position > COUNTED:
            return True
        deadline = monotonic() + REQUEST_SECONDS
        self._consumer.assign([TopicPartition(*partition, position)])
        while monotonic() < deadline:
            for message in self._consumer.consume(num_messages=1, timeout=0.5):
                if _is_end_of_partition(message):
                    return False
                offset = message.offset()
                return offset is None or offset < end
        return True

    def _partitions(self, names: Iterable[str]) -> list[Partition]:
        known = self._consumer.list_topics(timeout=REQUEST_SECONDS).topics
        return [
            (name, number)
            for name in names
            if name in known
            for number in sorted(known[name].partitions)
        ]

    def _bounds(self, partition: Partition) -> tuple[int, int]:
        """Return the first offset and the one after the last."""
        bounds = self._consumer.get_watermark_offsets(
            TopicPartition(*partition), timeout=REQUEST_SECONDS
        )
        if bounds is None:
            raise KafkaException(
                KafkaError(
                    KafkaError._TIMED_OUT, "the brokers did not answer a request for offsets"
                )
            )
        return bounds

    def _since(
        self, moment: float, bounds: Mapping[Partition, tuple[int, int]]
    ) -> dict[Partition, int]:
        """Count the offsets since a time, in seconds since 1970."""
        asked = [TopicPartition(*each, int(moment * 1000)) for each in bounds]
        firsts = self._consumer.offsets_for_times(asked, timeout=REQUEST_SECONDS) if asked else []
        # A negative offset means that no record is as new as that.
        return {
            (each.topic, each.partition): bounds[each.topic, each.partition][1] - each.offset
            if each.offset >= 0
            else 0
            for each in firsts
        }

    def _committed(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        committed = self._consumer.committed(
            [TopicPartition(*each) for each in partitions], timeout=REQUEST_SECONDS
        )
        return {(each.topic, each.partition): each.offset for each in committed if each.offset >= 0}

    def _count(self, positions: Mapping[Partition, int]) -> dict[Partition, int]:
        """Count the committed records from each position to the end of its partition.

        Partitions whose end is not reached in time are left out.
        """
        unfinished, counted = set(positions), Counter[Partition]()
        deadline = monotonic() + REQUEST_SECONDS
        self._consumer.assign([TopicPartition(*each, offset) for each, offset in positions.items()])
        while unfinished and monotonic() < deadline:
            for message in self._consumer.consume(num_messages=COUNTED, timeout=0.5):
                if _is_end_of_partition(message):
                    unfinished.discard(_partition(message))
                else:
                    counted[_partition(message)] += 1
        return {each: counted[each] for each in positions if each not in unfinished}


def _partition(message: Message) -> Partition:
    topic, number = message.topic(), message.partition()
    if topic is None or number is None:
        raise KafkaException(message.error())
    return topic, number


def _is_end_of_partition(message: Message) -> bool:
    """Raise KafkaException for any other error in a message."""
    error = message.error()
    if error is None:
        return False
    if error.code() != KafkaError._PARTITION_EOF:
        raise KafkaException(error)
    return True
