"""A replication slot that PostgreSQL gave up: the tables are read anew."""

import time
from dataclasses import dataclass

import psycopg

from clients import database
from clients.connect import Say, connect_client, stopped
from clients.database import Row
from clients.stack import StackOutputs
from kafka_connect.client import ConnectClient

SLOT_SETTING = "slot.name"
LOST = "lost"
SNAPSHOT_SECONDS = 120
"""for which a snapshot is waited for; a larger one goes on without us"""
POLL_SECONDS = 2


@dataclass(frozen=True)
class Recovered:
    """A slot that was made anew."""

    connector: str
    slot: str
    complete_from: int
    """position in the WAL, as __source_lsn"""
    finished: bool
    """whether the snapshot is over"""

    def __str__(self) -> str:
        going_on = "" if self.finished else " The snapshot goes on; make status shows its lag."
        return (
            f"{self.connector}: slot {self.slot} made anew, the tables are read from the beginning."
            f"{going_on}\n"
            "  Changes between the loss and now are not in the archive's history. Its state is"
            f" complete among the rows WHERE __source_lsn >= {self.complete_from}:\n"
            "  the last of each key there is the row as it is now, a key without one was deleted."
        )


def recover_slots(outputs: StackOutputs, say: Say) -> list[Recovered]:
    """Make each source connector's slot anew that is lost or missing; none where all are well.

    Raises StackError where the database or Connect can't be used, ConnectError where Connect
    refuses.
    """
    client = connect_client(outputs)
    recovered = []
    with database.connect(outputs) as connection:
        for name in outputs.connectors:
            slot = client.config(name).get(SLOT_SETTING)
            if slot is not None and _is_lost(connection, slot):
                recovered.append(_recover(client, connection, name, slot, say))
    return recovered


def _recover(
    client: ConnectClient, connection: psycopg.Connection[Row], name: str, slot: str, say: Say
) -> Recovered:
    with stopped(client, name, say):
        connection.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
            " WHERE slot_name = %s",
            [slot],
        )
        say(f"dropped the slot {slot}")
        say(client.reset_offsets(name))
        complete_from = _position(connection)
    return Recovered(name, slot, complete_from, _wait_for_snapshot(connection, slot))


def _is_lost(connection: psycopg.Connection[Row], slot: str) -> bool:
    """Whether PostgreSQL has removed WAL that the slot needs, or knows no such slot."""
    row = connection.execute(
        "SELECT wal_status FROM pg_replication_slots WHERE slot_name = %s", [slot]
    ).fetchone()
    return row is None or row["wal_status"] == LOST


def _position(connection: psycopg.Connection[Row]) -> int:
    row = connection.execute(
        "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint AS position"
    ).fetchone()
    assert row is not None  # noqa: S101  a SELECT without FROM has one row
    return int(row["position"])


def _wait_for_snapshot(connection: psycopg.Connection[Row], slot: str) -> bool:
    """Whether Debezium has begun to stream, which it does after the snapshot."""
    deadline = time.monotonic() + SNAPSHOT_SECONDS
    while time.monotonic() < deadline:
        row = connection.execute(
            "SELECT active FROM pg_replication_slots WHERE slot_name = %s", [slot]
        ).fetchone()
        if row is not None and row["active"]:
            return True
        time.sleep(POLL_SECONDS)
    return False
