"""`datapipe sql` on the deployed pipeline: the archive's rows are PostgreSQL's."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import psycopg

from clients.database import Row
from clients.stack import PROJECT, StackOutputs
from tests.e2e.archived_changes import ArchivedChanges

QUERY = """
SELECT id, name, CAST(price AS VARCHAR) AS price, stock_quantity,
    CAST(created_at AS VARCHAR) AS created_at
FROM products WHERE id = {id}
"""
HISTORY = """
SELECT operation_type, CAST(before_data AS JSON) ->> 'price' AS before,
    CAST(after_data AS JSON) ->> 'price' AS after
FROM s3_cdc_events WHERE table_name = 'products' AND lsn >= {lsn} ORDER BY lsn
"""


def sql(query: str, *options: str) -> list[dict[str, Any]]:
    """Return the rows of a query to the archive."""
    command = [sys.executable, "-m", "command_line", "--stack", "sandbox", "sql"]
    done = subprocess.run(
        [*command, "--format", "json", "--query", query, *options],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def test_the_present_the_past_and_the_history_of_a_row(
    connection: psycopg.Connection[Row], archived_changes: ArchivedChanges
) -> None:
    inserted = connection.execute(
        "INSERT INTO products (name, price, stock_quantity) VALUES ('asked', 1.50, NULL)"
        " RETURNING id"
    ).fetchone()
    assert inserted is not None
    key = inserted["id"]
    between = datetime.now(UTC)
    connection.execute("UPDATE products SET price = 0.05 WHERE id = %s", [key])
    archived_changes("public.products", key, 2)
    query = QUERY.format(id=key)
    assert sql(query) == connection.execute(query.encode()).fetchall()
    (before,) = sql(query, "--at", between.isoformat())
    assert before["price"] == "1.50"
    assert sql(HISTORY.format(lsn=archived_changes.since_lsn)) == [
        {"operation_type": "c", "before": None, "after": "1.50"},
        {"operation_type": "u", "before": "1.50", "after": "0.05"},
    ]


def test_the_stacks_outputs_have_keys_and_types(outputs: StackOutputs) -> None:
    assert outputs.keys == dict.fromkeys(outputs.tables, ("id",))
    assert dict(outputs.columns["public.products"])["price"] == "numeric(10,2)"
