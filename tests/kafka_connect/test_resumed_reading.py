"""The reading of rows goes on where a killed worker stopped, against a real PostgreSQL."""

from collections import Counter
from pathlib import Path

import pytest

from tests.kafka_connect.killed_worker import (
    UNORDERED,
    Connection,
    apply,
    contents,
    run,
    server,
    worker_of,
)
from tests.unit.postgres_server import PostgresServer

pytestmark = [pytest.mark.jdk, pytest.mark.images, pytest.mark.postgresql]

__all__ = ["server"]  # a fixture

# By table: the type of its key, and a key that follows from a number. Awkward values come first.
NUMBERED = {
    "smallints": ("smallint", "n - 75", ("-32768", "32767")),
    "bigints": ("bigint", "n * 1000003 - 75", ("-9223372036854775808", "9223372036854775807")),
    "numerics": ("numeric", "(n - 75) / 7.0", ("NaN", "1e40", "-1e-40", "10.00", "Infinity")),
    "amounts": ("numeric(12,2)", "(n - 75) * 0.5", ("NaN", "123456789.10")),
    "texts": ("text", "chr(60 + n % 70) || n", ("", "\\", "'", "\\'", "ä", "Z", " a", "E'\\n'\n")),
    "varchars": ('varchar(20) COLLATE "C"', "chr(60 + n % 70) || n", ("", "é", "\\\\")),
    "icu": (
        'text COLLATE "en-x-icu"',
        "chr(60 + n % 70) || n",
        ("", "a-b", "ab", "a b", "\U0001f600"),
    ),
    "folded": ("text COLLATE folded", "chr(60 + n % 70) || n", ("", "\u00e9", "e\u0301x", "Z")),
    "chars": ("char(5)", "n", ("", "a", "a b")),
    "uuids": ("uuid", "md5(n::text)::uuid", ("00000000-0000-0000-0000-000000000000",)),
    "dates": ("date", "date '0001-01-01' + n - 75", ("infinity", "-infinity", "12345-06-07")),
    "timestamps": (
        "timestamp",
        "timestamp '0001-01-01' + (n - 75) * interval '1 day 1.000001 second'",
        ("infinity", "-infinity", "0044-03-15 10:00:00.5 BC", "12345-06-07 08:09:10.000001"),
    ),
    "zoned": (
        "timestamptz",
        "timestamptz '0001-01-01 00:00Z' + (n - 75) * interval '1 day 1.000001 second'",
        ("infinity", "-infinity", "0044-03-15 10:00:00.5+00 BC", "12345-06-07 08:09:10.000001+00"),
    ),
    "domains": ("code", "n", ()),
}


def create_tables(connection: Connection) -> list[str]:
    connection.execute("CREATE DOMAIN code AS integer")
    # To it, a and A are the same key, and é in one character or in two.
    connection.execute(
        "CREATE COLLATION folded"
        " (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
    )
    for table, (kind, key, awkward) in NUMBERED.items():
        run(connection, "CREATE TABLE {table} (id " + kind + " PRIMARY KEY, v text)", table)
        for number, value in enumerate(awkward):
            run(connection, "INSERT INTO {table} VALUES (%s, %s)", table, value, f"odd {number}")
        filled = "INSERT INTO {table} SELECT KEY, n::text FROM generate_series(1, 150) AS n"
        run(connection, filled.replace("KEY", key) + " ON CONFLICT DO NOTHING", table)
    connection.execute(
        "CREATE TABLE pairs (id text, place smallint, v text, PRIMARY KEY (place, id))"
    )
    connection.execute(
        "INSERT INTO pairs SELECT chr(65 + n % 7), n, n::text FROM generate_series(1, 150) AS n"
    )
    connection.execute("CREATE TABLE covering (id int, v text, PRIMARY KEY (id) INCLUDE (v))")
    connection.execute("INSERT INTO covering SELECT n, n::text FROM generate_series(1, 150) AS n")
    connection.execute("CREATE TABLE ending (id int PRIMARY KEY, v text)")
    connection.execute("ANALYZE")  # tables in the order of their key are read by the index
    return [*NUMBERED, "pairs", "covering", "ending"]


def create_unordered(connection: Connection) -> None:
    for table, (kind, key) in UNORDERED.items():
        run(connection, "CREATE TABLE {table} (id " + kind + ", v text)", table)
        filled = "INSERT INTO {table} SELECT KEY, n::text FROM generate_series(1, 150) AS n"
        run(connection, filled.replace("KEY", key), table)


