"""The connector and make doctor agree by which key, and by an index or a sort, a table is read.

Each asks the server by SQL of its own: TableKey of java/values, and sort_checks.py.
"""

import itertools
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.source.existing import sort_checks
from components.source.schema import query_of
from tests.kafka_connect.artifacts import copy_artifacts
from tests.kafka_connect.test_jars import JARS, JAVA
from tests.unit.postgres_server import PostgresServer, running_server

pytestmark = [pytest.mark.jdk, pytest.mark.images, pytest.mark.postgresql]

DRIVER = ("org/postgresql/postgresql/42.6.*",)
KEYS = {
    "flags": "id bool PRIMARY KEY",
    "small": "id int2 PRIMARY KEY",
    "plain": "id int PRIMARY KEY",
    "big": "id int8 PRIMARY KEY",
    "exact": "id numeric(9, 2) PRIMARY KEY",
    "texts": "id text PRIMARY KEY",
    "varchars": 'id varchar(9) COLLATE "en-x-icu" PRIMARY KEY',
    "chars": "id char(9) PRIMARY KEY",
    "uuids": "id uuid PRIMARY KEY",
    "dates": "id date PRIMARY KEY",
    "stamps": "id timestamp(3) PRIMARY KEY",
    "zoned": "id timestamptz PRIMARY KEY",
    "domains": "id code PRIMARY KEY",
    "nested": "id recode PRIMARY KEY",
    "bytes": "id bytea PRIMARY KEY",
    "doubles": "id float8 PRIMARY KEY",
    "times": "id time PRIMARY KEY",
    "enums": "id mood PRIMARY KEY",
    "arrays": "id int[] PRIMARY KEY",
    "addresses": "id inet PRIMARY KEY",
    "several": 'w text, "Id" int, id int, PRIMARY KEY ("Id", w)',
    "mixed": "id int, w bytea, PRIMARY KEY (id, w)",
    "covering": "id int, w bytea, PRIMARY KEY (id) INCLUDE (w)",
    "deferred": "id int PRIMARY KEY DEFERRABLE",
    "unique_only": "id int NOT NULL UNIQUE",
    "keyless": "id int",
    '"Odd name"': 'id text, "Sp ace" int PRIMARY KEY',
    "other.plain": "id uuid PRIMARY KEY",
}
PARTED = """
CREATE TABLE parted (id int, half bool, PRIMARY KEY (half, id)) PARTITION BY LIST (half);
CREATE TABLE part_0 PARTITION OF parted FOR VALUES IN (false);
CREATE TABLE part_1 PARTITION OF parted FOR VALUES IN (true);
INSERT INTO parted SELECT n, n > 100 FROM generate_series(1, 200) AS n;
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent);
INSERT INTO parent SELECT generate_series(1, 100);
INSERT INTO child SELECT generate_series(1, 100);
"""
# At, next to and far from what the condition compares with: a correlation of 0.9, and a thousand
# rows for each value of the key.
CORRELATIONS = (-0.91, 0, 0.9, 0.9001)
DISTINCT = (-1, -0.001, -0.0009, 9, 10)
ROWS = (-1, 0, 10_000, 10_001)
# They are doctored where PostgreSQL keeps them: kind 3 is the correlation, in one of five slots.
STATISTICS = """
UPDATE pg_statistic SET stadistinct = {distinct}, {slots}
    WHERE starelid = '{table}'::regclass AND staattnum = 1;
UPDATE pg_class SET reltuples = {rows} WHERE oid = '{table}'::regclass;
"""
CORRELATION = 3


@dataclass(frozen=True)
class Answers:
    connector: dict[str, str]
    """ORDER BY and what follows it, by table; empty where rows are read in any order"""
    doctor: dict[str, str]
    ordering: dict[str, str]
    """what the order depends on"""


def doctored() -> dict[str, str]:
    """Return tables of each combination of statistics, with the statement that makes it."""
    tables = {}
    cases = itertools.product(CORRELATIONS, DISTINCT, ROWS)
    for number, (correlation, distinct, rows) in enumerate(cases):
        table = f"doctored_{number}"
        slots = ", ".join(
            f"stanumbers{slot} = CASE stakind{slot} WHEN {CORRELATION}"
            f" THEN ARRAY[{correlation}]::float4[] ELSE stanumbers{slot} END"
            for slot in range(1, 6)
        )
        statement = STATISTICS.format(table=table, distinct=distinct, rows=rows, slots=slots)
        tables[table] = statement
    return tables


