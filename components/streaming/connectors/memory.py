"""How much of the workers' heap the connectors' buffers can take (MiB), and what fits.

    worker  = WORKER + source × the source connectors on one worker
                     + for each sink: sink × its tasks' share on one worker + large rows
    source  = (queue + batch) records × RECORD_HEAP + the producer's buffer.memory
              + ROW_COPIES × kafka.maxRowSize
    large rows = one poll as read and as converted, the larger of POLLED and kafka.maxRowSize, and
                 the other copies of the row that is written
    sink    = open files × file + tasks × (fetch + max.poll.records × RECORD_HEAP + TASK)
    file    = confluent-s3: s3.part.size, in whole regions of G1 (or less),
                            + the smaller of parquet.block.size and flush.size × RECORD_BYTES
              iceberg:      row group (parts of an upload wait on disk, not in the heap)
    files   = confluent-s3: one per topic partition
              iceberg:      one per task and table that the task's partitions can belong to
    fetch   = the smaller of partitions per task × max.partition.fetch.bytes
              and brokers × fetch.max.bytes

Every captured database adds a source connector. With four of them in one worker, each took 3 MiB of
heap while it was idle (the first 8, with Debezium's own), 13 threads and 0.5 MiB of metaspace, and
31 MiB when the brokers did not answer and queues and producers were full of small rows. The formula
counts what they can hold at most, 60 MiB with rows of 1 MiB.

Large rows in several tasks of a sink at the same moment are not counted; each task takes POLLED of
them (row_size.py) at most. Not counted either: a second file per partition while the hour changes,
the dead letter queue's producers, which buffer only while there are dead letters, and the small
connector that reads the rows of an added table (added_tables.py). The rest of the heap, 1 - USABLE,
is for those and for the collector.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from math import ceil

from components.row_size import DEFAULT_ROW_SIZE, POLLED, RowSize
from components.settings import MEBIBYTE
from components.sizing import CONNECT_JVM, limit_for
from components.streaming.connectors.sink import SinkConnector

# Bytes of a converted record on the heap; assumed, for rows of some ten columns.
RECORD_HEAP = 2048
# MiB of a worker itself; 29 were live after a collection, with Debezium running idle.
WORKER = 48
# MiB of a sink task's consumer, connections and clients.
TASK = 2
# Debezium's max.queue.size and max.batch.size, its defaults.
SOURCE_RECORDS = 8192 + 2048
# MiB, Debezium's max.queue.size.in.bytes: as much as the queue takes in records of RECORD_HEAP.
SOURCE_QUEUE = SOURCE_RECORDS * RECORD_HEAP // MEBIBYTE // 2
# Of a row on its way through a connector: as read, as text, converted, and in the client's buffers;
# two of them are those of a sink's poll. With rows of 16 MiB, a source and a sink in one worker had
# 438 MiB live at most in a heap of 528; with rows of 20 MiB, a heap of 520 was too small.
ROW_COPIES = 8
POLL_COPIES = 2
# MiB, the consumer's max.partition.fetch.bytes, Kafka's default.
PARTITION_FETCH = 1
USABLE = 0.85


@dataclass(frozen=True)
class Workers:
    """The Connect workers and what their connectors read."""

    heap: int
    """MiB of each worker, with rows of 1 MiB"""
    count: int
    brokers: int
    tables: int
    partitions: int
    """of all the tables' topics together"""
    sources: int = 1
    """source connectors, with a task each"""
    existing: int = 0
    """those of existing databases among them"""
    row_size: RowSize = DEFAULT_ROW_SIZE
    """of the largest rows"""

    def needed(self, sinks: Iterable[SinkConnector]) -> int:
        """Return the MiB of heap that the fullest worker can need."""
        largest = self.row_size.mebibytes
        large_rows = POLL_COPIES * max(POLLED, largest) + (ROW_COPIES - POLL_COPIES) * largest
        return ceil(
            WORKER
            + ceil(self.sources / self.count) * self.of_a_source
            + sum(self._on_a_worker(sink) + large_rows for sink in sinks)
        )

    @property
    def of_a_source(self) -> float:
        """The MiB that a source connector can hold."""
        return (
            SOURCE_RECORDS * RECORD_HEAP / MEBIBYTE
            + self.row_size.producer_buffer
            + ROW_COPIES * self.row_size.mebibytes
        )

    def _on_a_worker(self, sink: SinkConnector) -> float:
        tasks = sink.tasks_max
        fetch = min(
            ceil(self.partitions / tasks) * PARTITION_FETCH,
            self.brokers * sink.fetch_max_bytes / MEBIBYTE,
        )
        polled = sink.max_poll_records * RECORD_HEAP / MEBIBYTE
        files = sink.open_files(tasks, self.tables, self.partitions)
        share = ceil(tasks / self.count) / tasks
        return share * (files * sink.file_bytes() / MEBIBYTE + tasks * (fetch + polled + TASK))

    def fits(self, sinks: Iterable[SinkConnector]) -> bool:
        """Return whether the buffers leave the collector its share."""
        return self.needed(sinks) <= self._usable

    @property
    def _usable(self) -> int:
        return int(self.row_size.heap_of(self.heap) * USABLE)

    def require_heap(self, sinks: Mapping[str, SinkConnector]) -> str | None:
        """Raise ValueError, with the number that fits, where fewer tasks of a sink would fit.

        `sinks`: by the section of the stack file that sets their tasks.

        Where no number of tasks fits, the returned warning says so: the bound holds for tables
        that are all written at the same time, and only the user knows whether they are.
        """
        if self.fits(sinks.values()):
            return None
        names = " and ".join(sink.name for sink in sinks.values())
        tasks = " + ".join(str(sink.tasks_max) for sink in sinks.values())
        problem = (
            f"connector{'s' if len(sinks) > 1 else ''} {names}: the buffers of {tasks} tasks can"
            f" take {self.needed(sinks.values())} MiB of a worker's heap of"
            f" {self.row_size.heap_of(self.heap):.0f} MiB, of which {self._usable} may be used"
        )
        if self.row_size.mebibytes > 1:
            problem += f", with rows of up to {self.row_size.mebibytes}Mi (kafka.maxRowSize)"
        for section in sinks:
            if fitting := self._fitting_tasks(section, sinks):
                raise ValueError(
                    f"{problem}; set {section}.tasks to at most {fitting}, or {self._more(sinks)}"
                )
        one_table = replace(self, tables=1)
        if self._are_too_many_for_one_database(sinks.values()):
            raise ValueError(
                f"{problem}; each of the {self.sources - self.existing} source connectors of"
                f" source.isolation per-table takes {self.of_a_source:.0f} MiB of them, even if one"
                f" table is written at a time: set source.isolation to shared, or"
                f" {one_table._more(sinks)}"
            )
        if (most := self._fitting_databases(sinks.values())) < self.existing:
            raise ValueError(
                f"{problem}; each captured database takes {self.of_a_source:.0f} MiB of them, even"
                f" if one table is written at a time: have at most {most} of {self.existing} in"
                f" datapipe:sources, or {one_table._more(sinks)}"
            )
        if (largest := self._largest_rows(sinks.values())) < self.row_size.mebibytes:
            raise ValueError(
                f"{problem}; set kafka.maxRowSize to at most {largest}Mi, or {self._more(sinks)}"
            )
        return (
            f"{problem}, if all {self.tables} tables are written at the same time; no number of"
            f" tasks fits: {self._more(sinks)}"
        )

    def _more(self, sinks: Mapping[str, SinkConnector]) -> str:
        """Return the memory limit of the workers with which the buffers fit, as advice."""
        heap = self.row_size.heap_with((self.needed(sinks.values()) + 1) / USABLE)
        return f"set sizing.connect.memoryLimit to at least {limit_for(heap, CONNECT_JVM)}Mi"

    def _are_too_many_for_one_database(self, sinks: Collection[SinkConnector]) -> bool:
        """Return whether the managed database's tables fit with one connector, and not with theirs.

        Where one table is written at a time.
        """
        one_table = replace(self, tables=1)
        together = replace(one_table, sources=min(self.sources, self.existing + 1))
        return not one_table.fits(sinks) and together.fits(sinks) and together != one_table

    def _fitting_databases(self, sinks: Collection[SinkConnector]) -> int:
        """Return how many existing databases fit, where one table is written at a time.

        All of them where the stack would not fit without one, either.
        """
        for count in range(self.existing, -1, -1):
            sources = self.sources - self.existing + count
            if replace(self, tables=1, sources=sources, existing=count).fits(sinks):
                return count
        return self.existing

    def _largest_rows(self, sinks: Collection[SinkConnector]) -> int:
        """Return the size of rows (MiB) that fits; 1 also where even those do not fit."""
        smaller = range(self.row_size.mebibytes - 1, 1, -1)
        fitting = (size for size in smaller if replace(self, row_size=RowSize(size)).fits(sinks))
        return next(fitting, 1)

    def _fitting_tasks(self, section: str, sinks: Mapping[str, SinkConnector]) -> int | None:
        """Return the most tasks of one sink that fit next to the others; None: no number fits."""
        given = sinks[section]
        for tasks in range(given.tasks_max - 1, 0, -1):
            fewer = given.model_copy(update={"tasks_max": tasks})
            if self.fits({**sinks, section: fewer}.values()):
                return tasks
        return None
