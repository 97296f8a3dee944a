"""Pulumi's host of dynamic resources, with stand-ins for PostgreSQL and Kafka Connect.

A measured stack has it in place of pulumi-resource-pulumi-python. The providers run as they are,
but what they ask a cluster is answered here: the database has the captured tables, and a connector
is running as soon as it is created.
"""

import json
import runpy
from typing import Any

from pulumi import dynamic

from components.source import database_account, database_schema
from components.source.schema import CAPTURED, DESCRIBED
from components.streaming.connectors.resource import KafkaConnectorProvider

# Of each table, as in the sample schema's `users`.
COLUMNS = {
    "id": "integer",
    "email": "character varying(255)",
    "first_name": "character varying(100)",
    "last_name": "character varying(100)",
    "created_at": "timestamp without time zone",
    "updated_at": "timestamp without time zone",
}
# The line of a script that names the tables (components.source.schema).
TABLES = "\\set tables '"


def answer(_props: dict[str, Any], script: str, *_: str, **_secrets: str) -> str:
    """Return what psql prints for a script."""
    line = next((one for one in script.splitlines() if one.startswith(TABLES)), TABLES + "'")
    tables = line.removeprefix(TABLES).removesuffix("'").split(",")
    described = {table: {"key": ["id"], "columns": COLUMNS} for table in tables}
    entries = {table: {"relation": number} for number, table in enumerate(tables)}
    captured = {"entries": entries, "missed": [], "wal_position": 0}
    return f"{CAPTURED}{json.dumps(captured)}\n{DESCRIBED}{json.dumps(described)}\n"


def run_connector(_provider: KafkaConnectorProvider, props: dict[str, Any]) -> dynamic.CreateResult:
    """Return a running connector."""
    outputs = {**props, "state": "RUNNING", "tasks": ["RUNNING"], "rows_read": []}
    return dynamic.CreateResult(props["name"], outputs)


def main() -> None:
    """Put the stand-ins in place and become Pulumi's host."""
    replaced: tuple[tuple[object, str, object], ...] = (
        (database_schema, "read_from_database", answer),
        (database_schema, "run_script", answer),
        (database_account, "run_script", answer),
        (KafkaConnectorProvider, "create", run_connector),
    )
    for owner, name, stand_in in replaced:
        setattr(owner, name, stand_in)
    runpy.run_module("pulumi.dynamic", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
