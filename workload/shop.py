"""The load: a small shop whose customers register, order, change their minds and leave."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import psycopg
from psycopg import sql

from clients.database import Row
from polling import poll_until
from workload.changes import CapturedTable, Change, Commit
from workload.rows import Live, RowMaker
from workload.schema import CHILDREN, PARENTS
from workload.source import wal_position

# How often each action is chosen, of 100. Deletes cascade to children, so they are rare.
ACTIONS = {
    ("insert", "users"): 12,
    ("insert", "products"): 10,
    ("insert", "orders"): 18,
    ("insert", "order_items"): 22,
    ("update", "users"): 6,
    ("update", "products"): 10,
    ("update", "orders"): 10,
    ("update", "order_items"): 4,
    ("delete", "users"): 2,
    ("delete", "products"): 1,
    ("delete", "orders"): 2,
    ("delete", "order_items"): 3,
}

# At most so many actions are one transaction.
TRANSACTION_ACTIONS = 20
# Share of transactions that are rolled back: nothing of them may reach the archive.
ROLLED_BACK = 0.05
# PostgreSQL notices a lost client within moments.
STATUS_SECONDS = 120


@dataclass(frozen=True)
class InDoubt:
    """A transaction whose COMMIT was sent and not answered; the server knows how it ended."""

    transaction: str
    """PostgreSQL's xid8"""
    changes: tuple[Change, ...]
    live: Live
    """the rows that exist if it was committed"""


class Shop:
    """Makes seeded changes to its own rows, and returns exactly what was changed.

    Rows of earlier runs are left alone. What a statement changed is taken from RETURNING, which has
    the effect of defaults and triggers too. Rows that a delete cascades to are read before it.
    """

    def __init__(
        self, connection: psycopg.Connection[Row], tables: Mapping[str, CapturedTable], seed: int
    ) -> None:
        self._connection = connection
        self._tables = tables
        self._random = Random(seed)  # noqa: S311  repeatable, not secret
        self._live: Live = {table: [] for table in CHILDREN}
        self._in_doubt: InDoubt | None = None
        # E-mail addresses are unique in the table, and the same seed may be used again.
        self._rows = RowMaker(self._random, run=f"{wal_position(connection):x}")

    def transaction(self) -> Commit | None:
        """Run a transaction; return None if it was rolled back or changed nothing.

        Raises psycopg.Error if the server refuses it or is gone. Call reconnect() before the
        next one then.
        """
        before = {table: list(keys) for table, keys in self._live.items()}
        abandoned = self._random.random() < ROLLED_BACK
        changes: list[Change] = []
        try:
            with self._connection.transaction(force_rollback=abandoned):
                for _ in range(self._random.randint(1, TRANSACTION_ACTIONS)):
                    changes += self._action()
                if not abandoned:
                    self._in_doubt = InDoubt(self._transaction_id(), tuple(changes), self._live)
        except psycopg.Error:
            self._live = before
            raise
        self._in_doubt = None
        if abandoned:
            self._live = before
            return None
        return Commit(tuple(changes), time.time()) if changes else None

    def reconnect(self, connection: psycopg.Connection[Row]) -> Commit | None:
        """Go on with a new connection.

        Return the last transaction of the broken one if it was committed. Raises psycopg.Error
        if this connection breaks too; reconnect() can then be called again.
        """
        self._connection = connection
        if self._in_doubt is None:
            return None
        doubtful = self._in_doubt
        committed = _was_committed(connection, doubtful.transaction)
        self._in_doubt = None
        if not committed:
            return None
        self._live = doubtful.live
        return Commit(doubtful.changes, time.time()) if doubtful.changes else None

    def _transaction_id(self) -> str:
        row = self._connection.execute("SELECT pg_current_xact_id()::text AS id").fetchone()
        assert row is not None  # noqa: S101  a SELECT without FROM has one row
        return str(row["id"])

    def _action(self) -> list[Change]:
        action, table = self._random.choices(list(ACTIONS), weights=list(ACTIONS.values()))[0]
        if action == "insert":
            return self._insert(self._first_without_parent(table))
        if not self._live[table]:
            return []
        return self._update(table) if action == "update" else self._delete(table)

    def _first_without_parent(self, table: str) -> str:
        """Return the table itself, or the parent table that must get a row before it."""
        for parent in PARENTS[table]:
            if not self._live[parent]:
                return self._first_without_parent(parent)
        return table

    def _insert(self, table: str) -> list[Change]:
        row = self._rows.new(table, self._live)
        query = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING *").format(
            self._identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(map(sql.Placeholder, row)),
        )
        changes = self._run_query(table, "c", query, row)
        self._live[table] += [change.key for change in changes]
        return changes

    def _update(self, table: str) -> list[Change]:
        """Update a few rows in one statement."""
        keys = self._random.sample(
            self._live[table], min(len(self._live[table]), self._random.randint(1, 3))
        )
        row = self._rows.changed(table)
        assignments = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(column), sql.Placeholder(column))
            for column in row
        )
        query = sql.SQL("UPDATE {} SET {} WHERE id = ANY(%(keys)s) RETURNING *").format(
            self._identifier(table), assignments
        )
        return self._run_query(table, "u", query, {**row, "keys": keys})

    def _delete(self, table: str) -> list[Change]:
        keys = [self._random.choice(self._live[table])]
        cascaded = self._descendants(table, keys)
        query = sql.SQL("DELETE FROM {} WHERE id = ANY(%(keys)s) RETURNING *").format(
            self._identifier(table)
        )
        changes = [*self._run_query(table, "d", query, {"keys": keys}), *cascaded]
        for change in changes:
            self._live[change.table.split(".")[-1]].remove(change.key)
        return changes

    def _descendants(self, table: str, keys: list[Any]) -> list[Change]:
        """Return the deletes that deleting these rows cascades to."""
        changes: list[Change] = []
        for child, column in CHILDREN[table]:
            query = sql.SQL("SELECT * FROM {} WHERE {} = ANY(%(keys)s) FOR UPDATE").format(
                self._identifier(child), sql.Identifier(column)
            )
            found = self._run_query(child, "d", query, {"keys": keys})
            changes += found + self._descendants(child, [change.key for change in found])
        return changes

    def _run_query(
        self, table: str, operation: str, query: sql.Composed, parameters: Mapping[str, Any]
    ) -> list[Change]:
        rows = self._connection.execute(query, parameters).fetchall()
        return [self._tables[table].change(operation, row) for row in rows]

    def _identifier(self, table: str) -> sql.Identifier:
        return sql.Identifier(*self._tables[table].name.split("."))


def _was_committed(connection: psycopg.Connection[Row], transaction: str) -> bool:
    """Return how a transaction ended; wait if its server process still runs.

    Raises psycopg.OperationalError if that takes too long.
    """

    def ended() -> str | None:
        row = connection.execute(
            "SELECT pg_xact_status(%s::xid8) AS status", [transaction]
        ).fetchone()
        status = str(row["status"]) if row else "unknown"
        return None if status == "in progress" else status

    end = poll_until(
        ended,
        timeout=STATUS_SECONDS,
        interval=0.1,
        description=f"transaction {transaction} to end",
        error=psycopg.OperationalError,
    )
    return end == "committed"
