"""The replication slot and publication that a deleted source connector leaves behind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kafka_connect.cluster_access import ClusterAccess

# How long the task of a deleted connector may take to release the slot.
RELEASE_SECONDS = 30
TIMEOUT_SECONDS = 90
SLOT_NAME = re.compile(r"[a-z0-9_]{1,63}")
PUBLICATION_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
DATABASE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")
# The sandbox's image does not have PostgreSQL's programs on its PATH.
FIND_PSQL = 'PATH="$PATH:/usr/lib/postgresql/15/bin" exec psql "$@"'


def drop_script(slot: str, publication: str, database: str) -> str:
    """Return a psql script that drops slot and publication, once no connector reads them.

    A logical slot can be dropped from its own database only.
    Raises ValueError for an invalid name.
    """
    if not SLOT_NAME.fullmatch(slot):
        raise ValueError(
            f"slot.name {slot!r} is not a valid name of a replication slot; allowed: a-z, 0-9 and _"
        )
    if not PUBLICATION_NAME.fullmatch(publication):
        raise ValueError(
            f"publication.name {publication!r} is not a valid name; allowed: a-z, 0-9 and _"
        )
    if not DATABASE_NAME.fullmatch(database):
        raise ValueError(
            f"database.dbname {database!r} is not a valid database name; allowed: letters, digits,"
            " _ and -"
        )
    # The names have been checked above, and DO takes no parameters.
    return f"""\
\\connect "{database}"
DO $$
BEGIN
  FOR attempt IN 1..{RELEASE_SECONDS * 2} LOOP
    EXIT WHEN NOT EXISTS (
      SELECT FROM pg_replication_slots WHERE slot_name = '{slot}' AND active);
    PERFORM pg_sleep(0.5);
  END LOOP;
  PERFORM pg_drop_replication_slot(slot_name)
    FROM pg_replication_slots WHERE slot_name = '{slot}';
END $$;
DROP PUBLICATION IF EXISTS "{publication}";
\\q
"""  # noqa: S608


@dataclass(frozen=True)
class DatabasePod:
    """Where psql runs as superuser: in the pod of the stack's own database server."""

    context: str | None
    namespace: str
    port: int

    @classmethod
    def from_inputs(cls, access: Mapping[str, Any], config: Mapping[str, str]) -> DatabasePod:
        """Return the pod of a source connector that is reached by a ServiceProxy."""
        return cls(access.get("context"), access["namespace"], int(config["database.port"]))

    def run(self, script: str) -> str | None:
        """Run a script and return what it prints; None if the pod does not exist.

        Raises PodExecError with PostgreSQL's error if it fails.
        """
        # Slow to import, and needed for a deletion only.
        from components.source import server  # noqa: PLC0415
        from components.source.pod_exec import PodCommand  # noqa: PLC0415

        arguments = server.psql_command("", self.port)[1:]
        command = ["sh", "-c", FIND_PSQL, "psql", *arguments]
        psql = PodCommand(self.namespace, server.POD, server.CONTAINER, command)
        api_client = ClusterAccess(self.context).api_client()
        if not psql.pod_exists(api_client):
            return None
        return psql.run(api_client, script, TIMEOUT_SECONDS)


def release_slot(props: Mapping[str, Any]) -> str | None:
    """Drop the slot of a deleted connector if `drop_slot` is set; return what to report.

    Raises PodExecError if it can't be dropped.
    """
    config, access = props["config"], props["access"]
    slot = config.get("slot.name")
    if slot is None:
        return None
    if (props.get("captured") or {}).get("kept_in_state"):
        return None  # an existing database's own resource drops it, or says that it stays
    if not props.get("drop_slot"):
        return (
            f"the replication slot {slot} stays (drop_slot is false): the database keeps all WAL"
            " from here on, until a connector reads the slot again or it is dropped with"
            f" SELECT pg_drop_replication_slot('{slot}')"
        )
    pod = DatabasePod.from_inputs(access, config)
    publication = config["publication.name"]
    if pod.run(drop_script(slot, publication, config["database.dbname"])) is not None:
        return f"dropped the replication slot {slot} and the publication {publication}"
    return f"the replication slot {slot} was not dropped: its server does not exist"
