"""What `up` waits for in the database is named: open and prepared transactions, and locks."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from components.source.schema import LOCKED, lock_holders_script, open_transactions_script
from polling import NotReadyError, poll_until
from tests.requirements import postgres_bin
from tests.unit.postgres_server import PostgresServer, running_server

TABLE = "public.t"
PARTITIONED = "public.parted"
# Of the client that forgot to end its transaction.
APPLICATION = "nightly export"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server that allows prepared transactions, with two tables."""
    with running_server(sample_schema=False) as running:
        assert running.apply(()).returncode == 0
        running.execute("ALTER SYSTEM SET max_prepared_transactions = 2")
        running.execute("CREATE TABLE t (id int)")
        running.execute("CREATE TABLE parted (id int) PARTITION BY LIST (id)")
        running.execute("CREATE TABLE parted_1 PARTITION OF parted DEFAULT")
        running.stop()
        running.start()
        yield running


@contextmanager
def open_transaction(
    server: PostgresServer, statement: str
) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with server.connect("postgres", application_name=APPLICATION) as connection:
        connection.execute("BEGIN")
        connection.execute(statement)
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")


def waited_for(server: PostgresServer, *ending: str) -> str:
    """Return what is said of a slot that waits; `ending` are the statements that end the wait."""
    parameters = f"host={server.folder} port={server.port} user=postgres replication=database"
    creating = subprocess.Popen(
        [f"{postgres_bin()}/psql", f"{parameters} dbname={server.settings.database}", "--command",
         "CREATE_REPLICATION_SLOT waiting TEMPORARY LOGICAL pgoutput"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={"PATH": os.environ["PATH"]},
    )  # fmt: skip

    def printed() -> str:
        done = server.psql(open_transactions_script())
        assert done.returncode == 0, done.stderr
        if not done.stdout.strip():
            raise NotReadyError("nothing waits")
        return done.stdout

    try:
        return poll_until(printed, timeout=60, interval=0.3, description="a slot that waits")
    finally:
        for statement in ending:
            server.execute(statement)
        output, _ = creating.communicate(timeout=30)
        assert creating.returncode == 0 or b"terminating" in output, output


def test_the_open_transaction_that_a_new_slot_waits_for_is_named(server: PostgresServer) -> None:
    with open_transaction(server, "INSERT INTO t VALUES (1)") as connection:
        pid = connection.info.backend_pid
        told = waited_for(server, "SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
    assert f"the transaction of pid {pid} (user postgres, application {APPLICATION}" in told
    assert "idle in transaction), open since" in told
    assert f"to end it: SELECT pg_terminate_backend({pid})" in told


def test_a_prepared_transaction_is_named_by_its_name(server: PostgresServer) -> None:
    with server.connect("postgres") as connection:
        connection.execute("BEGIN")
        connection.execute("INSERT INTO t VALUES (1)")
        connection.execute("PREPARE TRANSACTION 'half done'")
    told = waited_for(server, "ROLLBACK PREPARED 'half done'")
    assert "the prepared transaction 'half done' (user postgres" in told
    assert "ROLLBACK PREPARED 'half done'" in told


def test_nothing_is_said_where_no_slot_waits(server: PostgresServer) -> None:
    with open_transaction(server, "INSERT INTO t VALUES (1)"):
        assert server.psql(open_transactions_script()).stdout.strip() == ""


@pytest.mark.parametrize(
    "statement",
    ["LOCK TABLE t IN ACCESS SHARE MODE", "SELECT FROM t", "LOCK TABLE parted_1"],
)
def test_who_has_locks_on_a_captured_table_is_named(server: PostgresServer, statement: str) -> None:
    tables = (TABLE, PARTITIONED)
    with open_transaction(server, statement) as connection:
        pid = connection.info.backend_pid
        done = server.psql(lock_holders_script(server.settings, tables))
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith(LOCKED)]
    assert f"by pid {pid} (user postgres, application {APPLICATION}" in line
    assert ("parted_1" in line) is ("parted_1" in statement)


def test_a_lock_of_a_prepared_transaction_is_named(server: PostgresServer) -> None:
    with server.connect("postgres") as connection:
        connection.execute("BEGIN")
        connection.execute("LOCK TABLE t IN SHARE MODE")
        connection.execute("PREPARE TRANSACTION 'half done'")
    try:
        done = server.psql(lock_holders_script(server.settings, (TABLE,)))
    finally:
        server.execute("ROLLBACK PREPARED 'half done'")
    assert f"{LOCKED}t by the prepared transaction 'half done'" in done.stdout


def test_a_lock_on_another_table_is_not_named(server: PostgresServer) -> None:
    with open_transaction(server, "LOCK TABLE parted"):
        done = server.psql(lock_holders_script(server.settings, (TABLE,)))
    assert LOCKED not in done.stdout
