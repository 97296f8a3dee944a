"""One line in the stack file adds a table: all its rows arrive, also those from before."""

import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import psycopg
import pytest
from kubernetes import client

from clients import database
from clients.archive import Archive, IcebergArchive
from clients.cluster import Cluster
from clients.connect import connectors
from clients.database import Row
from clients.stack import StackOutputs
from clients.update import changed_stack_file
from kafka_connect.cluster_access import ClusterAccess
from polling import NotReadyError, poll_until
from tests.e2e.listed_tables import remove_tables
from tests.engine.pulumi_project import PROJECT, STACK, Project

TABLE = "public.coupons"
# Rows that the table has before it is listed.
BEFORE = 2000
ARCHIVED_SECONDS = 120
# For which a new slot waits for a transaction: longer than it takes until `up` says so.
FORGOTTEN_SECONDS = 15
Connection = psycopg.Connection[Row]


@dataclass
class Writer:
    """Writes to the new table and to a captured one until it is stopped."""

    outputs: StackOutputs
    coupons: list[int] = field(default_factory=list)
    products: list[int] = field(default_factory=list)
    updated: list[int] = field(default_factory=list)
    """of the rows from before, in the order of their updates"""
    stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Writer":
        self._thread = threading.Thread(target=self._write)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._thread.join()

    def _write(self) -> None:
        with database.connect(self.outputs) as connection:
            for number in range(1, BEFORE + 1):
                self.coupons.append(insert(connection, "coupons", "during"))
                self.products.append(insert(connection, "products", "during"))
                connection.execute("UPDATE coupons SET worth = worth + 1 WHERE id = %s", [number])
                self.updated.append(number)
                if self.stop.wait(0.05):
                    return


@contextmanager
def forgotten_transaction(outputs: StackOutputs) -> Iterator[int]:
    """Leave a transaction open until a new slot has waited for it; yields its pid."""
    over = threading.Event()
    with database.connect(outputs) as client, database.connect(outputs) as observer:
        pid = client.info.backend_pid
        client.execute("SET application_name = 'forgotten client'")
        client.execute("BEGIN")
        client.execute("INSERT INTO products (name, price) VALUES ('forgotten', 1)")

        def end_it() -> None:
            waited = 0
            while waited < FORGOTTEN_SECONDS and not over.wait(1):
                waiting = observer.execute(
                    "SELECT FROM pg_stat_activity WHERE backend_type = 'walsender'"
                    " AND %s = ANY (pg_blocking_pids(pid))",
                    [pid],
                )
                waited += waiting.rowcount
            client.execute("ROLLBACK")

        ending = threading.Thread(target=end_it)
        ending.start()
        try:
            yield pid
        finally:
            over.set()
            ending.join()


def insert(connection: Connection, table: str, name: str) -> int:
    """Return the new row's key."""
    price = "price" if table == "products" else "worth"
    statement = f"INSERT INTO {table} (name, {price}) VALUES (%s, 1) RETURNING id"  # noqa: S608
    row = connection.execute(statement, [name]).fetchone()
    assert row is not None
    return int(row["id"])


@pytest.fixture
def project() -> Project:
    """The deployed stack."""
    return Project(PROJECT, STACK, os.environ)


@pytest.fixture
def stack_file(outputs: StackOutputs) -> Iterator[str]:
    """The sandbox's stack file with one line more."""
    with changed_stack_file(STACK, {"datapipe:tables": [*outputs.tables, TABLE]}) as file:
        yield str(file)


@pytest.fixture
def coupons(
    connection: Connection, project: Project, outputs: StackOutputs
) -> Iterator[Callable[[], dict[int, Row]]]:
    """The new table, with rows; taken off the stack and dropped in the end. Returns its rows."""
    connection.execute("DROP TABLE IF EXISTS coupons")
    connection.execute(
        "CREATE TABLE coupons (id SERIAL PRIMARY KEY, name TEXT NOT NULL, worth INT DEFAULT 5)"
    )
    connection.execute(
        "INSERT INTO coupons (name, worth) SELECT 'before', NULLIF(n %% 100, 0)"
        " FROM generate_series(1, %s) AS n",
        [BEFORE],
    )

    def rows() -> dict[int, Row]:
        return {row["id"]: row for row in connection.execute("SELECT * FROM coupons").fetchall()}

    yield rows
    removed = remove_tables(project, [TABLE])
    assert f"{TABLE} is no longer in datapipe:tables" in removed.output
    connection.execute("DROP TABLE coupons")
    IcebergArchive(outputs.archive).purge(TABLE)


