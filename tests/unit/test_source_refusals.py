"""What of a table cannot be archived right is refused by name, by a real PostgreSQL 15."""

import re
from collections.abc import Iterator

import pytest

from components.source.schema import REFUSED, check_script
from tests.unit.postgres_server import PostgresServer, running_server


@pytest.fixture(scope="module")
def running() -> Iterator[PostgresServer]:
    with running_server(sample_schema=False) as server:
        made = server.apply(())
        assert made.returncode == 0, made.stderr
        server.execute("CREATE EXTENSION hstore")
        yield server


@pytest.fixture
def server(running: PostgresServer) -> Iterator[PostgresServer]:
    """A server with an empty schema."""
    yield running
    running.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE EXTENSION hstore")


def refusals(
    server: PostgresServer,
    *tables: str,
    excluded: dict[str, tuple[str, ...]] | None = None,
    avro_names: bool = False,
) -> list[str]:
    settings = server.settings.model_copy(update={"excluded_columns": excluded or {}})
    checked = server.psql(check_script(settings, tables, "debezium", avro_names=avro_names))
    assert checked.returncode == 0, checked.stderr
    lines = checked.stdout.splitlines()
    return [line.removeprefix(REFUSED) for line in lines if line.startswith(REFUSED)]


FINE = [
    "CREATE TABLE t (id int PRIMARY KEY, v text)",
    "CREATE TABLE t (id int, v text)",
    'CREATE TABLE t (id int PRIMARY KEY, "Some Name.%" text, "select" text)',
    "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v real, w int[][])",
    "CREATE TYPE pair AS (a int, b timetz); CREATE TABLE t (id int PRIMARY KEY, v pair)",
    "CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE t (id mood PRIMARY KEY, v mood[])",
    "CREATE TABLE t (id int PRIMARY KEY, v hstore)",
    "CREATE TABLE t (id int, at date) PARTITION BY RANGE (at);"
    " CREATE TABLE t_1 PARTITION OF t DEFAULT",
    "CREATE TABLE t (id int PRIMARY KEY, v date, w timestamp, x timestamptz, y money);"
    " INSERT INTO t VALUES (1, '1582-10-04', '1582-10-15', 'infinity', 89999999999999.99),"
    " (2, 'infinity', '-infinity', '1582-10-15 00:00+00', -0.01)",
    "CREATE TABLE t (id int PRIMARY KEY); ALTER TABLE t ENABLE ROW LEVEL SECURITY",
]


@pytest.mark.parametrize("statements", FINE)
def test_what_can_be_archived_is_let_through(server: PostgresServer, statements: str) -> None:
    server.execute(statements)
    assert refusals(server, "public.t") == []


