"""Has tables read again of which the archive misses something."""

import json
from collections.abc import Sequence

from psycopg import sql

from clients import database
from clients.captured_tables import Finding, findings, listed
from clients.cluster import Cluster
from clients.connect import Log
from clients.each_source import require_no_failures, run_for_each
from clients.stack import StackError, StackOutputs
from clients.table_reference import qualified
from clients.update import make_up

# Tables of a database, as schema.table.
Tables = tuple[StackOutputs, Sequence[str]]

PREFIX = "datapipe "
# The variable by which an update gets the tables of existing databases that it reads again, as
# source.schema.table; components/source/existing/database.py has the same.
READ_AGAIN = "DATAPIPE_READ_AGAIN"


def recover_tables(
    stack: str, sources: Sequence[StackOutputs], again: Sequence[Tables], log: Log
) -> list[Finding]:
    """Repair what has changed of captured tables in their databases; return what it was.

    The update that does it puts the tables into their publications and reads them again. `again`
    are tables to read whatever the database says.
    Raises StackError if something remains that the user must repair, if the update fails, or if a
    database can't be asked; the tables of the others are repaired then, too.
    """
    cluster = Cluster(sources[0])
    foreign: list[str] = []
    for own, tables in again:
        if own.managed:
            _forget(own, tables)
        else:
            # What the archive has of them is in the stack's state, which the update changes.
            foreign += [f"{own.source}.{table}" for table in tables]
    found, failures = _findings(sources, cluster)
    if refused := [finding for finding in found if finding.kind == "refused"]:
        raise StackError(f"these must be repaired first:\n{listed(refused)}")
    if found or foreign:
        for finding in found:
            log(str(finding))
        _update(stack, foreign, log)
        remaining, failures = _findings(sources, cluster)
        if remaining:
            raise StackError(f"the update did not repair everything:\n{listed(remaining)}")
    require_no_failures(failures)
    return [*found, *(Finding("missed", table, "it is read again") for table in foreign)]


def _findings(sources: Sequence[StackOutputs], cluster: Cluster) -> tuple[list[Finding], list[str]]:
    """Return what has changed in the databases, and a sentence for each that can't be asked."""

    def ask(own: StackOutputs) -> list[Finding]:
        found = findings(own, cluster)
        return [finding.renamed(lambda table: qualified(own, table)) for finding in found]

    found, failures = run_for_each(sources, ask)
    return [finding for each in found for finding in each], failures


def _update(stack: str, again: Sequence[str], log: Log) -> None:
    if not make_up(stack, log, {READ_AGAIN: ",".join(again)}):
        raise StackError("make up failed; run make recover again when its cause is repaired")


def _forget(outputs: StackOutputs, tables: Sequence[str]) -> None:
    """Remove what the publications' comments say that the archive has of the tables."""
    with database.connect(outputs) as connection:
        rows = connection.execute(
            "SELECT pubname, obj_description(oid, 'pg_publication') AS comment FROM pg_publication"
        ).fetchall()
        for row in rows:
            if not (row["comment"] or "").startswith(PREFIX):
                continue
            entries = json.loads(row["comment"].removeprefix(PREFIX))
            forgotten = entries | {table: {} for table in tables if table in entries}
            connection.execute(
                sql.SQL("COMMENT ON PUBLICATION {} IS {}").format(
                    sql.Identifier(row["pubname"]), PREFIX + json.dumps(forgotten)
                )
            )