def network_policies(outputs: StackOutputs) -> dict[str, str]:
    """Return the version of each, which any change would raise."""
    api = client.NetworkingV1Api(ClusterAccess(outputs.context).api_client())
    found = api.list_namespaced_network_policy(outputs.namespace)
    metadata = [each["metadata"] for each in found.to_dict()["items"]]
    return {one["name"]: one["resource_version"] for one in metadata}


def archived(
    archive: Archive, table: str, last: int, since: int = 0
) -> dict[int | None, list[dict[str, Any]]]:
    """Return the archived changes by key, in the WAL's order, once the last key has them."""

    def arrived() -> list[dict[str, Any]]:
        changes: list[dict[str, Any]] = archive.changes(table, since).to_pylist()
        if not any(change["id"] == last for change in changes):
            raise NotReadyError(f"{len(changes)} changes, none of {last}")
        return changes

    changes = poll_until(
        arrived,
        timeout=ARCHIVED_SECONDS,
        interval=2,
        description=f"changes of {table} {last} in the archive",
    )
    by_key = defaultdict(list)
    for change in sorted(changes, key=lambda change: change["__source_lsn"]):
        by_key[change["id"]].append(change)
    return by_key


def operations(changes: list[dict[str, Any]]) -> str:
    """For example ru: read by a snapshot, then updated."""
    return "".join(change["__op"] for change in changes)


def test_a_listed_tables_rows_from_before_during_and_after_all_arrive(
    *,
    coupons: Callable[[], dict[int, Row]],
    project: Project,
    stack_file: str,
    outputs: StackOutputs,
    connection: Connection,
    archive: Archive,
    cluster: Cluster,
) -> None:
    policies = network_policies(outputs)
    with Writer(outputs) as writer, forgotten_transaction(outputs) as pid:
        up = project.pulumi("up", "--yes", "--skip-preview", "--config-file", stack_file)
    assert f"it waits for the transaction of pid {pid} (user postgres" in up.output
    assert "application forgotten client" in up.output
    after = [insert(connection, "coupons", "after") for _ in range(50)]
    last_product = insert(connection, "products", "after")
    assert "postgres-cdc-connector-added-tables: reads the rows that public.coupons" in up.output

    changes = archived(archive, TABLE, after[-1])
    # The reader says that the table's state begins with its rows: it may have been captured before.
    assert operations(changes.pop(None)) == "t"
    twice = {key for key in writer.coupons if operations(changes[key]) == "rc"}
    print(
        f"rows: {BEFORE} before, {len(writer.coupons)} during ({len(twice)} of them twice),"
        f" {len(after)} after"
    )
    # Every row that was there when the snapshot was made has been read, and once.
    assert {operations(changes[key]).count("r") for key in range(1, BEFORE + 1)} == {1}
    assert {operations(changes[key]) for key in after} == {"c"}
    # Of the rows written meanwhile none is missing. Those come twice, as change and as read, that
    # were written after the source had begun to capture the table and before its rows were read.
    during = [operations(changes[key]) for key in writer.coupons]
    assert [ops for ops, _ in groupby(during)] == ["r", "rc", "c"]
    ops = [operations(changes[key]).count("u") for key in writer.updated]
    assert set(ops) <= {0, 1}
    assert ops == sorted(ops), "from some moment on, every update is archived"
    # The last change of each key is what the table holds.
    assert {
        key: {column: row[column] for column in ("id", "name", "worth")}
        for key, (*_, row) in changes.items()
    } == coupons()

    products = archived(archive, "public.products", last_product)
    assert {operations(products[key]) for key in writer.products} == {"c"}
    assert network_policies(outputs) == policies
    assert {one.name for one in connectors(cluster, outputs.connect)} == set(outputs.connectors)
    slots = connection.execute("SELECT slot_name FROM pg_replication_slots").fetchall()
    assert slots == [{"slot_name": "debezium_slot"}]

    # Without a yes in the stack file it does not leave.
    refused = project.pulumi("preview", check=False)
    assert refused.code != 0
    assert f"deletes its topic postgres.{TABLE} with 0 records that" in refused.output
    assert f"add {TABLE} to datapipe:topics.delete" in refused.output
    assert "Traceback" not in refused.output