REFUSED_TABLES = [
    ("SELECT", "there is no such table: create it"),
    ('CREATE TABLE "T" (id int)', 'public."T", whose name cannot be captured'),
    ("CREATE VIEW t AS SELECT 1 AS id", "it is a view"),
    ("CREATE MATERIALIZED VIEW t AS SELECT 1 AS id", "it is a materialized view"),
    ("CREATE SEQUENCE t", "it is a sequence"),
    ("CREATE UNLOGGED TABLE t (id int)", "it is unlogged"),
    ("CREATE TABLE t ()", "it has no columns to capture"),
    (
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;"
        " CREATE FOREIGN TABLE t (id int) SERVER s",
        "it is a foreign table",
    ),
    ("CREATE TYPE t AS (id int)", "it is a composite type"),
    ("CREATE TABLE u (id int); CREATE INDEX t ON u (id)", "it is an index"),
    ("CREATE TABLE t (id int); CREATE TABLE child () INHERITS (t)", r"inheritance \(child\)"),
    ('CREATE TABLE t (id int); CREATE TABLE "T" (id int)', 'public."T" has the same name'),
    ('CREATE TABLE t ("Name" text, name text)', 'columns "Name", name differ by case'),
    ("CREATE TABLE t (__op text)", "column __op has a name that the archive uses"),
    ('CREATE TABLE t ("__Deleted" text)', 'column "__Deleted" has a name that the archive uses'),
    ('CREATE TABLE t ("naïve" text)', 'column "naïve" has characters outside ASCII'),
    ('CREATE TABLE t ("日本" text)', 'column "日本" has characters outside ASCII'),
    ("CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a) STORED)", "column b is generated"),
    ("CREATE TABLE t (v timetz)", "column v, time with time zone: .*loses the time zone"),
    ("CREATE DOMAIN d AS timetz(3); CREATE TABLE t (v d)", "column v, d: .*loses the time zone"),
    ("CREATE DOMAIN d AS hstore; CREATE TABLE t (v d)", "column v, d: a domain over hstore"),
    ("CREATE TABLE t (v date); INSERT INTO t VALUES ('1582-10-14')", "column v has a date from 5"),
    (
        "CREATE DOMAIN d AS date; CREATE TABLE t (v d); INSERT INTO t VALUES ('1582-10-05')",
        "column v has a date from 5",
    ),
    (
        "CREATE TABLE t (\"V w\" timestamp); INSERT INTO t VALUES ('1582-10-10 12:00')",
        'column "V w" has a time from 5',
    ),
    (
        "CREATE TABLE t (v timestamptz); INSERT INTO t VALUES ('1582-10-10 12:00+00')",
        "column v has a time from 5",
    ),
    (
        "CREATE TABLE t (v timestamp); INSERT INTO t VALUES ('294276-12-31 23:59:59.999999')",
        "column v has a time after 10 January 294247",
    ),
    (
        "CREATE TABLE t (v money); INSERT INTO t VALUES (-90071992547409.93)",
        "column v has an amount",
    ),
    (
        "CREATE TABLE t (id int); CREATE SCHEMA other; CREATE TYPE other.nothing AS ENUM ()",
        r"type other\.nothing is an enum without labels",
    ),
    (
        "CREATE TABLE t (id int); CREATE TYPE mood AS ENUM ('a'); CREATE DOMAIN d AS mood",
        "domain d is over the enum mood",
    ),
]


@pytest.mark.parametrize(("statements", "reason"), REFUSED_TABLES)
def test_what_cannot_be_archived_is_refused_by_name(
    server: PostgresServer, statements: str, reason: str
) -> None:
    server.execute(statements)
    try:
        (found,) = refusals(server, "public.t")

        assert re.search(reason, found), found
        applied = server.apply(("public.t",))
        assert applied.returncode != 0
        assert "Nothing was changed in the database." in applied.stderr
        assert server.query("SELECT * FROM pg_publication_tables") == []
    finally:
        server.execute("DROP SCHEMA IF EXISTS other CASCADE")
        server.execute("DROP FOREIGN DATA WRAPPER IF EXISTS w CASCADE")


def test_a_partition_is_refused_beside_its_root(server: PostgresServer) -> None:
    server.execute(
        "CREATE TABLE t (id int) PARTITION BY LIST (id); CREATE TABLE t_1 PARTITION OF t DEFAULT"
        " PARTITION BY LIST (id); CREATE TABLE t_2 PARTITION OF t_1 DEFAULT"
    )
    assert refusals(server, "public.t_2") == []
    (found,) = refusals(server, "public.t_2", "public.t")
    assert found.startswith("public.t_2: its partitioned table public.t is listed too")


@pytest.mark.parametrize(
    ("columns", "excluded", "reason"),
    [
        ('"Name" text, name text', "Name", 'columns "Name", name differ by case'),
        ('"naïve" text', "naïve", "characters outside ASCII"),
        ("v text", "other", "there is no column other"),
        ("v text", "id", "column id is part of the primary key"),
    ],
)
def test_what_excluding_a_column_does_not_help(
    server: PostgresServer, columns: str, excluded: str, reason: str
) -> None:
    server.execute(f"CREATE TABLE t (id int PRIMARY KEY, {columns})")
    (found,) = refusals(server, "public.t", excluded={"public.t": (excluded,)})
    assert reason in found


