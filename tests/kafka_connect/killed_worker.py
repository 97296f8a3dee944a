"""A worker that runs one task of a source connector against a real PostgreSQL, and is killed."""

import atexit
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
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

Connection = psycopg.Connection[Any]
# Their keys can't be written back exactly, or they have no key.
UNORDERED = {
    "bytes": ("bytea PRIMARY KEY", "decode(md5(n::text), 'hex')"),
    "doubles": ("double precision PRIMARY KEY", "n / 7.0"),
    "bag": ("text", "'same'"),
}
# It runs for seconds, so that the optimizing compiler would take more than it saves.
JVM = ("-Duser.timezone=UTC", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
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


class Worker:
    """A worker that runs the task of one connector, and is killed."""

    def __init__(self, program: JavaProgram) -> None:
        self._program = program
        self.records: list[Record] = []

    def read(self, records: int) -> None:
        """Read some records and kill the worker; 0: read all, and changes up to the end."""
        self._run(str(records))

    def read_until(self, is_enough: Callable[[], object], records: int) -> None:
        """Read some records and kill the worker, again and again until it is enough.

        Where nothing was committed, the next task reads all rows again, from another slot.
        """
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
    given = folder / "connector.properties"
    given.write_text("".join(f"{key}={_escaped(value)}\n" for key, value in properties.items()))
    arguments = (str(given), str(seed))
    with java_program(_class_path(), "KilledWorker", *JVM, arguments=arguments) as program:
        yield Worker(program)


@cache
def _class_path() -> str:
    """Compile the program, once for all tests of this process; return what it needs."""
    folder = Path(tempfile.mkdtemp(prefix="datapipe-killed-worker-"))
    atexit.register(shutil.rmtree, folder)
    copy_artifacts(JARS["values"], folder / "jars")
    copy_artifacts(("org/postgresql/postgresql/42.6.*", *JARS[JSON]), folder / "more")
    needed = f"{JAVA / 'values.jar'}:{folder}/jars/*:{folder}/more/*"
    source = Path(__file__).with_name("KilledWorker.java")
    subprocess.run(["javac", "-cp", needed, "-d", folder, source], check=True)
    return f"{folder}:{needed}"


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
