"""The replication slot that a deleted source connector leaves behind, and dropping it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kafka_connect.cluster_access import ClusterAccess

RELEASE_SECONDS = 30
"""for the connector's task to let go of the slot after it was deleted"""
TIMEOUT_SECONDS = 90
SLOT_NAME = re.compile(r"[a-z0-9_]{1,63}")
DATABASE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")
FIND_PSQL = 'PATH="$PATH:/usr/lib/postgresql/15/bin" exec psql "$@"'
"""The sandbox's image does not have PostgreSQL's programs on its PATH."""


def drop_script(slot: str, database: str) -> str:
    """For psql: drops the slot if it is there, once nobody reads it any more.

    A logical slot can be dropped from its own database only.
    Raises ValueError where PostgreSQL could have no slot or database of that name.
    """
    if not SLOT_NAME.fullmatch(slot):
        raise ValueError(f"{slot!r} is no name of a replication slot")
    if not DATABASE_NAME.fullmatch(database):
        raise ValueError(f"{database!r} is no name of a database of ours")
    # Both names have been checked above, and DO takes no parameters.
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
\\q
"""  # noqa: S608


@dataclass(frozen=True)
class DatabasePod:
    """Where psql runs as superuser: in the pod of the stack's own database server."""

    context: str | None
    namespace: str
    port: int

    def run(self, script: str) -> None:
        """Raises PodExecError with PostgreSQL's own words where it does not work."""
        # Slow to import, and needed for a deletion only.
        from components.source import server  # noqa: PLC0415
        from components.source.pod_exec import PodCommand  # noqa: PLC0415

        arguments = server.psql_command("", self.port)[1:]
        command = ["sh", "-c", FIND_PSQL, "psql", *arguments]
        psql = PodCommand(self.namespace, server.POD, server.CONTAINER, command)
        psql.run(ClusterAccess(self.context).api_client(), script, TIMEOUT_SECONDS)


def release_slot(props: Mapping[str, Any]) -> str | None:
    """Drop the slot of a deleted connector if told so; what is to be said about it.

    Raises PodExecError where it can't be dropped.
    """
    config, access = props["config"], props["access"]
    slot = config.get("slot.name")
    if slot is None:
        return None
    if not props.get("drop_slot"):
        return (
            f"the replication slot {slot} stays (drop_slot is false): the database keeps all WAL"
            " from here on, until a connector reads the slot again or somebody drops it with"
            f" SELECT pg_drop_replication_slot('{slot}')"
        )
    pod = DatabasePod(access.get("context"), access["namespace"], int(config["database.port"]))
    pod.run(drop_script(slot, config["database.dbname"]))
    return f"dropped the replication slot {slot}"
