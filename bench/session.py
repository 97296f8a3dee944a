"""One connection of the load: runs batches as transactions, and survives lost connections."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress

import psycopg
from psycopg import sql

from bench.journal import BatchJournal, CommittedBatch
from bench.row_values import COLUMNS, UPDATES, Parents
from bench.schedule import Batch
from clients.database import Row
from clients.stack import StackError
from workload.source import Connect

RETRY_SECONDS = 1.0
# After its end, a load waits so long for a server that must say how a transaction ended.
DOUBT_SECONDS = 120.0
BEGUN = "SELECT (extract(epoch FROM now()) * 1000000)::bigint AS written_us"
# The errors of a server that is away, starting, stopping or out of disk.
LOST: tuple[type[Exception], ...] = (psycopg.OperationalError, psycopg.InterfaceError, StackError)


class RowsChangedError(StackError):
    """Rows of the load are not as the load has left them; trying again would not help."""


class Session:
    """Executes batches one after the other; each is committed exactly once, or not at all.

    If the connection is lost in a commit, the rows show whether it was made, because nobody else
    changes them.
    """

    def __init__(self, connect: Connect, journal: BatchJournal, wanted: Callable[[], bool]) -> None:
        """`wanted` is called before every attempt and returns whether to go on trying."""
        self._connect, self._journal, self._wanted = connect, journal, wanted
        self._open = ExitStack()
        self._connection: psycopg.Connection[Row] | None = None
        self._makers = {table: journal.values.rows(table) for table in COLUMNS}
        self._number = 0
        self.retried = 0

    def close(self) -> None:
        """Close the connection."""
        self._open.close()

    def execute(self, batch: Batch, due: float) -> CommittedBatch | None:
        """Commit a batch; return None if it is no longer wanted and was not committed.

        Raises psycopg.Error if the server refuses the batch itself, and StackError if something
        else has changed the load's rows, or how a commit ended can't be found out.
        """
        begun = time.time()
        in_doubt: tuple[int, float] | None = None
        while self._wanted() or _asks_again(in_doubt):
            try:
                connection = self._connected()
                if in_doubt is not None and self._was_committed(connection, batch):
                    return self._committed(batch, in_doubt[0], due, begun, in_doubt[1])
                if in_doubt is not None and not self._wanted():
                    return None
                in_doubt = None
                with connection.transaction():
                    row = connection.execute(BEGUN).fetchone() or {}
                    self._change(connection, batch)
                    in_doubt = (int(row["written_us"]), time.time())
                return self._committed(batch, in_doubt[0], due, begun, time.time())
            except RowsChangedError:
                raise
            except LOST:
                self.retried += 1
                self._disconnect()
                time.sleep(RETRY_SECONDS)
        return None

    def _connected(self) -> psycopg.Connection[Row]:
        if self._connection is None:
            self._connection = self._open.enter_context(self._connect())
        return self._connection

    def _disconnect(self) -> None:
        with suppress(*LOST):
            self._open.close()
        self._open, self._connection = ExitStack(), None

    def _change(self, connection: psycopg.Connection[Row], batch: Batch) -> None:
        first = self._first_key(batch)
        keys = range(first, first + batch.rows)
        table = sql.Identifier(batch.schema, batch.table)
        if batch.operation == "c":
            columns = sql.SQL(", ").join(map(sql.Identifier, COLUMNS[batch.table]))
            copy = sql.SQL("COPY {} ({}) FROM STDIN").format(table, columns)
            make, parents = self._makers[batch.table], self._parents(batch)
            with connection.cursor().copy(copy) as rows:
                rows.write("".join([make(key, parents) for key in keys]))
            return
        if batch.operation == "u":
            statement = sql.SQL("UPDATE {} SET {} WHERE id BETWEEN %(first)s AND %(last)s").format(
                table, sql.SQL(UPDATES[batch.table])
            )
        else:
            statement = sql.SQL("DELETE FROM {} WHERE id BETWEEN %(first)s AND %(last)s").format(
                table
            )
        parameters: Mapping[str, object] = {
            "first": keys[0],
            "last": keys[-1],
            "version": batch.version,
        }
        changed = connection.execute(statement, parameters, prepare=True).rowcount
        if changed != batch.rows:
            raise RowsChangedError(
                f"{batch.schema}.{batch.table}: {changed} of {batch.rows} rows exist; something"
                " else changes the load's rows"
            )

    def _was_committed(self, connection: psycopg.Connection[Row], batch: Batch) -> bool:
        condition = sql.SQL(UPDATES[batch.table] if batch.operation == "u" else "TRUE")
        query = sql.SQL("SELECT id FROM {} WHERE id = %(key)s AND ({})").format(
            sql.Identifier(batch.schema, batch.table), condition
        )
        parameters: Mapping[str, object] = {"key": self._first_key(batch), "version": batch.version}
        found = connection.execute(query, parameters).fetchone() is not None
        return found != (batch.operation == "d")

    def _committed(
        self, batch: Batch, written_us: int, due: float, begun: float, at: float
    ) -> CommittedBatch:
        self._number += 1
        return CommittedBatch(batch, self._number, written_us, due, begun, at)

    def _first_key(self, batch: Batch) -> int:
        return self._journal.first_keys[f"{batch.schema}.{batch.table}"] + batch.first

    def _parents(self, batch: Batch) -> Parents:
        return self._journal.parents(batch.schema)


def _asks_again(in_doubt: tuple[int, float] | None) -> bool:
    """Return whether a transaction may have been committed. Raises StackError after a while."""
    if in_doubt is None:
        return False
    if time.time() - in_doubt[1] > DOUBT_SECONDS:
        raise StackError(
            "PostgreSQL did not say within"
            f" {DOUBT_SECONDS:g} s whether it has committed the load's last transaction"
        )
    return True