def create(server: PostgresServer) -> list[str]:
    """Create the tables; return their names."""
    statements = [
        "CREATE SCHEMA other",
        "CREATE DOMAIN code AS int",
        "CREATE DOMAIN recode AS code",
        "CREATE TYPE mood AS ENUM ('sad', 'happy')",
        PARTED,
        *(f"CREATE TABLE {name} ({columns}, v text)" for name, columns in KEYS.items()),
        "INSERT INTO plain SELECT generate_series(1, 200)",
        "INSERT INTO covering SELECT (n * 7919) % 1009 FROM generate_series(1, 200) AS n",
        "INSERT INTO uuids SELECT md5(n::text)::uuid FROM generate_series(1, 200) AS n",
        "INSERT INTO several SELECT n, n / 4 FROM generate_series(1, 200) AS n",
        *(
            f"CREATE TABLE {name} (id int PRIMARY KEY);"
            f" INSERT INTO {name} SELECT generate_series(1, 10)"
            for name in doctored()
        ),
        "ANALYZE",
        *doctored().values(),
        "CREATE TABLE unanalyzed (id int PRIMARY KEY)",
    ]
    with server.connect("postgres") as connection:
        for statement in statements:
            connection.execute(statement.encode())
        found = connection.execute(
            "SELECT nspname || '.' || relname FROM pg_class JOIN pg_namespace"
            " ON pg_namespace.oid = relnamespace WHERE relkind IN ('r', 'p')"
            " AND nspname IN ('public', 'other')"
        ).fetchall()
    names = [str(name) for (name,) in found]
    server.execute("GRANT USAGE ON SCHEMA other TO debezium")
    server.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public, other TO debezium")
    return names


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    folder = tmp_path_factory.mktemp("keys")
    with running_server(sample_schema=False) as server:
        assert server.apply(()).returncode == 0
        tables = create(server)
        printed = table_keys(server, folder, tables)
        query = query_of(sort_checks._ORDERED, server.settings, tuple(tables), {}, avro_names=False)
        with server.connect("debezium") as connection:
            rows = connection.execute(query.encode()).fetchall()
    doctor = dict.fromkeys(tables, "")
    for name, _, key, _, is_followed in rows:
        doctor[name] = key + (sort_checks.BY_INDEX if is_followed else "")
    yield Answers(
        {name: order for name, order, _ in printed},
        doctor,
        {name: ordering for name, _, ordering in printed},
    )


def table_keys(server: PostgresServer, folder: Path, tables: list[str]) -> list[list[str]]:
    """Return what TableKey says of tables: name, ORDER BY and what the order depends on."""
    copy_artifacts(JARS["values"], folder / "jars")
    copy_artifacts(DRIVER, folder / "driver")
    classpath = f"{JAVA}/values.jar:{folder}/jars/*:{folder}/driver/*"
    source = Path(__file__).parent / "TableKeys.java"
    subprocess.run(["javac", "-cp", classpath, "-d", folder, source], check=True)
    password = server.passwords["debezium"]
    given = [server.port, server.settings.database, "debezium", password, ",".join(tables)]
    done = subprocess.run(
        ["java", "-cp", f"{folder}:{classpath}", "datapipe.postgres.TableKeys", *given],
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_the_connector_reads_every_table_as_doctor_says(answers: Answers) -> None:
    assert answers.connector == answers.doctor


def test_the_tables_show_each_answer(answers: Answers) -> None:
    said = answers.doctor
    by_index = {name for name, order in said.items() if order.endswith(sort_checks.BY_INDEX)}
    assert by_index > {"public.plain", "public.parted"}
    statistics = {name for name in said if name.startswith("public.doctored_")}
    assert by_index & statistics
    assert statistics - by_index
    for table in ("uuids", "covering", "unanalyzed", "nested"):
        assert f"public.{table}" not in by_index
    assert {name for name, order in said.items() if not order} == {
        f"public.{table}"
        for table in (
            *("bytes", "doubles", "times", "enums", "arrays", "addresses", "mixed", "nested"),
            *("unique_only", "keyless"),
        )
    }
