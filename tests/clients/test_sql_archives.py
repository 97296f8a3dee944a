"""SQL over archives of both sinks on S3."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import boto3
import duckdb
import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq
import pytest
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.schema import Schema
from pyiceberg.types import DoubleType, IntegerType, LongType, NestedField, StringType

from archive_views.table import SourceDatabase
from clients.archive import open_archive
from clients.described_tables import DescribedTable
from clients.sql.files import archived_files
from clients.sql.session import Session
from clients.sql.sources import ArchivedSource
from clients.stack import ArchiveOutput
from tests.archive_views.memory_files import change, query

BUCKET = "datapipe-sql-test"
TABLES = ("public.users", "sales.users", "public.none_yet")
COLUMNS = {
    "public.users": (("id", "integer"), ("born", "date"), ("amount", "double precision")),
    "sales.users": (("code", "uuid"), ("price", "numeric(6,2)")),
    "public.none_yet": (("id", "integer"), ("at", "timestamp without time zone")),
}
KEYS = {"public.users": ("id",), "sales.users": ("code",), "public.none_yet": ("id",)}
FIRST = [
    change("c", 10, {"id": 1, "born": 19782, "amount": 5}),
    change("c", 20, {"id": 2, "born": None, "amount": None}),
]
# The type of `amount` was changed from integer to double precision.
SECOND = [
    change("u", 30, {"id": 2, "born": 0, "amount__float": 1.5}),
    change("c", 40, {"id": 3, "born": 1, "amount__float": 2.5}),
    change("d", 50, {"id": 3, "born": 1, "amount__float": 2.5}),
]
CODE = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
SALES = [change("c", 15, {"code": CODE, "price": "12.30"})]
PRESENT = [("1", "2024-02-29", "5.0"), ("2", "1970-01-01", "1.5")]
LONGS = {"__source_lsn", "__source_ts_ms", "__ts_ms"}
CHANGES = [
    NestedField(90 + number, name, LongType() if name in LONGS else StringType())
    for number, name in enumerate(["__op", "__deleted", *sorted(LONGS)])
]


@pytest.fixture(autouse=True)
def _bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    client.create_bucket(Bucket=BUCKET)


def glue(endpoint: str) -> Catalog:
    addresses = {"glue.endpoint": endpoint, "s3.endpoint": endpoint}
    regions = {"glue.region": "us-east-1", "s3.region": "us-east-1"}
    return load_catalog("glue", type="glue", **addresses, **regions)


def append(catalog: Catalog, name: str, records: list[dict[str, Any]]) -> None:
    table = catalog.load_table(("sql", name))
    table.append(pa.Table.from_pylist(records, schema=table.schema().as_arrow()))


def iceberg(endpoint: str) -> ArchiveOutput:
    """Write the tables as the Iceberg sink does, with the kinds in the columns' comments."""
    catalog = glue(endpoint)
    catalog.create_namespace_if_not_exists("sql")
    users = Schema(
        NestedField(1, "id", IntegerType(), doc="[datapipe integer]"),
        NestedField(2, "born", IntegerType(), doc="days since 1970-01-01 [datapipe date]"),
        NestedField(3, "amount", IntegerType(), doc="[datapipe integer]"),
        *CHANGES,
    )
    sales = Schema(
        NestedField(1, "code", StringType(), doc="[datapipe text]"),
        NestedField(2, "price", StringType(), doc="[datapipe text]"),
        *CHANGES,
    )
    for name, schema in (("users", users), ("sales_users", sales)):
        if catalog.table_exists(("sql", name)):
            catalog.drop_table(("sql", name))
        catalog.create_table(("sql", name), schema, location=f"s3://{BUCKET}/sql/{name}")
    append(catalog, "users", FIRST)
    with catalog.load_table(("sql", "users")).update_schema() as update:
        update.add_column("amount__float", DoubleType(), doc="[datapipe float of amount]")
    append(catalog, "users", SECOND)
    append(catalog, "sales_users", SALES)
    addresses = {"public.users": "sql.users", "sales.users": "sql.sales_users"}
    return output(endpoint, "iceberg", addresses | {"public.none_yet": "sql.none_yet"})


