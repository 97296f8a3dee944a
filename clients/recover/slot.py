"""Recreates replication slots that PostgreSQL has invalidated, and has the tables read again."""

from dataclasses import dataclass

import psycopg

from clients import database
from clients.connect import Log, connect_client, reconfigure, stopped
from clients.database import Row
from clients.recover.damage import SLOT_SETTING, is_lost, slot_row
from clients.stack import StackError, StackOutputs
from kafka_connect.client import ConnectClient
from kafka_connect.positions import shift_of
from kafka_connect.snapshot import (
    FIRST_ROWS,
    all_is_read,
    truncating_first,
    without_truncate,
)
from polling import poll_until

# A longer snapshot continues after the command has ended.
SNAPSHOT_SECONDS = 120
POLL_SECONDS = 2
# The drop of a slot waits for the connector's task to release it.
RELEASE_SECONDS = 30


@dataclass(frozen=True)
class Recovered:
    """A slot that was recreated."""

    connector: str
    slot: str
    # Position in the WAL, as __source_lsn.
    complete_from: int
    snapshot_finished: bool

    def __str__(self) -> str:
        continues = (
            ""
            if self.snapshot_finished
            else " The snapshot continues, bin/datapipe status shows its lag; run make up when it"
            " is finished, which restores the connector's configuration."
        )
        return (
            f"{self.connector}: recreated the slot {self.slot}; the tables are read again from the"
            f" beginning.{continues}\n"
            "  Changes between the loss and now are not in the archive's history. Its current state"
            " is complete: the rows of each table come after a TRUNCATE, in the positions\n"
            f"  WHERE __source_lsn >= {self.complete_from - FIRST_ROWS}."
        )


def recover_slots(outputs: StackOutputs, log: Log) -> list[Recovered]:
    """Recreate each slot of a database that is lost or missing; return what was recreated.

    Raises StackError if the database or Connect can't be used, ConnectError if Connect refuses.
    """
    client = connect_client(outputs)
    recovered = []
    with database.connect(outputs) as connection:
        for name in outputs.source_connectors:
            slot = client.config(name).get(SLOT_SETTING)
            if slot is not None and is_lost(slot_row(connection, slot)):
                recovered.append(_recover(client, connection, name, slot, log))
    return recovered


def _recover(
    client: ConnectClient, connection: psycopg.Connection[Row], name: str, slot: str, log: Log
) -> Recovered:
    present = client.config(name)
    # A recovery that was interrupted has left its own.
    config = without_truncate(present)
    with stopped(client, name, log, start_after_error=False):
        complete_from = _wal_position(connection)
        snapshot = truncating_first(config, complete_from)
        begin_again(client, connection, name, snapshot, log)
    finished = _snapshot_finishes(client, name)
    if finished and snapshot != config:
        reconfigure(client, name, config, log)
    return Recovered(name, slot, complete_from + shift_of(config), finished)


def begin_again(
    client: ConnectClient,
    connection: psycopg.Connection[Row],
    name: str,
    snapshot: dict[str, str],
    log: Log,
) -> None:
    """Let a stopped connector read its tables from a new slot, with this configuration.

    The steps are in this order because any of them may fail, and an update may then start the
    connector. Without its configuration it would read the tables without a TRUNCATE, and deleted
    rows would stay current. With offsets, but without the slot, it could go on after a gap.
    """
    slot = snapshot[SLOT_SETTING]
    wait_until_free(connection, slot)
    client.put(name, snapshot)
    log(f"{name}: {client.reset_offsets(name)}")
    drop_slot(connection, slot, log)


def wait_until_free(connection: psycopg.Connection[Row], slot: str) -> None:
    """Wait until no task reads a slot. Raises StackError if another program reads it."""

    def is_free() -> bool:
        row = connection.execute(
            "SELECT bool_or(active) AS active FROM pg_replication_slots WHERE slot_name = %s",
            [slot],
        ).fetchone()
        return row is None or not row["active"]

    try:
        poll_until(
            is_free,
            timeout=RELEASE_SECONDS,
            interval=POLL_SECONDS,
            description=f"the reader of the slot {slot} to end",
        )
    except TimeoutError as error:
        raise StackError(f"{error}; another program reads the slot") from None


def drop_slot(connection: psycopg.Connection[Row], slot: str, log: Log) -> None:
    """Drop a slot that nobody reads; one that does not exist needs nothing."""
    connection.execute(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s",
        [slot],
    )
    log(f"dropped the slot {slot}, if it existed")


def _wal_position(connection: psycopg.Connection[Row]) -> int:
    row = connection.execute(
        "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint AS position"
    ).fetchone()
    assert row is not None  # noqa: S101  a SELECT without FROM has one row
    return int(row["position"])


def _snapshot_finishes(client: ConnectClient, name: str) -> bool:
    """Return whether Debezium's offsets are after the snapshot in time."""
    try:
        return poll_until(
            lambda: all_is_read(client.offsets(name)),
            timeout=SNAPSHOT_SECONDS,
            interval=POLL_SECONDS,
            description=f"the snapshot of {name}",
        )
    except TimeoutError:
        return False
