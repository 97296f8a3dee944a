"""What the source database knows: captured tables, replication slot, position of the WAL."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import psycopg
from psycopg import sql

from clients.database import Row
from clients.stack import StackError
from workload.changes import CapturedTable
from workload.schema import CHILDREN

# Opens a connection to the source database, in autocommit mode.
Connect = Callable[[], AbstractContextManager[psycopg.Connection[Row]]]

# pg_class.relreplident of REPLICA IDENTITY FULL
FULL = "f"


def sample_tables(
    connection: psycopg.Connection[Row], captured: Iterable[str]
) -> dict[str, CapturedTable]:
    """Return the sample schema's tables, by their name without the schema.

    Raises StackError if the stack does not capture all of them.
    """
    qualified = {table.split(".")[-1]: table for table in captured}
    absent = [table for table in CHILDREN if table not in qualified]
    if absent:
        raise StackError(
            "the sample schema's tables must be captured, but this stack does not capture"
            f" {', '.join(absent)}; see `datapipe:tables` in the stack file"
        )
    return {table: captured_table(connection, qualified[table]) for table in CHILDREN}


def captured_table(connection: psycopg.Connection[Row], table: str) -> CapturedTable:
    """Describe schema.table. Raises psycopg's UndefinedTable if it does not exist."""
    schema, name = table.split(".")
    everything = sql.SQL("SELECT * FROM {} LIMIT 0").format(sql.Identifier(schema, name))
    description = connection.execute(everything).description or []
    identity = connection.execute(
        "SELECT relreplident::text AS identity FROM pg_class WHERE oid = %s::regclass", [table]
    ).fetchone()
    return CapturedTable(
        name=table,
        columns=tuple(column.name for column in description),
        keeps_deleted_values=identity is not None and identity["identity"] == FULL,
    )


def present_rows(
    connection: psycopg.Connection[Row],
    tables: Iterable[CapturedTable],
    keys: Mapping[str, Iterable[Any]],
) -> dict[str, list[Row]]:
    """Return the rows with these keys that PostgreSQL holds now, by table."""
    found: dict[str, list[Row]] = {}
    for table in tables:
        query = sql.SQL("SELECT * FROM {} WHERE {} = ANY(%s)").format(
            sql.Identifier(*table.name.split(".")), sql.Identifier(table.key)
        )
        wanted = list(keys.get(table.name, ()))
        found[table.name] = connection.execute(query, [wanted]).fetchall() if wanted else []
    return found


def require_replication(connection: psycopg.Connection[Row]) -> None:
    """Raise StackError if the database has no usable replication slot.

    Changes made before the slot exists are never captured. Once it exists they are, even while the
    connector is away.
    """
    slots = connection.execute(
        "SELECT slot_name FROM pg_replication_slots"
        " WHERE database = current_database() AND NOT temporary AND wal_status <> 'lost'"
    ).fetchall()
    if not slots:
        raise StackError(
            "PostgreSQL has no usable replication slot: the source connector has not started yet,"
            " or the slot was lost; run `make status`"
        )


def wal_position(connection: psycopg.Connection[Row]) -> int:
    """Return where PostgreSQL writes the next change in its WAL, in bytes, as Debezium's lsn."""
    row = connection.execute(
        "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint AS position"
    ).fetchone()
    assert row is not None  # noqa: S101  a SELECT without FROM has one row
    return int(row["position"])