def plain(endpoint: str) -> ArchiveOutput:
    """Write the tables as Confluent's sink does, with the types' names in the files' metadata."""
    files = pyarrow.fs.S3FileSystem(endpoint_override=endpoint, region="us-east-1")

    def write(table: str, hour: str, records: list[dict[str, Any]], **types: pa.DataType) -> None:
        changes = {field.name: field.field_type for field in CHANGES}
        longs = {name: pa.int64() if name in LONGS else pa.string() for name in changes}
        date = {"type": "int", "connect.name": "io.debezium.time.Date"}
        avro = {"fields": [{"name": "born", "type": ["null", date]}]} if "born" in types else {}
        schema = pa.schema(
            {**types, **longs}, {"parquet.avro.schema": json.dumps({"fields": [], **avro})}
        )
        path = f"{BUCKET}/topics/postgres.{table}/year=2026/month=01/day=01/hour={hour}/f.parquet"
        with files.open_output_stream(path) as stream:
            pq.write_table(pa.Table.from_pylist(records, schema=schema), stream)

    later = [
        {"amount" if name == "amount__float" else name: value for name, value in one.items()}
        for one in SECOND
    ]
    write("public.users", "01", FIRST, id=pa.int32(), born=pa.int32(), amount=pa.int32())
    write("public.users", "02", later, id=pa.int32(), born=pa.int32(), amount=pa.float64())
    write("sales.users", "01", SALES, code=pa.string(), price=pa.string())
    return output(endpoint, "confluent-s3", {table: f"topics/postgres.{table}" for table in TABLES})


def output(endpoint: str, sink: Any, tables: Mapping[str, str]) -> ArchiveOutput:
    return ArchiveOutput(
        bucket=BUCKET,
        prefix="topics",
        sink=sink,
        tables=tables,
        catalog_database="sql",
        region="us-east-1",
        endpoint=endpoint,
    )


@pytest.fixture(params=[iceberg, plain], ids=["iceberg", "confluent-s3"])
def archive(request: pytest.FixtureRequest, endpoint: str) -> ArchiveOutput:
    made: ArchiveOutput = request.param(endpoint)
    return made


@contextmanager
def opened(
    archive: ArchiveOutput, *, described: bool = True, at: datetime | None = None
) -> Iterator[tuple[Session, list[str]]]:
    notes: list[str] = []
    tables = {
        table: DescribedTable(KEYS[table], COLUMNS[table] if described else ()) for table in TABLES
    }
    with Session([managed(archive, tables)], at=at, log=notes.append) as session:
        yield session, notes


def managed(archive: ArchiveOutput, tables: Mapping[str, DescribedTable]) -> ArchivedSource:
    """Return the managed database with these tables."""
    return ArchivedSource(
        SourceDatabase("postgres", "shop"),
        tables,
        partial(archived_files, open_archive(archive)),
        in_own_schemas=True,
        schema=None,
    )


def test_the_present_has_postgresqls_types_and_values(archive: ArchiveOutput) -> None:
    with opened(archive) as (session, notes):
        assert query(session, "SELECT * FROM public.users ORDER BY id") == PRESENT
        assert query(session, "SELECT * FROM sales.users") == [(CODE, "12.30")]
        types = session.connection.execute("DESCRIBE sales.users").fetchall()
        assert [(name, kind) for name, kind, *_ in types] == [
            ("code", "UUID"),
            ("price", "DECIMAL(6,2)"),
        ]
        assert query(session, "SELECT * FROM public.none_yet") == []
        assert notes == []


def test_the_history_has_every_change(archive: ArchiveOutput) -> None:
    with opened(archive) as (session, _):
        rows = query(
            session,
            "SELECT id, amount, __op, __lsn, __committed_at FROM users_changes ORDER BY __lsn",
        )
    assert rows[0] == ("1", "5.0", "c", "10", "1970-01-01 00:00:00.01+00")
    assert [row[2] for row in rows] == ["c", "c", "u", "c", "d"]


