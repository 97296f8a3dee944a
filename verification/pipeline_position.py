"""How far a stack's pipeline is: PostgreSQL's slot, the sink's consumer group, the commits.

A WAL position is passed once the source connector has confirmed it, so everything before it is in
Kafka; then the sink has read every record that was in the table's topic at that time; and, for
Iceberg, the sink's coordinator has committed what its tasks had written by then.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from clients.connect import connect_client
from clients.stack import StackError, StackOutputs
from clients.status.unknown import UNREACHABLE, on_one_line
from clients.topics import GroupReader, Partition
from kafka_connect.cluster_access import ClusterAccessError
from kafka_connect.failures import ConnectError
from verification.options import NotReachedError
from verification.pipeline import Connect

# A quiet database has no WAL that the connector could confirm. It is then given some.
QUIET_SECONDS = 4.0
# Debezium leaves out all logical messages, but confirms them (message.prefix.exclude.list).
MESSAGE = "SELECT pg_logical_emit_message(true, 'datapipe-verify', '')"
CONFIRMED = """
SELECT coalesce(min((confirmed_flush_lsn - '0/0'::pg_lsn)::bigint), -1) AS confirmed
FROM pg_replication_slots WHERE slot_name = %s
"""


@dataclass(frozen=True)
class _Connectors:
    """The connectors between a table and its archive."""

    slot: str
    sink: str
    control_topic: str | None
    """None for a sink without commits of its own"""


class PipelinePosition:
    """Asks PostgreSQL, Connect and Kafka. See ArchivePosition."""

    def __init__(self, outputs: StackOutputs, connect: Connect) -> None:
        """`connect` opens connections to the source database."""
        self._outputs, self._connect = outputs, connect
        self._connectors: dict[str, _Connectors] = {}
        self._question: tuple[str, int] | None = None
        self._began = 0.0
        self._is_emitted = False
        self._ends: Mapping[Partition, int] | None = None
        self._control_ends: Mapping[Partition, int] | None = None
        self._missing = "the archive's position is not known yet"

    def describe(self) -> str:
        """Return what passed() has found to be missing."""
        return self._missing

    def passed(self, table: str, lsn: int) -> bool:
        """Return whether the changes of a table up to a WAL position are readable.

        Raises NotReachedError if a part of the pipeline does not answer.
        """
        if self._question != (table, lsn):
            self._question, self._began, self._is_emitted = (table, lsn), time.monotonic(), False
            self._ends = self._control_ends = None
        try:
            return self._is_passed(table, lsn)
        except (*UNREACHABLE, ConnectError, ClusterAccessError, StackError) as error:
            raise NotReachedError(
                f"rows differ, and how far the archive is can't be found out: {on_one_line(error)}"
            ) from None

    def _is_passed(self, table: str, lsn: int) -> bool:
        connectors = self._of(table)
        if self._ends is None:
            if not self._is_confirmed(connectors.slot, lsn):
                return False
            with self._group(connectors) as group:
                self._ends = group.ends([self._outputs.topic_of(table)])
        with self._group(connectors) as group:
            if not group.reached(self._ends):
                self._missing = f"{connectors.sink} has not written every record of the topic yet"
                return False
        if connectors.control_topic is None:
            return True
        with self._group(connectors, "-coord") as group:
            if self._control_ends is None:
                self._control_ends = group.ends([connectors.control_topic])
            if not group.reached(self._control_ends):
                self._missing = f"{connectors.sink} has not committed what it has written yet"
                return False
        return True

    def _is_confirmed(self, slot: str, lsn: int) -> bool:
        with self._connect() as connection:
            row = connection.execute(CONFIRMED, [slot]).fetchone()
            confirmed = -1 if row is None else int(row["confirmed"])
            if confirmed >= lsn:
                return True
            if not self._is_emitted and time.monotonic() - self._began > QUIET_SECONDS:
                connection.execute(MESSAGE)
                self._is_emitted = True
        self._missing = (
            f"the replication slot {slot} does not exist"
            if confirmed < 0
            else f"the slot {slot} is {lsn - confirmed:,} bytes of WAL behind"
        )
        return False

    def _group(self, connectors: _Connectors, suffix: str = "") -> GroupReader:
        return GroupReader(self._outputs.kafka, f"connect-{connectors.sink}{suffix}")

    def _of(self, table: str) -> _Connectors:
        if table not in self._connectors:
            self._connectors[table] = self._find(table)
        return self._connectors[table]

    def _find(self, table: str) -> _Connectors:
        """Find the connectors by their configuration. Raises StackError if one is missing."""
        client = connect_client(self._outputs)
        slot = sink = control_topic = None
        # Another database may have a table of this name, so its connectors are not asked.
        for name in self._outputs.source_connectors:
            configuration = client.config(name)
            tables = configuration.get("table.include.list", "").split(",")
            if any(re.fullmatch(pattern.strip(), table) for pattern in tables):
                slot = configuration.get("slot.name")
        for name in self._outputs.sink_connectors:
            configuration = client.config(name)
            dead_letters = configuration.get("errors.deadletterqueue.topic.name")
            if dead_letters == self._outputs.dead_letter_topics.sink:
                sink = name
                control_topic = configuration.get("iceberg.control.topic")
        if slot is None or sink is None:
            raise StackError(f"no {'sink' if slot else 'source'} connector has the table {table}")
        return _Connectors(slot, sink, control_topic)
