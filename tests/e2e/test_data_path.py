"""Rows written to PostgreSQL come out as Parquet on S3: each change once, with its true values."""

import re
import subprocess
import sys
import uuid
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import boto3
import psycopg
import pytest

from clients.archive import Archive
from clients.cluster import Cluster
from clients.database import Row
from clients.stack import PROJECT, StackOutputs
from workload.changes import as_archived

Wait = Callable[[str, int, int], list[dict[str, Any]]]
LAST_LINE = re.compile(r"demo: (\d+) changes, (\d+) archived, 0 missing, 0 duplicated")


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`make demo`, with fewer changes."""
    command = [sys.executable, "-m", "demo", "--stack", "sandbox", *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


def restarts(cluster: Cluster) -> dict[str, tuple[int, int]]:
    """Restarts and out-of-memory kills of every pod."""
    return {pod.name: (pod.restarts, pod.out_of_memory_kills) for pod in cluster.pods()}


def one(connection: psycopg.Connection[Row], query: str, *parameters: object) -> Row:
    """The only row that a statement returns."""
    row = connection.execute(query, parameters).fetchone()
    assert row is not None
    return row


@pytest.mark.parametrize("run", ["first", "again with the same seed"])
def test_the_demo_finds_every_change_once_and_no_pod_restarts(cluster: Cluster, run: str) -> None:
    before = restarts(cluster)
    done = demo("--changes", "1500", "--seed", "7")
    assert done.returncode == 0, f"{run}:\n{done.stdout}\n{done.stderr}"
    last_line = LAST_LINE.fullmatch(done.stdout.splitlines()[-1])
    assert last_line, done.stdout
    committed, archived = map(int, last_line.groups())
    assert committed == archived >= 1500
    assert restarts(cluster) == before
    assert all(killed == 0 for _, killed in before.values())


def test_null_in_a_column_with_a_default_stays_null(
    connection: psycopg.Connection[Row], archived_changes: Wait
) -> None:
    product = one(
        connection,
        "INSERT INTO products (name, price, stock_quantity, created_at)"
        " VALUES ('without stock', 1, NULL, NULL) RETURNING id",
    )
    (change,) = archived_changes("public.products", product["id"], 1)
    assert change["stock_quantity"] is None
    assert change["created_at"] is None
    assert change["description"] is None
    assert change["updated_at"] is not None, "left out, so PostgreSQL filled in the default"


def test_a_rows_life_is_archived_change_by_change(
    connection: psycopg.Connection[Row], archived_changes: Wait
) -> None:
    """Insert, update and delete, each with the row's content; updated_at is the trigger's work."""
    email = f"{uuid.uuid4()}@example.com"
    inserted = one(
        connection,
        "INSERT INTO users (email, first_name, last_name) VALUES (%s, 'Zoë', '李') RETURNING *",
        email,
    )
    updated = one(
        connection, "UPDATE users SET last_name = '' WHERE id = %s RETURNING *", inserted["id"]
    )
    connection.execute("DELETE FROM users WHERE id = %s", [inserted["id"]])

    changes = archived_changes("public.users", inserted["id"], 3)
    assert [change["__op"] for change in changes] == ["c", "u", "d"]
    assert [change["__deleted"] for change in changes] == ["false", "false", "true"]
    contents = [{column: change[column] for column in inserted} for change in changes]
    expected = [
        {column: as_archived(value) for column, value in row.items()}
        for row in (inserted, updated, updated)
    ]
    assert contents == expected
    assert updated["updated_at"] > inserted["updated_at"]


def test_a_cascade_is_archived_row_by_row(
    connection: psycopg.Connection[Row], archived_changes: Wait
) -> None:
    user = one(
        connection,
        "INSERT INTO users (email, first_name, last_name) VALUES (%s, 'a', 'b') RETURNING id",
        f"{uuid.uuid4()}@example.com",
    )
    order = one(
        connection,
        "INSERT INTO orders (user_id, total_amount) VALUES (%s, 12.30) RETURNING id",
        user["id"],
    )
    connection.execute("DELETE FROM users WHERE id = %s", [user["id"]])
    insert, delete = archived_changes("public.orders", order["id"], 2)
    assert (insert["__op"], delete["__op"]) == ("c", "d")
    assert delete["total_amount"] == "12.30"
    assert delete["status"] == "pending"


def test_what_is_rolled_back_is_not_archived(
    connection: psycopg.Connection[Row], archived_changes: Wait
) -> None:
    insert = "INSERT INTO products (name, price) VALUES (%s, 1) RETURNING id"
    with connection.transaction(force_rollback=True):
        abandoned = one(connection, insert, "never sold")
    kept = one(connection, insert, "sold")
    assert len(archived_changes("public.products", kept["id"], 1)) == 1
    assert archived_changes("public.products", abandoned["id"], 0) == []


def test_money_keeps_its_cents(connection: psycopg.Connection[Row], archived_changes: Wait) -> None:
    insert = "INSERT INTO products (name, price) VALUES ('priced', %s) RETURNING id"
    prices = ("0.00", "0.01", "10.50", "99999999.99")
    products = {price: one(connection, insert, Decimal(price))["id"] for price in prices}
    archived = {
        price: [change["price"] for change in archived_changes("public.products", product, 1)]
        for price, product in products.items()
    }
    assert archived == {price: [price] for price in prices}


def test_time_keeps_its_microseconds(
    connection: psycopg.Connection[Row], archived_changes: Wait
) -> None:
    moment = datetime(1999, 12, 31, 23, 59, 59, 123457)
    product = one(
        connection,
        "INSERT INTO products (name, price, created_at) VALUES ('timed', 1, %s) RETURNING id",
        moment,
    )
    (change,) = archived_changes("public.products", product["id"], 1)
    assert change["created_at"] == 946_684_799_123_457


def test_the_files_are_parquet_by_the_hour(
    outputs: StackOutputs, archive: Archive, archived_changes: Wait, connection: Any
) -> None:
    product = one(connection, "INSERT INTO products (name, price) VALUES ('filed', 1) RETURNING id")
    archived_changes("public.products", product["id"], 1)
    bucket, _, prefix = archive.location("public.products").removeprefix("s3://").partition("/")
    assert bucket == outputs.archive.bucket
    assert prefix.startswith(f"{outputs.archive.prefix}/")
    s3 = boto3.client("s3", endpoint_url=outputs.archive.endpoint)
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
    hours = [
        re.search(r"hour=\d{4}-\d\d-\d\d-\d\d/[^/]+\.parquet$", each["Key"]) for each in listed
    ]
    assert hours
    assert all(hours)
