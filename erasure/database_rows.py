"""What PostgreSQL has of a key, and how far the archive is behind it."""

from collections.abc import Callable
from typing import LiteralString

import psycopg
from psycopg import sql

from clients import database
from clients.database import Row
from clients.stack import StackError, StackOutputs
from erasure.key import Key, condition
from polling import NotReadyError, poll_until
from verification.options import NotReachedError
from verification.pipeline_position import PipelinePosition

# As long as make verify waits for the archive.
ARCHIVE_SECONDS = 300
POLL_SECONDS = 2.0
POSITION = "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint AS position"
REFERENCES: LiteralString = """
SELECT referring.conrelid::regclass::text AS table,
    string_agg(attname, ', ' ORDER BY position) AS columns
FROM pg_constraint AS referring
CROSS JOIN LATERAL unnest(referring.conkey) WITH ORDINALITY AS part (number, position)
JOIN pg_attribute ON attrelid = referring.conrelid AND attnum = part.number
WHERE referring.contype = 'f' AND referring.confrelid = {table}::regclass
    AND referring.conparentid = 0
GROUP BY referring.oid, referring.conrelid ORDER BY 1, 2
"""


def has_row(connection: psycopg.Connection[Row], key: Key) -> bool:
    """Return whether PostgreSQL has a row of the key."""
    where, values = condition(key)
    query = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {}) AS present").format(
        sql.Identifier(*key.table.split(".", 1)), where
    )
    row = connection.execute(query, values).fetchone()
    return row is not None and bool(row["present"])


def referring_tables(connection: psycopg.Connection[Row], key: Key) -> list[str]:
    """Return the tables whose foreign keys refer to the key's, as `schema.table (columns)`."""
    quoted = sql.Identifier(*key.table.split(".", 1)).as_string(connection)
    query = sql.SQL(REFERENCES).format(table=sql.Literal(quoted))
    return [f"{row['table']} ({row['columns']})" for row in connection.execute(query).fetchall()]


def wait_until_archived(outputs: StackOutputs, table: str, log: Callable[[str], None]) -> None:
    """Wait until the archive has every change that is committed now, such as the row's deletion.

    Raises StackError if it does not get so far.
    """
    position = PipelinePosition(outputs, lambda: database.connect(outputs))
    with database.connect(outputs) as connection:
        row = connection.execute(POSITION).fetchone()
    lsn = int(row["position"]) if row else 0

    def passed() -> bool:
        try:
            if position.passed(table, lsn):
                return True
        except NotReachedError as error:
            raise StackError(str(error)) from None
        raise NotReadyError(position.describe())

    log("waiting until every change of the table is archived")
    poll_until(
        passed,
        timeout=ARCHIVE_SECONDS,
        interval=POLL_SECONDS,
        description=f"the archive to have every change of {table} until now",
        error=StackError,
    )
