"""A task to which the database refuses rows fails; Debezium alone tries again forever, RUNNING."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kafka_connect.status import advice_for, first_cause
from tests.kafka_connect.killed_worker import TaskError, apply, worker_of
from tests.unit.postgres_server import PostgresServer, running_server

pytestmark = [pytest.mark.jdk, pytest.mark.images, pytest.mark.postgresql]

TABLE = "events"
ROWS = 20_000
FILLED = """
CREATE TABLE events (id uuid PRIMARY KEY, v text);
INSERT INTO events SELECT md5(n::text)::uuid, repeat(n::text, 40)
    FROM generate_series(1, 20000) AS n;
ANALYZE events;
"""
ORDERED = """
CREATE TABLE {table} (id int, line int, v text, PRIMARY KEY (id, line));
INSERT INTO {table} SELECT {key}, n, repeat(n::text, 40) FROM generate_series(1, 20000) AS n
    ORDER BY {order};
ANALYZE {table};
"""
# Its key is lower than those that were read.
LAST_OF_ALL = "INSERT INTO {table} VALUES (-1000000, 0, 'the end')"
# With them the planner prefers a sort to the index.
ORDERING = {"cpu_index_tuple_cost": "1", "work_mem": "64kB", "temp_file_limit": "1MB"}
# A function that the query of rows calls, which fails with the SQLSTATE that a setting has.
FAILING_FUNCTION = """
CREATE SCHEMA failing;
CREATE FUNCTION failing.pg_relation_filenode(relation regclass) RETURNS oid LANGUAGE plpgsql AS $$
DECLARE
    state text := coalesce(current_setting('test.state', true), '');
BEGIN
    IF state <> '' AND current_query() LIKE '%FROM ONLY%' THEN
        RAISE EXCEPTION 'failed by the test' USING ERRCODE = state;
    END IF;
    RETURN pg_catalog.pg_relation_filenode(relation);
END;
$$;
GRANT USAGE ON SCHEMA failing TO PUBLIC;
ALTER ROLE debezium SET search_path = failing, pg_catalog, public;
"""


@pytest.fixture(scope="module")
def running() -> Iterator[PostgresServer]:
    """A server that sorts a table, whose key is random, to read it in the order of the key."""
    with running_server(sample_schema=False) as server:
        assert server.apply(()).returncode == 0
        server.execute(FILLED)
        apply(server, [TABLE])
        server.execute("ALTER ROLE debezium SET enable_indexscan = off")
        server.execute(FAILING_FUNCTION)
        yield server


@contextmanager
def refusing(server: PostgresServer, name: str, value: str) -> Iterator[None]:
    """Give the account that captures a setting while a task reads."""
    server.execute(f"ALTER ROLE debezium SET {name} = '{value}'")
    yield
    server.execute(f"ALTER ROLE debezium RESET {name}")


def failure(server: PostgresServer, folder: Path) -> TaskError:
    """Return what a task fails with that reads the table."""
    with worker_of(server, [TABLE], folder) as worker, pytest.raises(TaskError) as failed:
        worker.read(ROWS)
    return failed.value


def test_a_sort_above_the_limit_of_temporary_files_fails(
    running: PostgresServer, tmp_path: Path
) -> None:
    with refusing(running, "temp_file_limit", "1MB"):
        error = failure(running, tmp_path)
    assert not error.is_retriable
    message = "ERROR: temporary file size exceeds temp_file_limit (1024kB)"
    assert message in str(error)
    trace = f"ConnectException: x\nCaused by: org.postgresql.util.PSQLException: {message}"
    assert first_cause(trace).endswith(message)
    assert "enable_sort = off" in advice_for(trace)


@pytest.fixture(scope="module")
def ordering() -> Iterator[PostgresServer]:
    """A server that prefers a sort to an index, and allows none that does not fit the memory."""
    with running_server(sample_schema=False) as server:
        assert server.apply(()).returncode == 0
        for name, value in ORDERING.items():
            server.execute(f"ALTER ROLE debezium SET {name} = '{value}'")
        yield server


def fill(server: PostgresServer, table: str, key: str, order: str) -> None:
    """Make a table of which the key's first column follows from n, with rows in an order."""
    server.execute(ORDERED.format(table=table, key=key, order=order))
    apply(server, [table])


@pytest.mark.parametrize(("table", "key"), [("rising", "n / 4"), ("falling", "-n / 4")])
def test_a_table_in_the_order_of_its_key_is_not_sorted(
    ordering: PostgresServer, tmp_path: Path, table: str, key: str
) -> None:
    fill(ordering, table, key, "n")
    with worker_of(ordering, [table], tmp_path) as worker:
        worker.read(ROWS // 2)
        ordering.execute(LAST_OF_ALL.format(table=table))
        worker.read(0)
        assert Counter(each.operation for each in worker.of(table)) == {"r": ROWS, "c": 1}


# Where many rows share the first column's value, its order does not say where they are.
@pytest.mark.parametrize(
    ("table", "key", "order"),
    [("random", "n / 4", "md5(n::text)"), ("grouped", "n / 5000", "n / 5000, md5(n::text)")],
)
def test_a_table_in_another_order_is_sorted(
    ordering: PostgresServer, tmp_path: Path, table: str, key: str, order: str
) -> None:
    fill(ordering, table, key, order)
    with worker_of(ordering, [table], tmp_path) as worker, pytest.raises(TaskError) as failed:
        worker.read(ROWS)
    assert "temporary file size exceeds temp_file_limit" in str(failed.value)


# A page that is damaged, and a full disk.
@pytest.mark.parametrize("state", ["XX001", "53100"])
def test_a_reading_that_the_database_refuses_fails(
    running: PostgresServer, tmp_path: Path, state: str
) -> None:
    with refusing(running, "test.state", state):
        error = failure(running, tmp_path)
    assert "failed by the test" in str(error)
    assert not error.is_retriable


# A shutdown, and a lock that another session holds.
@pytest.mark.parametrize("state", ["57P01", "55P03"])
def test_a_reading_that_may_work_the_next_time_is_repeated(
    running: PostgresServer, tmp_path: Path, state: str
) -> None:
    with refusing(running, "test.state", state):
        error = failure(running, tmp_path)
    assert "failed by the test" in str(error)
    assert error.is_retriable
