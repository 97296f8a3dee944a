"""Tables are renamed, replaced, moved or hidden while the snapshot reads others."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from sample_databases import unprivileged
from tests.kafka_connect.killed_worker import (
    TaskError,
    Worker,
    apply,
    contents,
    run,
    server,
    worker_of,
)
from tests.unit.postgres_server import PostgresServer

pytestmark = [pytest.mark.jdk, pytest.mark.images, pytest.mark.postgresql]

__all__ = ["server"]  # a fixture

FIRST_ROWS, ROWS = 1000, 150
REPEATS = {"repeats": "true"}
END = "INSERT INTO ending VALUES (1, 'the end')"


def create(server: PostgresServer, tables: Iterable[str], columns: str = "") -> None:
    """Create tables with rows of the numbers up to ROWS."""
    with server.connect("postgres") as connection:
        for table in tables:
            statement = "CREATE TABLE {table} (id int PRIMARY KEY, v text" + columns + ")"
            run(connection, statement, table)
            fill(server, table, range(1, ROWS + 1))


def fill(server: PostgresServer, table: str, numbers: range) -> None:
    with server.connect("postgres") as connection:
        filled = (
            "INSERT INTO {table} (id, v) SELECT n, n FROM generate_series(%s::int, %s::int) AS n"
        )
        run(connection, filled, table, numbers.start, numbers.stop - 1)


def create_ends(server: PostgresServer) -> None:
    """Create the table that is read first, which takes a while, and the one of the end."""
    with server.connect("postgres") as connection:
        for table in ("first", "ending"):
            run(connection, "CREATE TABLE {table} (id int PRIMARY KEY, v text)", table)
    fill(server, "first", range(1, FIRST_ROWS + 1))


def read(worker: Worker, table: str) -> Counter[str]:
    return Counter(each.content for each in worker.of(table) if each.operation == "r")


# By table: what happens to it after the snapshot began and before it is read.
REPLACED = {
    "swapped": "ALTER TABLE swapped RENAME TO swapped_before; ALTER TABLE spare RENAME TO swapped",
    "created": "ALTER TABLE created RENAME TO created_before;"
    " CREATE TABLE created AS SELECT id, v || 'x' AS v FROM created_before;"
    " ALTER TABLE created ADD PRIMARY KEY (id)",
    "retyped": "ALTER TABLE retyped DROP v; ALTER TABLE retyped ADD v boolean DEFAULT true",
    "respelled": "ALTER TABLE respelled RENAME w TO u",
    "rekeyed": "ALTER TABLE rekeyed RENAME place TO spot",
    "moved": "CREATE SCHEMA other; ALTER TABLE moved SET SCHEMA other;"
    " ALTER TABLE other.moved SET SCHEMA public",
    "adopting": "ALTER TABLE child INHERIT adopting",
    "parted": "ALTER TABLE parted DETACH PARTITION part1;"
    " CREATE TABLE part2 (LIKE part1 INCLUDING ALL);"
    " INSERT INTO part2 SELECT id, v || 'x' FROM part1;"
    " ALTER TABLE parted ATTACH PARTITION part2 FOR VALUES IN (1)",
    "generated": "ALTER TABLE generated ADD g int GENERATED ALWAYS AS (id * 2) STORED",
    "relocated": "ALTER TABLE relocated SET TABLESPACE elsewhere",
}


def test_a_table_that_is_replaced_after_the_snapshot_began_is_read_as_it_is(
    server: PostgresServer, tmp_path: Path
) -> None:
    create_ends(server)
    create(server, [*(REPLACED.keys() - {"rekeyed", "parted"}), "spare"], ", w text")
    with server.connect("postgres") as connection:
        connection.execute("CREATE TABLE child (id int NOT NULL, v text, w text)")
        connection.execute("INSERT INTO child VALUES (1000, 'of the child')")
        connection.execute("UPDATE spare SET v = v || 'y'")
        connection.execute(
            "CREATE TABLE rekeyed (id int, place int GENERATED ALWAYS AS IDENTITY, v text,"
            " PRIMARY KEY (place, id))"
        )
        fill(server, "rekeyed", range(1, ROWS + 1))
        connection.execute(
            "CREATE TABLE parted (id int, v text, PRIMARY KEY (v, id)) PARTITION BY LIST (id)"
        )
        for number in range(2):
            connection.execute(
                f"CREATE TABLE part{number} PARTITION OF parted FOR VALUES IN ({number})"
            )
            filled = "INSERT INTO {table} SELECT %s, n FROM generate_series(1, 50) AS n"
            run(connection, filled, "parted", number)
        folder = server.folder / "elsewhere"
        folder.mkdir()
        unprivileged.give(folder)
        connection.execute(f"CREATE TABLESPACE elsewhere LOCATION '{folder}'")
    tables = ["first", *REPLACED, "ending"]
    apply(server, tables)
    with worker_of(server, tables, tmp_path, REPEATS) as worker:
        worker.go_on(50)
        with server.connect("postgres", options="-c lock_timeout=60s") as connection:
            for change in REPLACED.values():
                connection.execute(change)
            connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO debezium")
            connection.execute(END)
        worker.read(0)
        wrong = {
            table: (read(worker, table), expected(server, table))
            for table in ("first", *REPLACED)
            if read(worker, table) != expected(server, table)
        }
    assert wrong == {}


def expected(server: PostgresServer, table: str) -> Counter[str]:
    """Return the contents of a table without its children's, which have their own changes."""
    query = "SELECT v FROM ONLY {table}" if table == "adopting" else "SELECT v FROM {table}"
    with server.connect("postgres") as connection:
        rows = run(connection, query, table)
    return Counter(str(value).replace("True", "true") for (value,) in rows)


