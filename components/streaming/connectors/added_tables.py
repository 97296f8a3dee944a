"""Tables that a running source connector did not capture: the rows that they have are read.

They were added to its list, or the database changed so that the archive missed something of them.

Debezium reads existing rows only while it has no offsets. Its own way to do it later, a blocking
snapshot on a signal, is not sound in 2.4.2: if it fails the connector reads no more changes
and yet is RUNNING (DBZ-8244); if the worker dies during it, all tables are read again (DBZ-7903);
its offsets are after changes of other tables that were not read yet (DBZ-9337); and a signal that
comes before its reader is lost silently. Its incremental snapshot writes to the database.

So a second connector reads the rows, to the same topics and as a first snapshot does, from its own
slot, which shows which changes they hold. It writes no changes, which are the first one's to
write, and goes when it is done. Its offsets, which survive a killed update, say how far it is.

The first connector captures the tables before their rows are read, so nothing is missing. What is
changed in between, some seconds, comes twice: as `r`, and as a change with a higher __source_lsn.
Before the rows of each table the reader writes a TRUNCATE: what the archive has from before, such
as rows that were deleted while the table was not captured, is not current any more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from components.streaming.connectors import progress
from components.streaming.connectors.debezium import (
    CAPTURING_CLASSES,
    CHANNELS,
    LONGEST_SLOT_NAME,
)
from components.streaming.connectors.lifecycle import converge
from kafka_connect.failures import (
    ConnectorMissingError,
    ConnectUnavailableError,
    UnsettledError,
)
from kafka_connect.snapshot import (
    POSITION,
    all_is_read,
    reads_existing_rows,
    truncating_first,
)
from kafka_connect.startup import (
    ConnectorFailedError,
    ExplainWait,
    NotInTimeError,
    ProgressLog,
    Timeouts,
    unexplained,
)
from kafka_connect.status import Status, explain
from polling import poll_until

if TYPE_CHECKING:
    from kafka_connect.client import ConnectClient

# Where the connector has none: the reader's last one says that all is read.
HEARTBEAT_MS = "30000"

# A property of our own.
ENTRIES = "captured.tables.entries"
# Its value until the offsets of earlier readings, which have the reader's name, are gone.
NOT_BEGUN = "not begun"

# Some 13 MiB of heap (memory.py), as it runs in addition to connectors that fill the worker.
READER_BUFFERS = {"max.queue.size": "2048", "max.batch.size": "512"}
READER_BUFFER_BYTES = 8 * 1024 * 1024
LARGEST_RECORD = "producer.override.max.request.size"


def captured_tables(config: Mapping[str, str]) -> tuple[str, ...]:
    """Return the tables of a Debezium connector's configuration; none for other kinds."""
    if config.get("connector.class") not in CAPTURING_CLASSES:
        return ()
    return tuple(filter(None, config.get("table.include.list", "").split(",")))


def unread_tables(config: Mapping[str, str], read: Collection[str]) -> tuple[str, ...]:
    """Return the captured tables whose existing rows are wanted and not among those `read`."""
    if not reads_existing_rows(config):
        return ()
    known = frozenset(read)
    return tuple(table for table in captured_tables(config) if table not in known)


def reader_name(connector: str) -> str:
    """Return the name of the connector that reads existing rows for another."""
    return f"{connector}-added-tables"


@dataclass(frozen=True)
class TablesToRead:
    """Tables whose rows are read, as the database had them when its schema was applied."""

    names: tuple[str, ...]
    wal_position: int | None = None
    """from before the reading; None: not known, and no TRUNCATE comes before the rows"""
    entries: str = ""
    """by which a reader that was begun shows whether it reads these tables or earlier ones"""


def reader_config(config: Mapping[str, str], tables: TablesToRead) -> dict[str, str]:
    """Return the configuration that reads only the tables' rows, as `config` would at first."""
    suffix = "_added"
    slot = config["slot.name"][: LONGEST_SLOT_NAME - len(suffix)] + suffix
    heartbeat = config.get("heartbeat.interval.ms", "0")
    watching = (CHANNELS, "captured.tables.query")
    plain = {key: value for key, value in config.items() if key not in watching}
    if tables.wal_position is not None:
        plain = truncating_first(plain, tables.wal_position)
    return {
        **plain,
        ENTRIES: tables.entries,
        "table.include.list": ",".join(tables.names),
        "slot.name": slot,
        "slot.drop.on.stop": "true",
        "skipped.operations": "c,u,d,t",
        "provide.transaction.metadata": "false",
        "heartbeat.interval.ms": HEARTBEAT_MS if heartbeat == "0" else heartbeat,
        # The metrics' names are those of the topic prefix, which both connectors have.
        "custom.metric.tags": "reads=added-tables",
        **READER_BUFFERS,
        # A record must fit; Kafka's default of the largest is 1 MiB.
        "producer.override.buffer.memory": str(
            max(READER_BUFFER_BYTES, 2 * int(config.get(LARGEST_RECORD, 0)))
        ),
    }


