"""Rows written to PostgreSQL come out as Parquet on S3: each change once, with its true values."""

import re
import subprocess
import sys
import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import boto3
import psycopg
import pytest

from clients import database
from clients.archive import Archive
from clients.cluster import Cluster
from clients.database import Row
from clients.stack import PROJECT, StackOutputs
from tests.e2e.archived_changes import ArchivedChanges
from workload.changes import as_archived
from workload.source import wal_position

COUNTS = re.compile(r"^demo: (\d+) changes, (\d+) archived, 0 missing, 0 duplicated$", re.MULTILINE)


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`make demo`, with fewer changes."""
    command = [sys.executable, "-m", "demo", "--stack", "sandbox", *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


def restarts(cluster: Cluster) -> dict[str, tuple[int, int]]:
    """Restarts and out-of-memory kills of every pod."""
    return {pod.name: (pod.restarts, pod.out_of_memory_kills) for pod in cluster.pods()}


def one(connection: psycopg.Connection[Row], query: str, *parameters: object) -> Row:
    """Return the only row that a statement returns."""
    row = connection.execute(query, parameters).fetchone()
    assert row is not None
    return row


@pytest.mark.parametrize("run", ["first", "again with the same seed"])
def test_the_demo_finds_every_change_once_and_no_pod_restarts(cluster: Cluster, run: str) -> None:
    before = restarts(cluster)
    done = demo("--changes", "1500", "--seed", "7")
    assert done.returncode == 0, f"{run}:\n{done.stdout}\n{done.stderr}"
    counts = COUNTS.search(done.stdout)
    assert counts, done.stdout
    committed, archived = map(int, counts.groups())
    assert done.stdout.splitlines()[-1] == "the archive's present state is PostgreSQL's"
    assert committed == archived >= 1500
    assert restarts(cluster) == before
    assert all(killed == 0 for _, killed in before.values())


@dataclass(frozen=True)
class Written:
    """Rows as PostgreSQL returned them to the statements that wrote them."""

    began: int
    """the position in the WAL before them"""
    without_stock: Row
    inserted: Row
    updated: Row
    order: Row
    abandoned: Row
    kept: Row
    priced: dict[str, Row]
    timed: Row


NEW_USER = "INSERT INTO users (email, first_name, last_name) VALUES (%s, 'Zoë', '李') RETURNING *"
NEW_PRODUCT = "INSERT INTO products (name, price) VALUES ('sold', %s) RETURNING *"
PRICES = ("0.00", "0.01", "10.50", "99999999.99")
MOMENT = datetime(1999, 12, 31, 23, 59, 59, 123457)


@pytest.fixture(scope="module")
def written(outputs: StackOutputs) -> Written:
    """The rows of all tests below, so that these wait for one commit of the sink."""
    with database.connect(outputs) as connection:
        began = wal_position(connection)
        inserted = one(connection, NEW_USER, f"{uuid.uuid4()}@example.com")
        updated = one(
            connection, "UPDATE users SET last_name = '' WHERE id = %s RETURNING *", inserted["id"]
        )
        customer = one(connection, NEW_USER, f"{uuid.uuid4()}@example.com")
        order = one(
            connection,
            "INSERT INTO orders (user_id, total_amount) VALUES (%s, 12.30) RETURNING *",
            customer["id"],
        )
        # The order goes with its customer.
        for user in (inserted, customer):
            connection.execute("DELETE FROM users WHERE id = %s", [user["id"]])
        with connection.transaction(force_rollback=True):
            abandoned = one(connection, NEW_PRODUCT, 1)
        without_stock = one(
            connection,
            "INSERT INTO products (name, price, stock_quantity, created_at)"
            " VALUES ('without stock', 1, NULL, NULL) RETURNING *",
        )
        timed = one(
            connection,
            "INSERT INTO products (name, price, created_at) VALUES ('timed', 1, %s) RETURNING *",
            MOMENT,
        )
        return Written(
            began=began,
            without_stock=without_stock,
            inserted=inserted,
            updated=updated,
            order=order,
            abandoned=abandoned,
            kept=one(connection, NEW_PRODUCT, 1),
            priced={price: one(connection, NEW_PRODUCT, Decimal(price)) for price in PRICES},
            timed=timed,
        )


@pytest.fixture
def changes(written: Written, archive: Archive) -> ArchivedChanges:
    """The archived changes of a written row."""
    return ArchivedChanges(archive, written.began)


def test_null_in_a_column_with_a_default_stays_null(
    written: Written, changes: ArchivedChanges
) -> None:
    (change,) = changes("public.products", written.without_stock["id"], 1)
    assert change["stock_quantity"] is None
    assert change["created_at"] is None
    assert change["description"] is None
    assert change["updated_at"] is not None, "left out, so PostgreSQL filled in the default"


def test_a_rows_life_is_archived_change_by_change(
    written: Written, changes: ArchivedChanges
) -> None:
    """Insert, update and delete, each with the row's content; updated_at is the trigger's work."""
    inserted, updated = written.inserted, written.updated
    archived = changes("public.users", inserted["id"], 3)
    assert [change["__op"] for change in archived] == ["c", "u", "d"]
    assert [change["__deleted"] for change in archived] == ["false", "false", "true"]
    contents = [{column: change[column] for column in inserted} for change in archived]
    expected = [
        {column: as_archived(value) for column, value in row.items()}
        for row in (inserted, updated, updated)
    ]
    assert contents == expected
    assert updated["updated_at"] > inserted["updated_at"]


def test_a_cascade_is_archived_row_by_row(written: Written, changes: ArchivedChanges) -> None:
    insert, delete = changes("public.orders", written.order["id"], 2)
    assert (insert["__op"], delete["__op"]) == ("c", "d")
    assert delete["total_amount"] == "12.30"
    assert delete["status"] == "pending"


def test_what_is_rolled_back_is_not_archived(written: Written, changes: ArchivedChanges) -> None:
    assert len(changes("public.products", written.kept["id"], 1)) == 1
    assert changes("public.products", written.abandoned["id"], 0) == []


def test_money_keeps_its_cents(written: Written, changes: ArchivedChanges) -> None:
    archived = {
        price: [change["price"] for change in changes("public.products", product["id"], 1)]
        for price, product in written.priced.items()
    }
    assert archived == {price: [price] for price in PRICES}


def test_time_keeps_its_microseconds(written: Written, changes: ArchivedChanges) -> None:
    (change,) = changes("public.products", written.timed["id"], 1)
    assert change["created_at"] == 946_684_799_123_457


def test_the_files_are_parquet_by_the_hour(
    outputs: StackOutputs, archive: Archive, written: Written, changes: ArchivedChanges
) -> None:
    assert changes("public.products", written.kept["id"], 1)
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
