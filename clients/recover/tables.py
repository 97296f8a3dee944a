"""Has tables read again of which the archive misses something."""

import json
import os
import subprocess
from collections.abc import Sequence

from psycopg import sql

from clients import database
from clients.captured_tables import Finding, findings, listed
from clients.cluster import Cluster
from clients.connect import Log
from clients.stack import PROJECT, StackError, StackOutputs

UPDATE = PROJECT / "scripts" / "up.sh"
PREFIX = "datapipe "
# A managed database keeps what the archive has of its tables itself.
NO_ENTRIES = "{}"


def recover_tables(
    stack: str, outputs: StackOutputs, again: Sequence[str], log: Log
) -> list[Finding]:
    """Repair what has changed of the captured tables in the database; return what it was.

    The update that does it puts the tables into their publications and reads them again. `again`
    are tables to read whatever the database says.
    Raises StackError if something remains that the user must repair, or the update fails.
    """
    cluster = Cluster(outputs)
    if unknown := [table for table in again if table not in outputs.tables]:
        raise StackError(f"the stack does not capture {', '.join(unknown)}")
    if again:
        if outputs.captured_entries != NO_ENTRIES:
            raise StackError(
                "--again does not work for an existing database (datapipe:sources) in this version"
            )
        _forget(outputs, again)
    found = findings(outputs, cluster)
    if refused := [finding for finding in found if finding.kind == "refused"]:
        raise StackError(f"these must be repaired first:\n{listed(refused)}")
    if not found:
        return []
    for finding in found:
        log(str(finding))
    log(f"make up STACK={stack}")
    done = subprocess.run([UPDATE], cwd=PROJECT, env={**os.environ, "STACK": stack}, check=False)
    if done.returncode != 0:
        raise StackError("make up failed; run make recover again when its cause is repaired")
    if remaining := findings(outputs, cluster):
        raise StackError(f"the update did not repair everything:\n{listed(remaining)}")
    return found


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