@pytest.mark.parametrize(
    ("columns", "excluded"),
    [
        ("__op text, __deleted text", ("__op", "__deleted")),
        ("v timetz", ("v",)),
        ("a int, b int GENERATED ALWAYS AS (a) STORED", ("b",)),
    ],
)
def test_an_excluded_column_refuses_nothing(
    server: PostgresServer, columns: str, excluded: tuple[str, ...]
) -> None:
    server.execute(f"CREATE TABLE t (id int PRIMARY KEY, {columns})")
    assert refusals(server, "public.t")
    assert refusals(server, "public.t", excluded={"public.t": excluded}) == []


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("pg_catalog.pg_class", "a system table has no logical changes"),
        ("information_schema.sql_features", "a system table has no logical changes"),
        ("information_schema.tables", "a system table has no logical changes"),
        ("other.t", "there is no such table: create it, or take it off datapipe:tables"),
        ("public.t", "there is no such table"),
    ],
)
def test_what_is_no_table_of_the_users_is_said(
    server: PostgresServer, table: str, reason: str
) -> None:
    assert any(f"{table}: {reason}" in found for found in refusals(server, table))


def test_a_temporary_table_is_not_called_unlogged(server: PostgresServer) -> None:
    with server.connect("postgres") as connection:
        connection.execute("CREATE TEMPORARY TABLE t (id int)")
        (row,) = connection.execute("SELECT pg_my_temp_schema()::regnamespace::text").fetchall()
        (found,) = refusals(server, f"{row[0]}.t")
        assert "it is a temporary table, which only its own session sees" in found
        (found,) = refusals(server, "public.t")
        assert "there is no such table" in found


def test_a_table_whose_columns_are_all_excluded_is_refused(server: PostgresServer) -> None:
    server.execute("CREATE TABLE t (v text, w text)")
    (found,) = refusals(server, "public.t", excluded={"public.t": ("v", "w")})
    assert "it has no columns to capture" in found


@pytest.mark.parametrize(
    ("statement", "fine"),
    [
        ("CREATE TABLE t (id int PRIMARY KEY)", True),
        ("CREATE TABLE t (id int PRIMARY KEY) PARTITION BY HASH (id)", True),
        ("CREATE TABLE t (id int)", False),
        ("CREATE TABLE t (id int UNIQUE NOT NULL)", False),
        ("CREATE TABLE t (id int PRIMARY KEY DEFERRABLE)", False),
        ("CREATE TABLE t (id int) PARTITION BY HASH (id)", False),
    ],
)
def test_a_table_that_would_refuse_its_own_updates_is_refused(
    server: PostgresServer, statement: str, fine: bool
) -> None:
    server.execute(statement)
    by_key = server.with_settings(replica_identity="default")
    found = refusals(by_key, "public.t")
    assert (found == []) is fine
    assert refusals(server, "public.t") == []
    if not fine:
        assert "would refuse every UPDATE and DELETE of it; set full" in found[0]


@pytest.mark.parametrize(
    ("column", "changed"),
    [("a b", "a_b"), ("1st", "_st"), ("per%cent", "per_cent"), ("a.b", "a_b"), ("a-b", "a_b")],
)
def test_a_name_that_avro_does_not_allow_is_refused_where_records_are_avro(
    server: PostgresServer, column: str, changed: str
) -> None:
    server.execute(f'CREATE TABLE t (id int PRIMARY KEY, "{column}" text, "Fine_1" text, _ text)')
    (found,) = refusals(server, "public.t", avro_names=True)
    assert f"Debezium would change it to {changed};" in found
    assert refusals(server, "public.t") == []
    assert refusals(server, "public.t", excluded={"public.t": (column,)}, avro_names=True) == []
