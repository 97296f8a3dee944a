"""Putting records into the dead letter queue that the sink itself can't write.

Connect does that with what a converter or a transform refuses. A record that can be read and does
not fit its table fails the sink's task instead, again and again. So for a while the sink gets a
transform that refuses that record, until it has archived everything before it; then its position is
set behind the record, which else only a later one would do, and the transform goes.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from confluent_kafka import TopicPartition

from clients.connect import Say, stopped
from clients.dlq.letters import LetterReader, Place
from clients.dlq.replay import GROUP, waiting
from kafka_connect.client import ConnectClient
from kafka_connect.status import Status, explain

TRANSFORM = "refuseRecords"
"""Its name in the sink's `transforms`."""
TRANSFORM_CLASS = "datapipe.connect.RefuseRecords"
DEAD_LETTER_TOPIC = "errors.deadletterqueue.topic.name"


class SkipError(RuntimeError):
    """The records can't be skipped; the message says why."""


@dataclass(frozen=True)
class Times:
    """How long to wait, in seconds. Tests shorten them."""

    timeout: float = 300
    """for the sink to archive what lies before the records: several of its commits"""
    poll: float = 2


def refusing(config: Mapping[str, str], places: Sequence[Place]) -> dict[str, str]:
    """The sink's configuration with the transform before all others."""
    sound = without_refusal(config)
    chain = [TRANSFORM, *filter(None, sound.get("transforms", "").split(","))]
    return {
        **sound,
        "transforms": ",".join(chain),
        f"transforms.{TRANSFORM}.type": TRANSFORM_CLASS,
        f"transforms.{TRANSFORM}.places": ",".join(map(str, places)),
    }


def without_refusal(config: Mapping[str, str]) -> dict[str, str]:
    """The sink's configuration as the stack wants it, also where a killed command left ours."""
    kept = {
        key: value
        for key, value in config.items()
        if not key.startswith(f"transforms.{TRANSFORM}.")
    }
    chain = [name for name in kept.pop("transforms", "").split(",") if name not in {"", TRANSFORM}]
    return {**kept, "transforms": ",".join(chain)} if chain else kept


def skip(client: ConnectClient, records: "StuckRecords", say: Say, times: Times) -> None:
    """Make dead letters of the records; the sink runs on behind them.

    Raises SkipError where one is not there, the sink has passed it, or does not come that far in
    time; StackError, ConnectError or KafkaException where Connect or the brokers don't do it.
    """
    records.require_ahead()
    sink = records.sink
    config = without_refusal(client.config(sink))
    say(f"{sink} refuses {records}, and archives what lies before")
    with _configured(client, sink, refusing(config, records.places), config):
        _wait(client, records, config[DEAD_LETTER_TOPIC], times)
        with stopped(client, sink, say):
            behind = records.behind()
            if behind is None:
                raise SkipError(f"{sink} has new records before {records} to archive; skip again")
            client.alter_offsets(sink, behind)
            client.put(sink, config)


@contextmanager
def _configured(
    client: ConnectClient, sink: str, meanwhile: dict[str, str], otherwise: dict[str, str]
) -> Iterator[None]:
    """Another configuration for a time; an error brings the sound one back."""
    client.put(sink, meanwhile)
    try:
        yield
    except BaseException:
        client.put(sink, otherwise)
        raise


def _wait(client: ConnectClient, records: "StuckRecords", letters: str, times: Times) -> None:
    """Until the records have their letters, and are all that the sink has not committed."""
    deadline = time.monotonic() + times.timeout
    while not (records.refused(letters) and records.behind() is not None):
        status = Status.of(client.status(records.sink))
        if time.monotonic() > deadline:
            state = explain(records.sink, status) if status.failed else status.progress()
            raise SkipError(
                f"after {times.timeout:.0f} s {records.sink} has not archived what lies before the"
                f" records; where another one stops it, name them together:\n{state}"
            )
        time.sleep(times.poll)


class StuckRecords:
    """Records that a sink can't write, and how far it is in their partitions."""

    def __init__(self, bootstrap_servers: str, sink: str, places: Iterable[Place]) -> None:
        self._servers, self.sink, self.places = bootstrap_servers, sink, tuple(places)

    def __str__(self) -> str:
        return ", ".join(map(str, self.places))

    def require_ahead(self) -> None:
        """Raise SkipError for a record that is not there or that the sink has passed."""
        positions = self._positions()
        for place in self.places:
            if place.offset < positions[place.topic, place.partition]:
                raise SkipError(f"{self.sink} has passed {place} already")
            if self._first_from(place) != place:
                raise SkipError(f"there is no record at {place}")

    def refused(self, topic: str) -> bool:
        """Whether each record has a dead letter that waits."""
        with LetterReader(self._servers, GROUP) as reader:
            origins = {letter.origin for letter in reader.read(waiting(reader, (topic,)))}
        return origins >= set(self.places)

    def behind(self) -> dict[tuple[str, int], int] | None:
        """The position behind each partition's last record.

        None where the sink has not committed a record that lies before it and is none of them.
        """
        found = {}
        for partition, position in self._positions().items():
            last = max(each.offset for each in self.places if _partition(each) == partition)
            if position <= last and not self._only_ours(partition, position, last):
                return None
            found[partition] = max(position, last + 1)
        return found

    def _positions(self) -> dict[tuple[str, int], int]:
        partitions = sorted({_partition(place) for place in self.places})
        with LetterReader(self._servers, f"connect-{self.sink}") as reader:
            return reader.dealt_with([TopicPartition(*each) for each in partitions])

    def _first_from(self, place: Place) -> Place | None:
        with LetterReader(self._servers, GROUP) as reader:
            start = TopicPartition(place.topic, place.partition, place.offset)
            return next((record.place for record in reader.read([start])), None)

    def _only_ours(self, partition: tuple[str, int], first: int, last: int) -> bool:
        with LetterReader(self._servers, GROUP) as reader:
            for record in reader.read([TopicPartition(*partition, first)]):
                if record.place.offset > last:
                    return True
                if record.place not in self.places:
                    return False
        return True


def _partition(place: Place) -> tuple[str, int]:
    return place.topic, place.partition
