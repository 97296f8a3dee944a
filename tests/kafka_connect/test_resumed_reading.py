"""The reading of rows goes on where a killed worker stopped, against a real PostgreSQL."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from components.streaming.connectors.converters import JsonConverter
from components.streaming.connectors.debezium import DebeziumPostgresConnector
from kafka_connect.snapshot import CONTINUOUS_SNAPSHOTTER
from tests.java_programs import JavaProgram, java_program
from tests.kafka_connect.artifacts import copy_artifacts
from tests.kafka_connect.test_jars import JARS, JAVA, JSON
from tests.unit.postgres_server import PostgresServer, running_server

pytestmark = [pytest.mark.jdk, pytest.mark.images, pytest.mark.postgresql]

Connection = psycopg.Connection[Any]
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
# Their keys can't be written back exactly, or they have no key.
UNORDERED = {
    "bytes": ("bytea PRIMARY KEY", "decode(md5(n::text), 'hex')"),
    "doubles": ("double precision PRIMARY KEY", "n / 7.0"),
    "bag": ("text", "'same'"),
}


# A killed worker may have committed nothing of what it has read.
ATTEMPTS = 40


class TaskError(Exception):
    """What a task failed with."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.is_retriable = kind == "retriable"
        """whether Connect polls the task again, as if nothing was wrong with it"""


@dataclass
class Record:
    """A record that a worker has committed."""

    operation: str
    table: str
    position: int
    id: str
    content: str


def run(connection: Connection, statement: str, table: str, *values: object) -> list[Any]:
    """Run a statement about {table}; return its rows."""
    cursor = connection.execute(SQL(statement).format(table=Identifier(table)), values or None)
    return cursor.fetchall() if cursor.description else []


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


class Worker:
    """A worker that runs the task of one connector, and is killed."""

    def __init__(self, program: JavaProgram) -> None:
        self._program = program
        self.records: list[Record] = []

    def read(self, records: int) -> None:
        """Read some records and kill the worker; 0: read all, and changes up to the end."""
        self._run(str(records))

    def read_until(self, is_enough: Callable[[], object], records: int) -> None:
        """Read some records and kill the worker, again and again until it is enough."""
        for _ in range(ATTEMPTS):
            if is_enough():
                return
            self.read(records)
        pytest.fail(f"not enough after {ATTEMPTS} attempts")

    def go_on(self, records: int) -> None:
        """Read some records, and leave the task running."""
        self._run(f"+{records}")

    def change(self, name: str, value: str) -> None:
        """Give the connector another property, which its next task begins with."""
        self._run(f"{name}={value}")

    def _run(self, command: str) -> None:
        self._program.send(command)
        while (line := self._program.receive()) != "done":
            operation, table, position, *row = line.split("\t")
            if operation == "failed":
                raise TaskError(table, position)
            self.records.append(
                Record(operation, table.removeprefix("public."), int(position), *row)
            )

    def of(self, table: str) -> list[Record]:
        return [record for record in self.records if record.table == table]

    def current(self, table: str) -> Counter[str]:
        """Return the contents that a table has by its records in the order of their positions."""
        state: Counter[str] = Counter()
        by_key: dict[str, str] = {}
        for record in sorted(self.of(table), key=lambda each: each.position):
            if record.operation == "t":
                state.clear()
                by_key.clear()
            elif record.operation == "d":
                state[record.content] -= 1
                by_key.pop(record.id, None)
            else:
                state[record.content] += 1
                by_key[record.id] = record.content
        return +state if table in UNORDERED else Counter(by_key.values())


@contextmanager
def worker_of(
    server: PostgresServer,
    tables: Iterable[str],
    folder: Path,
    changes: Mapping[str, str] | None = None,
    seed: int = 7,
) -> Iterator[Worker]:
    """Yield a worker whose tasks read the tables in small batches."""
    connector = DebeziumPostgresConnector(
        name="c",
        hostname="localhost",
        port=int(server.port),
        database=server.settings.database,
        tables=tuple(f"public.{table}" for table in tables),
        publication=server.settings.publication,
        snapshot="custom",
        snapshot_class=CONTINUOUS_SNAPSHOTTER,
        record_truncates=True,
        nullable_columns=True,
        key_converter=JsonConverter(),
        value_converter=JsonConverter(),
    )
    properties = connector.properties() | {
        "database.user": "debezium",
        "database.password": server.passwords["debezium"],
        "max.batch.size": "37",
        "max.queue.size": "100",
        "poll.interval.ms": "10",
        "retriable.restart.connector.wait.ms": "10",
        **(changes or {}),
    }
    copy_artifacts(JARS["values"], folder / "jars")
    copy_artifacts(("org/postgresql/postgresql/42.6.*", *JARS[JSON]), folder / "more")
    given = folder / "connector.properties"
    given.write_text("".join(f"{key}={_escaped(value)}\n" for key, value in properties.items()))
    classpath = f"{JAVA / 'values.jar'}:{folder}/jars/*:{folder}/more/*"
    source = str(Path(__file__).with_name("ResumedReading.java"))
    options = ("-Duser.timezone=UTC",)
    with java_program(classpath, source, *options, arguments=(str(given), str(seed))) as program:
        yield Worker(program)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\")


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with running_server(sample_schema=False) as running:
        assert running.apply(()).returncode == 0
        yield running


def apply(server: PostgresServer, tables: Iterable[str]) -> None:
    applied = server.apply(tuple(f"public.{table}" for table in tables))
    assert applied.returncode == 0, applied.stderr


def contents(server: PostgresServer, table: str) -> Counter[str]:
    with server.connect("postgres") as connection:
        return Counter(str(row[0]) for row in run(connection, "SELECT v FROM {table}", table))


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
        worker.read(2)
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
        worker.read(1)
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
