"""One run of the demo: writes, watches the archive meanwhile, and compares in the end."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg

from clients.archive import Archive
from clients.database import Row
from clients.stack import StackError
from demo.changes import ArchivedChange, Captured, Change, captured, rows_with_keys
from demo.comparison import (
    Comparison,
    Key,
    StateDifference,
    compare,
    compare_state,
    final_rows,
)
from demo.shop import CHILDREN
from demo.watching import Patience, Report, watch
from demo.writer import Writer


@dataclass(frozen=True)
class Load:
    """What is written."""

    changes: int
    """rows to change, at least"""
    seed: int


@dataclass(frozen=True)
class Result:
    """What a run has shown."""

    tables: tuple[Captured, ...]
    changes: tuple[Change, ...]
    """committed, in that order"""
    comparison: Comparison
    differences: list[StateDifference]
    """rows in which PostgreSQL and the archive's last word on them disagree"""
    delays: dict[str, list[float]]
    """seconds from commit to archive, per table"""

    @property
    def agrees(self) -> bool:
        """Whether the archive holds exactly what was committed."""
        return self.comparison.agrees and not self.differences


def run(
    connection: psycopg.Connection[Row],
    archive: Archive,
    captured_tables: Iterable[str],
    *,
    load: Load,
    patience: Patience,
    report: Report,
) -> Result:
    """Change rows, wait until the archive holds the changes or the deadline is over, and compare.

    Nobody else may write to the tables meanwhile: a foreign change would be unexpected.
    Raises StackError where the stack can't run the demo.
    """
    tables = sample_tables(connection, captured_tables)
    require_replication(connection)
    writer = Writer(connection, tables, load.changes, load.seed)

    def read() -> list[ArchivedChange]:
        return read_archive(archive, tables.values(), writer.first_lsn, writer.last_lsn)

    archived, arrivals = watch(read, writer, patience, report)
    return Result(
        tables=tuple(tables.values()),
        changes=tuple(writer.changes()),
        comparison=compare(writer.changes(), [each.change for each in archived]),
        differences=compare_state(
            _rows(connection, tables.values(), writer.changes()), final_rows(archived)
        ),
        delays=arrivals.delays(
            (change, commit.at) for commit in writer.commits for change in commit.changes
        ),
    )


def sample_tables(
    connection: psycopg.Connection[Row], captured_tables: Iterable[str]
) -> dict[str, Captured]:
    """The sample schema's tables, by their name without the schema.

    Raises StackError where the stack does not capture all of them.
    """
    qualified = {table.split(".")[-1]: table for table in captured_tables}
    absent = [table for table in CHILDREN if table not in qualified]
    if absent:
        raise StackError(
            f"the demo needs the sample schema; this stack does not capture {', '.join(absent)}"
        )
    return {table: captured(connection, qualified[table]) for table in CHILDREN}


def require_replication(connection: psycopg.Connection[Row]) -> None:
    """Raises StackError where no connector follows the database: its changes would be lost to us.

    From the slot's creation on every change is streamed, even while the connector is away.
    """
    slots = connection.execute(
        "SELECT slot_name FROM pg_replication_slots"
        " WHERE database = current_database() AND NOT temporary AND wal_status <> 'lost'"
    ).fetchall()
    if not slots:
        raise StackError(
            "PostgreSQL has no usable replication slot: the source connector has not started yet,"
            " or was away for too long. make status shows it"
        )


def read_archive(
    archive: Archive, tables: Iterable[Captured], first_lsn: int, last_lsn: int | None
) -> list[ArchivedChange]:
    """The archived changes of these tables between two positions of the WAL."""
    return [
        change
        for table in tables
        for change in table.archived(archive.changes(table.table, since_lsn=first_lsn))
        if last_lsn is None or change.lsn < last_lsn
    ]


def _rows(
    connection: psycopg.Connection[Row], tables: Iterable[Captured], changes: Iterable[Change]
) -> dict[Key, tuple[Any, ...]]:
    """What PostgreSQL holds now of the rows that were changed."""
    keys = {(change.table, change.key) for change in changes}
    return {
        (table.table, key): values
        for table in tables
        for key, values in rows_with_keys(
            connection, table, [key for name, key in keys if name == table.table]
        ).items()
    }
