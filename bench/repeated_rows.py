"""How many rows of a snapshot are in the archive more than once, counted by their keys."""

from collections.abc import Collection, Sequence

from clients.stack import StackError
from verification.archive_state import registered
from verification.archived_table import OPERATION, ArchivedTable
from verification.options import Log
from verification.pipeline import Pipeline
from verification.source_table import describe, quoted
from verification.working_database import working_database

# __op is r for a row that a snapshot has read.
READ = "{into} SELECT {key} FROM chunk WHERE __op = 'r'"
REPEATED = """
SELECT coalesce(sum(times - 1), 0) FROM (SELECT count(*) AS times FROM keys GROUP BY {key})
"""


def repeated_rows(pipeline: Pipeline, tables: Collection[str], log: Log) -> dict[str, int]:
    """Return for each table how many read rows the archive has in addition to one of each key.

    A table of which nothing is archived has none. Raises StackError for a table without a primary
    key.
    """
    repeated = {}
    with pipeline.connect() as connection:
        for table in tables:
            key = [column.name for column in describe(connection, table).key]
            archived = pipeline.archive(table, 0)
            if not key:
                raise StackError(f"{table} has no primary key by which its rows can be counted")
            log(f"{table}: counting the archived rows by key")
            repeated[table] = _repeated(archived, key) if archived and archived.paths else 0
    return repeated


def _repeated(archived: ArchivedTable, key: Sequence[str]) -> int:
    """Read each file once; DuckDB puts on the disk what does not fit into its memory."""
    names = ", ".join(map(quoted, key))
    with working_database() as database:
        for number, rows in enumerate(archived.chunks(archived.paths, {*key, OPERATION})):
            into = "INSERT INTO keys" if number else "CREATE TABLE keys AS"
            with registered(database, "chunk", rows):
                database.execute(READ.format(into=into, key=names))
        ((repeated,),) = database.execute(REPEATED.format(key=names)).fetchall()
    return int(repeated)
