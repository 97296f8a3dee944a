"""What all our sink connectors share, and the rules for any of them."""

from abc import abstractmethod
from typing import Literal

from pydantic import Field

from components.row_size import DEFAULT_ROW_SIZE, RowSize
from components.settings import MEBIBYTE
from components.streaming.connectors.converters import Converter
from components.streaming.connectors.counting import CountedTopics, count_events
from components.streaming.connectors.errors import SinkErrors
from components.streaming.connectors.model import Connector

# The design's max.poll.records.
MAX_POLL_RECORDS = 1000


class SinkConnector(Connector):
    """Reads topics; what it can't convert goes to its dead letter queue."""

    key_converter: Converter = Field(serialization_alias="key.converter")
    value_converter: Converter = Field(serialization_alias="value.converter")
    errors: SinkErrors = Field(default=SinkErrors(), serialization_alias="errors.")
    isolation_level: Literal["read_committed", "read_uncommitted"] = Field(
        default="read_committed",
        serialization_alias="consumer.override.isolation.level",
        description="read_committed skips what an exactly-once source wrote and took back",
    )
    max_poll_records: int = Field(
        default=MAX_POLL_RECORDS, ge=1, serialization_alias="consumer.override.max.poll.records"
    )
    max_poll_interval_ms: int = Field(
        default=180_000, ge=1, serialization_alias="consumer.override.max.poll.interval.ms"
    )
    fetch_max_bytes: int = Field(
        default=5 * 1024 * 1024, ge=1, serialization_alias="consumer.override.fetch.max.bytes"
    )

    row_size: RowSize = Field(
        default=DEFAULT_ROW_SIZE,
        exclude=True,
        description="of the largest rows: the dead letter queue's producer must accept them",
    )
    count_events_of: tuple[CountedTopics, ...] = Field(
        default=(),
        exclude=True,
        description="the sources whose events are counted, for the metrics; the worker needs the"
        " transform datapipe.connect.CountEvents",
    )

    def properties(self, prefix: str = "") -> dict[str, str]:
        """Return the connector's configuration, with the limits of its dead letters' producer."""
        limits = {
            "max.request.size": self.row_size.dead_letter_bytes,
            "buffer.memory": self.row_size.producer_buffer * MEBIBYTE,
        }
        own = {f"{prefix}producer.override.{key}": str(limit) for key, limit in limits.items()}
        return own | super().properties(prefix)

    def transforms(self, *others: str) -> dict[str, str]:
        """Return the chain of transforms: counting, where it is wanted, before the others."""
        chain = [*(counted.transform for counted in self.count_events_of), *others]
        properties = {"transforms": ",".join(chain)} if chain else {}
        for counted in self.count_events_of:
            properties |= count_events("sink", counted, counted.transform)
        return properties

    def named_topics(self) -> frozenset[str]:
        """Return its dead letter queue; each kind adds what it reads."""
        return frozenset({self.errors.dead_letter_topic})

    @abstractmethod
    def open_files(self, tasks: int, tables: int, partitions: int) -> int:
        """Return how many files all tasks together can be writing at the same time."""

    @abstractmethod
    def file_bytes(self) -> int:
        """Heap that a file can take until it is closed."""

    def require_row_size(self, largest: RowSize) -> None:
        """Raise ValueError where it was not given the size of the stack's largest rows."""
        if self.row_size != largest:
            raise ValueError(
                f"connector {self.name}: row_size must be the stack's (kafka.maxRowSize:"
                f" {largest.mebibytes}Mi), or a dead letter of a large row would be lost"
            )

    def require_partitions(self, available: int, section: str) -> None:
        """Raise ValueError where there are more tasks than partitions to share among them.

        `section`: of the stack file, which sets the tasks.
        """
        if self.tasks_max > available:
            raise ValueError(
                f"connector {self.name}: {self.tasks_max} tasks share {available} partitions, so"
                f" {self.tasks_max - available} would idle and hold memory; set {section}.tasks to"
                f" at most {available}"
            )

    def require_brokers(self, brokers: int) -> None:
        """Raise ValueError where the dead letter queue wants more replicas than brokers."""
        replicas = self.errors.dead_letter_replication
        if replicas > brokers:
            raise ValueError(
                f"connector {self.name}: the dead letter queue's replication factor {replicas} is"
                f" above the {brokers} brokers"
            )