def test_the_state_at_a_time_has_what_was_committed_until_then(archive: ArchiveOutput) -> None:
    with opened(archive, at=datetime.fromtimestamp(0.040, UTC)) as (session, notes):
        assert [key for (key,) in query(session, "SELECT id FROM users ORDER BY id")] == list("123")
        assert [note.split(":")[0] for note in notes] == ["public.none_yet"]
    with opened(archive, at=datetime.fromtimestamp(0.012, UTC)) as (session, notes):
        assert query(session, "SELECT id FROM public.users") == [("1",)]
        assert query(session, "SELECT * FROM sales.users") == []
        assert [note.split(":")[0] for note in notes] == ["sales.users", "public.none_yet"]


def test_events_have_the_state_before_them(archive: ArchiveOutput) -> None:
    with opened(archive) as (session, _):
        rows = query(
            session,
            "SELECT operation_type, schema_name, lsn, before_data, after_data, year"
            " FROM s3_cdc_events WHERE table_name = 'users' ORDER BY lsn",
        )
    by_lsn = {int(row[2]): row for row in rows}
    assert [row[:2] for row in rows] == [
        ("c", "public"),
        ("c", "sales"),
        ("c", "public"),
        ("u", "public"),
        ("c", "public"),
        ("d", "public"),
    ]
    assert json.loads(by_lsn[30][3]) == {"id": 2, "born": None, "amount": None}
    assert json.loads(by_lsn[30][4]) == {"id": 2, "born": "1970-01-01", "amount": 1.5}
    assert by_lsn[10][3] is None
    assert json.loads(by_lsn[50][3])["id"] == 3
    assert by_lsn[50][4] is None
    assert json.loads(by_lsn[15][4]) == {"code": CODE, "price": "12.30"}
    assert {row[5] for row in rows} == {"1970"}


def test_without_postgresqls_types_the_archives_own_are_used(archive: ArchiveOutput) -> None:
    """The archive says what a number or a text means, but not how many digits a numeric has."""
    with opened(archive, described=False) as (session, notes):
        rows = query(session, "SELECT id, born, amount, amount__float FROM users ORDER BY id")
        assert rows == [("1", "2024-02-29", "5", None), ("2", "1970-01-01", None, "1.5")]
        assert query(session, "SELECT price, typeof(price) FROM sales.users") == [
            ("12.30", "VARCHAR")
        ]
        assert notes == ["public.none_yet: nothing is archived yet, and its columns are not known"]


def test_a_column_that_was_renamed_in_iceberg_is_refused(endpoint: str) -> None:
    archive = iceberg(endpoint)
    with glue(endpoint).load_table(("sql", "users")).update_schema() as update:
        update.rename_column("born", "birthday")
    with opened(archive) as (session, notes):
        [note] = notes
        assert note.startswith("the archive of public.users can't be read: sql.users: column born")
        for view in ("users", "users_changes", "s3_cdc_events"):
            with pytest.raises(duckdb.Error, match="column born was renamed to birthday"):
                query(session, f"FROM {view}")
        assert query(session, "SELECT code FROM sales.users") == [(CODE,)]


def test_an_archive_of_which_nothing_can_be_read_is_refused(endpoint: str) -> None:
    archive = plain(endpoint).model_copy(update={"bucket": "datapipe-no-such-bucket"})
    with pytest.raises(OSError, match="datapipe-no-such-bucket"), opened(archive):
        pass


def test_a_table_without_a_key_with_updates_has_a_history_only(archive: ArchiveOutput) -> None:
    tables = {"public.users": DescribedTable((), COLUMNS["public.users"])}
    with Session([managed(archive, tables)], log=print) as session:
        with pytest.raises(duckdb.Error, match=r"has no primary key.*users_changes"):
            query(session, "SELECT * FROM users")
        assert len(query(session, "SELECT * FROM users_changes")) == 5


def test_a_key_that_is_not_known_is_not_guessed(archive: ArchiveOutput) -> None:
    tables = {"public.users": DescribedTable(None, ())}
    with (
        Session([managed(archive, tables)], log=print) as session,
        pytest.raises(duckdb.Error, match=r"primary key of public\.users is not known"),
    ):
        query(session, "SELECT * FROM users")
