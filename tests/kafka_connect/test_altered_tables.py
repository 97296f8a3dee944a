"""Tables are altered while their snapshot is interrupted or still to come to them."""

from functools import partial
from pathlib import Path

import pytest

from tests.kafka_connect.killed_worker import apply, contents, run, server, worker_of
from tests.unit.postgres_server import PostgresServer

pytestmark = [pytest.mark.jdk, pytest.mark.images, pytest.mark.postgresql]

__all__ = ["server"]  # a fixture

# What PostgreSQL says of the version of the database's own collation, where the account finds it.
VERSION = """
CREATE OR REPLACE FUNCTION versions.pg_database_collation_actual_version(oid) RETURNS text
    LANGUAGE sql AS $$ SELECT '{}' $$;
"""
# By table: its columns but v, a key that follows from a number, and what changes the key's order.
REORDERED = {
    "collated": ('id text COLLATE "en-x-icu" PRIMARY KEY', "chr(60 + n % 70) || n",
                 'ALTER TABLE collated ALTER COLUMN id TYPE text COLLATE "C"'),
    "retyped": ("id text PRIMARY KEY", "n",
                "ALTER TABLE retyped ALTER COLUMN id TYPE numeric USING id::numeric"),
    "negated": ("id integer PRIMARY KEY", "n",
                "ALTER TABLE negated ALTER COLUMN id TYPE integer USING -id"),
    "turned": ("place integer GENERATED ALWAYS AS IDENTITY, id integer, PRIMARY KEY (place, id)",
               "150 - n",
               "ALTER TABLE turned DROP CONSTRAINT turned_pkey, ADD PRIMARY KEY (id, place)"),
    "respelled": ("place integer GENERATED ALWAYS AS IDENTITY, id integer, PRIMARY KEY (place, id)",
                  "150 - n", "ALTER TABLE respelled RENAME place TO spot"),
    "upgraded": ("id text PRIMARY KEY", "chr(60 + n % 70) || n", VERSION.format(2)),
}  # fmt: skip


def test_a_table_whose_keys_order_changes_between_the_attempts_is_read_again(
    server: PostgresServer, tmp_path: Path
) -> None:
    with server.connect("postgres") as connection:
        connection.execute("CREATE SCHEMA versions; GRANT USAGE ON SCHEMA versions TO PUBLIC")
        connection.execute(VERSION.format(1))
        connection.execute("ALTER ROLE debezium SET search_path = versions, pg_catalog, public")
        for table, (columns, key, _) in REORDERED.items():
            run(connection, "CREATE TABLE {table} (" + columns + ", v text)", table)
            filled = "INSERT INTO {table} (id, v) SELECT KEY, n FROM generate_series(1, 150) AS n"
            run(connection, filled.replace("KEY", key), table)
        connection.execute("CREATE TABLE ending (id int PRIMARY KEY, v text)")
    tables = [*REORDERED, "ending"]
    apply(server, tables)
    with worker_of(server, tables, tmp_path) as worker:
        for table, (*_, change) in REORDERED.items():
            worker.read_until(partial(worker.of, table), 50)
            assert worker.current(table).total() < 150, "its reading was interrupted"
            with server.connect("postgres") as connection:
                connection.execute(change)
        worker.read(1)  # creates the slot
        with server.connect("postgres") as connection:
            connection.execute("INSERT INTO ending VALUES (1, 'the end')")
        worker.read(0)
        wrong = [t for t in REORDERED if worker.current(t) != contents(server, t)]
        begun_again = {each.table for each in worker.records if each.operation == "t"}
    assert wrong == []
    assert begun_again >= REORDERED.keys()


def test_a_table_that_is_rewritten_after_the_snapshot_began_is_read(
    server: PostgresServer, tmp_path: Path
) -> None:
    """The snapshot's own view of such a table is empty."""
    changes = {
        "typed": "ALTER TABLE typed ALTER COLUMN v TYPE text USING v || ''",
        "filled": "ALTER TABLE filled ADD COLUMN added uuid DEFAULT gen_random_uuid()",
        "packed": "VACUUM FULL packed",
        "parted": "ALTER TABLE parted ALTER COLUMN v TYPE varchar(10)",
    }
    tables = ["first", *changes, "ending"]
    with server.connect("postgres") as connection:
        for table in tables:
            parted = " PARTITION BY HASH (id)" if table == "parted" else ""
            columns = "(id int PRIMARY KEY, v varchar(20))" + parted
            run(connection, "CREATE TABLE {table} " + columns, table)
        for number in range(2):
            connection.execute(
                f"CREATE TABLE part{number} PARTITION OF parted"
                f" FOR VALUES WITH (MODULUS 2, REMAINDER {number})"
            )
        for table, rows in {"first": 1000, **dict.fromkeys(changes, 150)}.items():
            filled = "INSERT INTO {table} SELECT n, n FROM generate_series(1, %s) AS n"
            run(connection, filled, table, rows)
    apply(server, tables)
    with worker_of(server, tables, tmp_path, {"repeats": "true"}) as worker:
        worker.go_on(50)
        with server.connect("postgres", options="-c lock_timeout=60s") as connection:
            for change in changes.values():
                connection.execute(change)
            connection.execute("INSERT INTO ending VALUES (1, 'the end')")
        worker.read(0)
        for table in ("first", *changes):
            assert worker.current(table) == contents(server, table), table


def test_a_table_whose_other_columns_change_goes_on_and_one_that_was_replaced_begins(
    server: PostgresServer, tmp_path: Path
) -> None:
    with server.connect("postgres") as connection:
        for table in ("altered", "replaced", "renamed"):
            columns = "(id int PRIMARY KEY, v varchar(20), w int)"
            run(connection, "CREATE TABLE {table} " + columns, table)
            filled = "INSERT INTO {table} SELECT n, n, n FROM generate_series(1, 300) AS n"
            run(connection, filled, table)
        connection.execute("CREATE TABLE ending (id int PRIMARY KEY, v text)")
    tables = ["altered", "replaced", "renamed", "ending"]
    apply(server, tables)
    with worker_of(server, tables, tmp_path) as worker:
        worker.read_until(lambda: worker.of("altered"), 50)
        with server.connect("postgres") as connection:
            for change in ("ADD x int DEFAULT 5", "ALTER v TYPE text USING v || ''", "DROP w"):
                run(connection, "ALTER TABLE {table} " + change, "altered")
            connection.execute("DROP TABLE replaced")
            connection.execute("CREATE TABLE replaced AS SELECT * FROM renamed WHERE id > 100")
            connection.execute("ALTER TABLE replaced ADD PRIMARY KEY (id)")
            connection.execute("ALTER TABLE renamed RENAME w TO u")
        apply(server, tables)
        with server.connect("postgres") as connection:
            connection.execute("INSERT INTO ending VALUES (1, 'the end')")
        worker.read(0)
        for table in tables[:3]:
            assert worker.current(table) == contents(server, table), table
        assert {each.operation for each in worker.of("altered")} == {"r"}, "it went on"
