"""Both kinds of archive are read for a comparison: Iceberg tables and plain Parquet files."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import boto3
import pyarrow as pa
import pytest
from pyiceberg.schema import Schema
from pyiceberg.types import IntegerType, LongType, NestedField, StringType

from clients.archive import Archive, IcebergArchive
from tests.clients.conftest import endpoint as clients_endpoint
from tests.clients.test_client_archive import BUCKET, TABLE, files, iceberg, output
from tests.verification.conftest import QUICK, Database
from tests.verification.memory_archive import KnownPosition
from verification.archived_table import CHANGE_COLUMNS, open_table, variants
from verification.compare import compare_all
from verification.pipeline import Pipeline
from verification.result import TableResult
from verification.witness import compare_changed_rows, complaints

endpoint = clients_endpoint


def changes(rows: list[dict[str, object]], lsn: int, **kinds: pa.DataType) -> pa.Table:
    """Return changes as both sinks write them."""
    records = [
        {**row, "__op": row.get("__op", "c"), "__deleted": "false", "__source_lsn": lsn + number,
         "__source_ts_ms": 1}
        for number, row in enumerate(rows)
    ]  # fmt: skip
    own = {"__op": pa.string(), "__deleted": pa.string()}
    numbers = {"__source_lsn": pa.int64(), "__source_ts_ms": pa.int64()}
    return pa.Table.from_pylist(records, schema=pa.schema({**kinds, **own, **numbers}))


@pytest.fixture(autouse=True)
def _bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket=BUCKET)
    yield


def pipeline(database: Database, archive: Archive) -> Pipeline:
    return Pipeline(database.connect, partial(open_table, archive), KnownPosition(), {})


def compare(database: Database, archive: Archive) -> TableResult:
    (result,) = compare_all(pipeline(database, archive), [TABLE], QUICK, lambda _: None)
    return result


@pytest.mark.postgresql
@pytest.mark.parametrize("build", [iceberg, files])
def test_files_of_different_age(database: Database, endpoint: str, build: Any) -> None:
    database.execute("CREATE TABLE products (id int PRIMARY KEY, price text, colour text)")
    database.execute("INSERT INTO products VALUES (1, 'new', 'red'), (2, 'b', NULL), (3, 'c', 'x')")
    old = {"id": pa.int32(), "price": pa.string()}
    archive = build(
        endpoint,
        "verified",
        changes([{"id": 1, "price": "old"}, {"id": 2, "price": "b"}], 10, **old),
        changes([{"id": 4, "price": "d"}], 12, **old),
        changes([{"id": 1, "price": "new", "colour": "red"}, {"id": 3, "price": "c"}], 20,
                **old, colour=pa.string()),
        changes([{"id": 4, "__op": "d"}], 30, **old, colour=pa.string()),
    )  # fmt: skip
    result = compare(database, archive)
    assert (result.error, result.rows, result.equal) == (None, 3, 2)
    assert result.columns == {"colour": 1}
    assert [example.key for example in result.examples] == ["id=3"]


@pytest.mark.postgresql
@pytest.mark.parametrize("build", [iceberg, files])
def test_only_rows_that_were_changed(database: Database, endpoint: str, build: Any) -> None:
    database.execute("CREATE TABLE products (id int PRIMARY KEY, price text)")
    database.execute("INSERT INTO products VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    kinds = {"id": pa.int32(), "price": pa.string()}
    archive = build(
        endpoint,
        "changed",
        changes([{"id": 1, "price": "of before"}, {"id": 4, "price": "of before"}], 10, **kinds),
        changes([{"id": 2, "price": "b"}, {"id": 3, "price": "wrong"}], 20, **kinds),
    )
    (result,) = compare_changed_rows(pipeline(database, archive), [TABLE], 20)
    assert (result.error, result.rows, result.equal) == (None, 2, 1)
    assert complaints([result]) == [
        f"verify: {TABLE}: 0 rows missing, 0 extra, 1 different, 0 unsettled"
        " (different id=3: price)"
    ]


@pytest.mark.postgresql
def test_a_file_whose_column_has_another_type(database: Database, endpoint: str) -> None:
    database.execute("CREATE TABLE products (id int PRIMARY KEY, price text)")
    database.execute("INSERT INTO products VALUES (1, '7'), (2, 'b')")
    archive = files(
        endpoint,
        "types",
        changes([{"id": 1, "price": 7}], 10, id=pa.int32(), price=pa.int32()),
        changes([{"id": 2, "price": "b"}], 20, id=pa.int32(), price=pa.string()),
    )
    assert compare(database, archive).equal == 2


@pytest.mark.postgresql
@pytest.mark.parametrize("sink", ["iceberg", "confluent-s3"])
def test_an_archive_without_the_table(database: Database, endpoint: str, sink: str) -> None:
    database.execute("CREATE TABLE products (id int PRIMARY KEY)")
    database.execute("INSERT INTO products VALUES (1)")
    archive = (
        IcebergArchive(output(endpoint, "iceberg", "none"))
        if sink == "iceberg"
        else files(endpoint, "none")
    )
    result = compare(database, archive)
    assert (result.error, result.missing) == (None, 1)


def test_variants_are_found_by_what_the_sink_says_of_them() -> None:
    fields = [
        NestedField(1, "id", IntegerType(), doc="[datapipe integer]"),
        NestedField(2, "at__date", IntegerType(), doc="of a sink [datapipe date of at]"),
        NestedField(3, "at", LongType(), doc="[datapipe timestamp]"),
        NestedField(4, "v__text", StringType()),
        NestedField(5, "v", StringType()),
        NestedField(6, "w__previous_type", StringType()),
        NestedField(7, "w", StringType()),
        *(NestedField(10 + n, name, StringType()) for n, name in enumerate(sorted(CHANGE_COLUMNS))),
    ]
    assert variants(Schema(*fields)) == {
        "id": ("id",),
        "at": ("at", "at__date"),
        "v__text": ("v__text",),
        "v": ("v",),
        "w": ("w", "w__previous_type"),
    }
