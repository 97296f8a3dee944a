"""What the program leaves in a database that it does not capture any more, and who removes it.

The account that captures may drop the slot, without which the server would keep all WAL. The rest
belongs to the administrator.
"""

from __future__ import annotations

from components.config.existing_source import OBJECT_PREFIX, ExistingSource
from components.source.existing.problem import UnreachableError
from components.source.existing.quoting import identifier, literal
from components.source.existing.reach import connected
from components.source.existing.vantage_choice import open_way
from components.source.existing.worker_place import WorkerPlace

# For a task that has just ended.
RELEASE_SECONDS = 30
# A task that does not end loses its connection: both are of the same account.
_DROP = """
DO $$
BEGIN
  FOR attempt IN 1..{attempts} LOOP
    EXIT WHEN NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = {slot} AND active);
    IF attempt > {patience} THEN
      PERFORM pg_terminate_backend(active_pid) FROM pg_replication_slots
        WHERE slot_name = {slot} AND active;
    END IF;
    PERFORM pg_sleep(0.5);
  END LOOP;
  PERFORM pg_drop_replication_slot(slot_name)
    FROM pg_replication_slots WHERE slot_name = {slot};
END $$
"""


def release_slot(name: str, source: ExistingSource, worker: WorkerPlace | None) -> tuple[bool, str]:
    """Drop the slot of a source that nobody captures any more.

    Return whether that was possible, and what to tell the user. A database that can't be reached
    keeps the slot; the message has the SQL.
    """
    slot = literal(source.slot_name(name))
    drop = _DROP.format(slot=slot, attempts=RELEASE_SECONDS * 2, patience=RELEASE_SECONDS)
    try:
        with connected(open_way(name, source, worker)) as connection:
            connection.execute(drop.encode())
    except UnreachableError as error:
        return False, (
            f"{name}: its slot was not dropped, as the database can't be reached"
            f" ({error.problem.reason}). {kept(name, source)}"
        )
    return True, (
        f"{name}: dropped the slot {source.slot_name(name)}. Its administrator may remove the rest:"
        f" {removal_sql(name, source)}"
    )


def kept(name: str, source: ExistingSource) -> str:
    """Return the warning that the slot stays, with the SQL that removes everything."""
    return (
        f"The server {source.host} keeps all WAL from here on for the slot"
        f" {source.slot_name(name)}, which may fill its disk, until it is dropped: SELECT"
        f" pg_drop_replication_slot({literal(source.slot_name(name))});"
        f" {removal_sql(name, source)}"
    )


def removal_sql(name: str, source: ExistingSource) -> str:
    """Return the statements that remove what make source-sql has created, except for the slot."""
    account = identifier(source.user)
    return (
        f"DROP PUBLICATION IF EXISTS {identifier(source.publication_name(name))};"
        f" DROP SCHEMA IF EXISTS {identifier(OBJECT_PREFIX)} CASCADE;"
        f" DROP OWNED BY {account}; DROP ROLE {account};"
    )