def read_rows(
    client: ConnectClient,
    connector: str,
    config: Mapping[str, str],
    tables: TablesToRead,
    timeouts: Timeouts,
    *,
    explain_wait: ExplainWait = unexplained,
) -> None:
    """Write the rows that the tables have now to their topics; return when all are there.

    Call it when no task of the connector runs any more that does not capture the tables yet.

    Raises ConnectorFailedError with the cause where they can't be read. Raises NotInTimeError when
    the time is over: reading goes on, and the next call waits for it again.
    """
    reader, wanted = reader_name(connector), reader_config(config, tables)
    timeouts = replace(timeouts, settle=0)
    if begun := _begun(client, reader, wanted):
        wanted = begun
    else:
        announce(client, connector, config, tables, timeouts)
        client.reset_offsets(reader)
    progress.info(f"{reader}: reads the rows that {', '.join(tables.names)} had before")
    try:
        converge(client, reader, wanted, "RUNNING", timeouts, explain_wait=explain_wait)
        _wait_until_read(client, reader, timeouts)
    except ConnectorFailedError:
        _retire(client, reader, wanted, timeouts)
        raise
    _retire(client, reader, wanted, timeouts)


def announce(
    client: ConnectClient,
    connector: str,
    config: Mapping[str, str],
    tables: TablesToRead,
    timeouts: Timeouts,
) -> None:
    """Let a stopped reader name the tables that it has to read.

    An update that is killed leaves that, so that the next one knows what was not read.
    """
    reader = reader_name(connector)
    wanted = {**reader_config(config, tables), ENTRIES: NOT_BEGUN}
    converge(client, reader, wanted, "STOPPED", replace(timeouts, settle=0))


def announced(client: ConnectClient, connector: str) -> tuple[str, ...]:
    """Return the tables that the reader of a killed update has to read."""
    try:
        return captured_tables(client.config(reader_name(connector)))
    except ConnectorMissingError:
        return ()


def remove_reader(client: ConnectClient, connector: str) -> None:
    """Remove the reader that a killed update left; its slot goes with its task."""
    with suppress(ConnectorMissingError):
        client.delete(reader_name(connector))


def _begun(client: ConnectClient, reader: str, wanted: Mapping[str, str]) -> dict[str, str] | None:
    """Return the configuration with which an update that ended early began to read these tables.

    It has its own position in the WAL, which is from before that reading.
    """
    try:
        present = client.config(reader)
    except ConnectorMissingError:
        return None
    same = all(present.get(key) == wanted.get(key) for key in ("table.include.list", ENTRIES))
    position = {POSITION: present[POSITION]} if POSITION in present else {}
    return {**wanted, **position} if same else None


def _wait_until_read(client: ConnectClient, reader: str, timeouts: Timeouts) -> None:
    log = ProgressLog(progress.info, timeouts.report, first=timeouts.report)

    def is_read() -> bool:
        # While a worker restarts, the wait goes on: the reader continues after the restart.
        with suppress(ConnectUnavailableError, UnsettledError):
            if all_is_read(client.offsets(reader)):
                return True
            status = Status.from_response(client.status(reader))
            if status.failed:
                raise ConnectorFailedError(explain(reader, status))
        log(f"{reader}: reading")
        return False

    poll_until(
        is_read,
        timeout=timeouts.timeout,
        interval=timeouts.poll,
        description=f"{reader} to read the existing rows",
        error=lambda message: NotInTimeError(
            f"{message}. The reader continues; run up again to wait for its end"
            " (connect.snapshotTimeoutSeconds is the timeout)."
        ),
    )


def _retire(client: ConnectClient, reader: str, config: dict[str, str], timeouts: Timeouts) -> None:
    """Remove the reader for good: with its offsets, or a later one would take them for its own."""
    converge(client, reader, config, "STOPPED", timeouts)
    client.reset_offsets(reader)
    client.delete(reader)
