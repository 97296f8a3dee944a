"""`datapipe verify` on the deployed pipeline: equal rows, and a difference that it explains."""

import json
import subprocess
import sys
from typing import Any

import psycopg

from clients.database import Row
from clients.stack import PROJECT


def verify() -> tuple[int, dict[str, Any]]:
    """Compare public.products; return the exit code and the result."""
    command = [sys.executable, "-m", "command_line", "--stack", "sandbox", "verify", "--json"]
    done = subprocess.run(
        [*command, "--table", "public.products"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    (result,) = json.loads(done.stdout)
    return done.returncode, result


def test_a_change_is_waited_for_and_a_column_without_changes_differs(
    connection: psycopg.Connection[Row],
) -> None:
    connection.execute("INSERT INTO products (name, price) VALUES ('verified', 1.50)")
    code, result = verify()
    assert (code, result["error"], result["missing"]) == (0, None, 0)
    assert result["rows"] == result["equal"] > 0
    connection.execute("ALTER TABLE products ADD COLUMN unarchived int DEFAULT 7")
    try:
        code, result = verify()
    finally:
        connection.execute("ALTER TABLE products DROP COLUMN unarchived")
    assert code == 1
    assert set(result["columns"]) == {"unarchived"}
    assert any("unarchived was added with a default" in each for each in result["explanations"])