def test_each_row_is_read_once_by_keys_of_every_type(
    server: PostgresServer, tmp_path: Path
) -> None:
    with server.connect("postgres") as connection:
        tables = create_tables(connection)
    apply(server, tables)
    records = (1, 37, 230, 5, 111, 290, 61, 174)
    with worker_of(server, tables, tmp_path) as worker:
        for number in records:
            worker.read(number)
        with server.connect("postgres") as connection:
            connection.execute("INSERT INTO ending VALUES (1, 'the end')")
        worker.read(0)
        for table in tables:
            reads = Counter(each.content for each in worker.of(table) if each.operation == "r")
            assert set(reads.values()) <= {1}, table
            assert "t" not in {each.operation for each in worker.of(table)}, table
            if table != "ending":
                assert reads == contents(server, table), table


def test_what_changes_between_the_attempts_is_current_afterwards(
    server: PostgresServer, tmp_path: Path
) -> None:
    with server.connect("postgres") as connection:
        create_tables(connection)
    tables = ["bigints", "pairs", "uuids", "ending"]
    apply(server, tables)
    with worker_of(server, tables, tmp_path) as worker:
        for attempt, records in enumerate((60, 90, 40)):
            worker.read(records)
            with server.connect("postgres") as connection:
                for table in ("bigints", "uuids", "pairs"):
                    last = f"%{attempt}"
                    changed = "UPDATE {table} SET v = v || 'u' WHERE v LIKE %s"
                    run(connection, changed, table, last)
                    deleted = "DELETE FROM {table} WHERE v LIKE %s"
                    run(connection, deleted, table, f"%7{attempt}%")
                moved = "UPDATE {table} SET id = -id WHERE v LIKE %s AND v NOT LIKE 'odd%%'"
                run(connection, moved, "bigints", f"%{attempt + 4}")
                added = "INSERT INTO {table} VALUES (%s, %s)"
                run(connection, added, "bigints", -attempt - 5, f"new {attempt}")
                if attempt == 1:
                    connection.execute("TRUNCATE pairs")
                    connection.execute("INSERT INTO pairs VALUES ('Z', 9, 'after')")
        with server.connect("postgres") as connection:
            connection.execute("INSERT INTO ending VALUES (1, 'the end')")
        worker.read(0)
        for table in ("bigints", "uuids", "pairs"):
            assert worker.current(table) == contents(server, table), table
            reads = Counter(each.id for each in worker.of(table) if each.operation == "r")
            assert table == "pairs" or set(reads.values()) == {1}, table


def test_tables_without_a_usable_key_are_read_again_after_a_truncate(
    server: PostgresServer, tmp_path: Path
) -> None:
    with server.connect("postgres") as connection:
        create_tables(connection)
        create_unordered(connection)
    tables = ["bigints", *UNORDERED, "ending"]
    apply(server, tables)
    with worker_of(server, tables, tmp_path) as worker:
        for _ in range(2):
            worker.read(80)
            with server.connect("postgres") as connection:
                connection.execute("INSERT INTO bag VALUES ('same', 'added')")
        assert not worker.of("bigints"), "tables that can't go on come first"
        worker.read(520)
        assert worker.of("bigints"), "its reading has begun"
        with server.connect("postgres") as connection:
            connection.execute("INSERT INTO bag VALUES ('same', 'added')")
            connection.execute("INSERT INTO ending VALUES (1, 'the end')")
        worker.read(0)
        for table in ["bigints", *UNORDERED]:
            assert worker.current(table) == contents(server, table), table
        assert any(each.operation == "t" for each in worker.of("bytes"))
        reads = Counter(each.id for each in worker.of("bigints") if each.operation == "r")
        assert set(reads.values()) == {1}, "it went on"


def test_a_slot_that_was_created_again_begins_all_tables_again(
    server: PostgresServer, tmp_path: Path
) -> None:
    with server.connect("postgres") as connection:
        create_tables(connection)
    tables = ["bigints", "uuids", "ending"]
    apply(server, tables)
    with worker_of(server, tables, tmp_path) as worker:
        worker.read(100)
        with server.connect("postgres") as connection:
            connection.execute("SELECT pg_drop_replication_slot('debezium_slot')")
            connection.execute("DELETE FROM bigints WHERE v LIKE '%3'")
        worker.read(100)
        with server.connect("postgres") as connection:
            connection.execute("INSERT INTO ending VALUES (1, 'the end')")
        worker.read(0)
        assert worker.current("bigints") == contents(server, "bigints")
        assert [each.operation for each in worker.of("bigints")].count("t") == 1
        assert not any(each.operation == "t" for each in worker.of("uuids")), "it was not begun"
