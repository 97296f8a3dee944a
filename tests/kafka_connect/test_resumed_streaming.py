"""No change is lost or recorded twice where a worker is killed, against a real PostgreSQL."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from psycopg.sql import SQL, Identifier

from tests.kafka_connect.killed_worker import (
    Connection,
    apply,
    run,
    server,
    worker_of,
)
from tests.unit.postgres_server import PostgresServer

pytestmark = [pytest.mark.jdk, pytest.mark.images, pytest.mark.postgresql]

__all__ = ["server"]  # a fixture


@pytest.mark.parametrize(("metadata", "seed"), [("true", 7), ("false", 8)])
def test_no_change_is_skipped_or_repeated_where_many_share_a_position(
    server: PostgresServer, tmp_path: Path, metadata: str, seed: int
) -> None:
    with server.connect("postgres") as connection:
        for table in ("one", "two", "ending"):
            run(connection, "CREATE TABLE {table} (id int PRIMARY KEY, v text)", table)
            run(connection, "INSERT INTO {table} VALUES (-1, 'read')", table)
        connection.execute("ALTER TABLE one REPLICA IDENTITY FULL")
    tables = ["one", "two", "ending"]
    apply(server, tables)
    changed = {"provide.transaction.metadata": metadata}
    with worker_of(server, tables, tmp_path, changed, seed) as worker:
        worker.read_until(lambda: worker.records, 2)
        with server.connect("postgres") as connection:
            change_at_shared_positions(connection)
            connection.execute("INSERT INTO ending VALUES (1, 'the end')")
        for records in (3, 40, 90, 1, 38, 64, 150, 37, 7, 230, 75, 76, 77, 1, 1):
            worker.read(records)
        worker.read(0)
        changes = Counter(
            (each.operation, each.table, each.id, each.content)
            for each in worker.records
            if each.operation != "r" and each.table != "ending"
        )
    assert changes == expected_changes()


# With heartbeats after each message, an offset can be that of a COMMIT that has no record.
@pytest.mark.parametrize(
    ("metadata", "heartbeat_ms", "prepares"),
    [("true", "30000", False), ("false", "1", False), ("false", "1", True)],
)
def test_no_change_is_skipped_where_transactions_overlap(
    server: PostgresServer, tmp_path: Path, metadata: str, heartbeat_ms: str, prepares: bool
) -> None:
    """A transaction goes on in the WAL just where the COMMIT of another one ends."""
    if prepares:
        server.execute("ALTER SYSTEM SET max_prepared_transactions = 2")
        server.stop()
        server.start()
    with server.connect("postgres") as connection:
        for table in ("one", "two", "ending"):
            run(connection, "CREATE TABLE {table} (id int PRIMARY KEY, v text)", table)
        connection.execute("INSERT INTO one VALUES (-1, 'read')")
    tables = ["one", "two", "ending"]
    apply(server, tables)
    changed = {
        "provide.transaction.metadata": metadata,
        "heartbeat.interval.ms": heartbeat_ms,
        "max.batch.size": "2",
    }
    with worker_of(server, tables, tmp_path, changed) as worker:
        worker.read_until(lambda: worker.records, 1)
        change = change_in_prepared_transactions if prepares else change_in_overlapping_transactions
        expected = change(server)
        for _ in range(14):
            worker.read(3)
        with server.connect("postgres") as connection:
            connection.execute("INSERT INTO ending VALUES (1, 'the end')")
        worker.read(0)
        changes = Counter(
            (each.table, each.id)
            for each in worker.records
            if each.operation != "r" and each.table != "ending"
        )
    assert changes == expected


def change_in_overlapping_transactions(server: PostgresServer) -> Counter[tuple[str, str]]:
    """Insert rows in transactions that begin before others and end after them; return the rows."""
    rows: Counter[tuple[str, str]] = Counter()
    with server.connect("postgres") as longer, server.connect("postgres") as shorter:
        for first in range(0, 500, 100):
            with longer.transaction():
                copy(longer, "one", range(first, first + 20))
                copy(shorter, "two", (first,))
                for key in (first + 50, first + 51):
                    copy(longer, "one", (key,))
            keys = [*range(first, first + 20), first + 50, first + 51]
            rows.update(("one", str(key)) for key in keys)
            rows["two", str(first)] += 1
    return rows


def change_in_prepared_transactions(server: PostgresServer) -> Counter[tuple[str, str]]:
    """Insert rows in prepared transactions, which others overlap; return the committed rows."""
    rows: Counter[tuple[str, str]] = Counter()
    with server.connect("postgres") as first, server.connect("postgres") as second:
        for key in range(0, 500, 100):
            first.execute("BEGIN")
            copy(first, "one", range(key, key + 20))
            copy(second, "two", (key,))
            copy(first, "one", (key + 50,))
            first.execute("PREPARE TRANSACTION 'kept'")
            first.execute("BEGIN")
            copy(first, "two", (key + 1, key + 2))
            second.execute("COMMIT PREPARED 'kept'")
            copy(first, "two", (key + 3,))
            first.execute("PREPARE TRANSACTION 'left'")
            copy(second, "one", (key + 60, key + 61))
            second.execute(f"{'COMMIT' if key % 200 else 'ROLLBACK'} PREPARED 'left'")
            copy(second, "one", (key + 62,))
            ones = [*range(key, key + 20), *(key + more for more in (50, 60, 61, 62))]
            rows.update(("one", str(one)) for one in ones)
            twos = [key, *((key + 1, key + 2, key + 3) if key % 200 else ())]
            rows.update(("two", str(two)) for two in twos)
    return rows


ROUNDS = 3


def change_at_shared_positions(connection: Connection) -> None:
    """COPY in one transaction and several, an INSERT of single rows, keys, and a TRUNCATE."""
    for number in range(ROUNDS):
        for table in ("one", "two"):
            copy(connection, table, range(1000 * number, 1000 * number + 150))
        with connection.transaction():
            for table in ("one", "two", "one"):
                first = 1000 * number + (500 if table == "two" else 300)
                first += 100 if table == "one" and count(connection, first) else 0
                copy(connection, table, range(first, first + 60))
        connection.execute("UPDATE one SET id = id + 100000 WHERE id % 1000 BETWEEN 100 AND 119")
        connection.execute("TRUNCATE one, two")


def copy(connection: Connection, table: str, numbers: Iterable[int]) -> None:
    with connection.cursor().copy(
        SQL("COPY {table} FROM STDIN").format(table=Identifier(table))
    ) as rows:
        for number in numbers:
            rows.write_row((number, f"v{number}"))


def count(connection: Connection, number: int) -> int:
    return len(connection.execute("SELECT FROM one WHERE id = %s", (number,)).fetchall())


def expected_changes() -> Counter[tuple[str, str, str, str]]:
    """Return the changes of change_at_shared_positions(), each once."""
    changes: Counter[tuple[str, str, str, str]] = Counter()
    for number in range(ROUNDS):
        first = 1000 * number
        inserted = {
            "one": [*range(first, first + 150), *range(first + 300, first + 360),
                    *range(first + 400, first + 460)],
            "two": [*range(first, first + 150), *range(first + 500, first + 560)],
        }  # fmt: skip
        for table, numbers in inserted.items():
            changes.update(("c", table, str(key), f"v{key}") for key in numbers)
            changes["t", table, "", ""] += 1
        for key in range(first + 100, first + 120):
            changes["d", "one", str(key), f"v{key}"] += 1
            changes["c", "one", str(key + 100000), f"v{key}"] += 1
    return changes


def test_a_truncate_of_several_tables_is_recorded_once_whatever_leaves_the_list_in_its_middle(
    server: PostgresServer, tmp_path: Path
) -> None:
    truncated, rounds = ["one", "two", "three", "four", "five"], 12
    tables = [*truncated, "ending"]
    with server.connect("postgres") as connection:
        for table in tables:
            run(connection, "CREATE TABLE {table} (id int PRIMARY KEY, v text)", table)
    apply(server, tables)
    # So small that the reads below, each of which can take one batch too much, leave "the end".
    batches = {"max.batch.size": "2"}
    with worker_of(server, tables, tmp_path, batches, seed=9) as worker:
        with server.connect("postgres") as connection:
            connection.execute("INSERT INTO ending VALUES (0, 'begin')")
        worker.read_until(lambda: worker.records, 1)
        with server.connect("postgres") as connection:
            for _ in range(rounds):
                connection.execute(f"TRUNCATE {', '.join(truncated)}")
            connection.execute("INSERT INTO ending VALUES (1, 'the end')")
        for number in range(rounds):
            # The first and the last are recorded now and then, the others always.
            left = [(), ("one",), ("one", "five"), ("five",)][number % 4]
            captured = ",".join(f"public.{table}" for table in tables if table not in left)
            worker.change("table.include.list", captured)
            worker.read(1 + number % 3)
        worker.read(0)
        found = Counter(each.table for each in worker.records if each.operation == "t")
    assert [found[table] for table in truncated[1:4]] == [rounds] * 3
    assert max(found["one"], found["five"]) <= rounds