def refusal(worker: Worker) -> str:
    """Return what the task fails with, whose state is then FAILED."""
    with pytest.raises(TaskError) as failed:
        worker.read(0)
    assert not failed.value.is_retriable
    return str(failed.value)


def test_what_can_not_be_read_fails_the_task_until_it_is_mended(
    server: PostgresServer, tmp_path: Path
) -> None:
    create_ends(server)
    create(server, ["gone", "hidden", "shown", "last"])
    fill(server, "hidden", range(ROWS + 1, FIRST_ROWS + 1))
    tables = ["first", "gone", "hidden", "shown", "last", "ending"]
    apply(server, tables)
    server.execute("ALTER TABLE shown ENABLE ROW LEVEL SECURITY")
    server.execute("CREATE POLICY shows ON shown FOR SELECT TO debezium USING (true)")
    with worker_of(server, tables, tmp_path, REPEATS) as worker:
        worker.read(50)
        server.execute("ALTER TABLE gone RENAME TO away")
        assert "there is no table public.gone" in refusal(worker)
        server.execute("CREATE VIEW gone AS SELECT * FROM away WHERE id > 10")
        assert "there is no table public.gone" in refusal(worker)
        server.execute("DROP VIEW gone; ALTER TABLE away RENAME TO gone")

        worker.go_on(1)
        server.execute("ALTER TABLE hidden ENABLE ROW LEVEL SECURITY")
        assert "row level security hides rows of public.hidden" in refusal(worker)
        assert "row level security hides rows of public.hidden" in refusal(worker), "at its start"
        server.execute("ALTER TABLE hidden DISABLE ROW LEVEL SECURITY")

        worker.go_on(1)
        server.execute("CREATE POLICY narrows ON shown AS RESTRICTIVE USING (id > 100)")
        assert "row level security hides rows of public.shown" in refusal(worker)
        server.execute("DROP POLICY narrows ON shown")
        worker.go_on(1)  # creates another slot
        server.execute(END)
        worker.read(0)
        for table in tables[:-1]:
            assert worker.current(table) == contents(server, table), table


def test_a_table_whose_rows_are_all_hidden_is_not_taken_for_an_empty_one(
    server: PostgresServer, tmp_path: Path
) -> None:
    create_ends(server)
    create(server, ["hidden"])
    apply(server, ["hidden", "ending"])
    server.execute("ALTER TABLE hidden ENABLE ROW LEVEL SECURITY")
    with worker_of(server, ["hidden", "ending"], tmp_path) as worker:
        assert "row level security hides rows of public.hidden" in refusal(worker)
