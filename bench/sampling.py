"""Samples every part of the pipeline once per second, from outside, while a load runs."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from bench.containers import Container, Usage
from bench.gc_pauses import EVERY_SECONDS, GcPauses
from clients.database import Row
from clients.stack import StackError
from workload.background import Background
from workload.source import Connect

INTERVAL = 1.0
REQUEST_SECONDS = 5
WAL = (
    "SELECT (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint AS written,"
    " (SELECT min(confirmed_flush_lsn - '0/0'::pg_lsn)::bigint FROM pg_replication_slots"
    " WHERE database = current_database() AND NOT temporary AND slot_name NOT LIKE 'bench%')"
    " AS confirmed"
)


@dataclass(frozen=True)
class Sample:
    """The state at one moment. None: that part did not answer."""

    at: float
    """seconds since 1970"""
    rows: int
    """committed by the load"""
    written_lsn: int | None
    """end of PostgreSQL's WAL, bytes"""
    confirmed_lsn: int | None
    """how far the source connector has confirmed"""
    offsets: int | None
    """sum of the topics' end offsets: records, and the markers of transactions"""
    usage: dict[str, Usage]
    """by the container's label"""
    machine_cpu_seconds: float
    """of all processes since the machine's start"""
    generator_cpu_seconds: float
    """of this process, including the sampling"""
    paused: dict[str, float]
    """by the container's label: seconds of GC pauses so far; scraped every few seconds"""


class Topics:
    """The end offsets of the captured tables' topics."""

    def __init__(self, kafka: Mapping[str, str], topics: Iterable[str]) -> None:
        """Connect to the brokers. Raises KafkaException if none answers."""
        self._admin = AdminClient({**kafka, "log_level": 0})
        known = self._admin.list_topics(timeout=REQUEST_SECONDS * 3).topics
        self._partitions = [
            TopicPartition(name, number)
            for name in topics
            if name in known
            for number in known[name].partitions
        ]

    def end(self) -> int | None:
        """Return the sum of the end offsets; None if a broker did not answer in time."""
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        asked = self._admin.list_offsets(
            dict.fromkeys(self._partitions, latest),
            isolation_level=IsolationLevel.READ_UNCOMMITTED,
            request_timeout=REQUEST_SECONDS,
        )
        try:
            return sum(int(each.result().offset) for each in asked.values())
        except KafkaException:
            return None


class Sampler(Background):
    """Takes samples until the end of the block."""

    def __init__(
        self,
        connect: Connect,
        topics: Topics,
        containers: list[Container],
        rows: Callable[[], int],
    ) -> None:
        super().__init__(self._run, name="sampling the pipeline")
        self._connect, self._topics, self._containers = connect, topics, containers
        self._rows = rows
        self._pauses = GcPauses(containers)
        self._pauses_due = 0.0
        self.samples: list[Sample] = []

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                with self._connect() as connection:
                    self._sample_with(connection, stop)
            except (psycopg.OperationalError, StackError):
                self._take(None, None)
                stop.wait(INTERVAL)

    def _sample_with(self, connection: psycopg.Connection[Row], stop: threading.Event) -> None:
        due = time.monotonic()
        while not stop.wait(max(0.0, due - time.monotonic())):
            due = max(due + INTERVAL, time.monotonic())
            row = connection.execute(WAL).fetchone() or {}
            self._take(row["written"], row["confirmed"])

    def _take(self, written: int | None, confirmed: int | None) -> None:
        usage: dict[str, Usage] = {}
        for container in self._containers:
            try:
                usage[container.label] = container.usage()
            except FileNotFoundError:
                continue  # it was restarted: the new container has other counters
        self.samples.append(
            Sample(
                at=time.time(),
                rows=self._rows(),
                written_lsn=written,
                confirmed_lsn=confirmed,
                offsets=self._topics.end(),
                usage=usage,
                machine_cpu_seconds=machine_cpu_seconds(),
                generator_cpu_seconds=time.process_time(),
                paused=self._paused(),
            )
        )

    def _paused(self) -> dict[str, float]:
        if time.monotonic() < self._pauses_due:
            return {}
        self._pauses_due = time.monotonic() + EVERY_SECONDS
        return self._pauses.paused()


def machine_cpu_seconds() -> float:
    """Return user, nice, system and interrupts: all but idle, waiting for disks, and stolen."""
    words = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _idle, _wait, interrupts, soft = map(int, words[:7])
    return (user + nice + system + interrupts + soft) / 100
