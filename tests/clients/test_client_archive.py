"""Both forms of the archive are read back through one interface."""

import json
from typing import Any, Literal

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.catalog import Catalog, load_catalog

from clients.archive import Archive, IcebergArchive, open_archive
from clients.bucket import objects
from clients.stack import ArchiveOutput, StackError
from components.config.tables import iceberg_table_of

BUCKET = "datapipe-ingestion-test"
TABLE = "public.products"
# As the program exports them.
ADDRESSES = {
    "iceberg": "{prefix}.products",
    "confluent-s3": "{prefix}/postgres.public.products",
}
FIRST = [
    {"id": 1, "price": "10.50", "stock": None, "__op": "c", "__source_lsn": 100},
    {"id": 2, "price": "0.00", "stock": 0, "__op": "c", "__source_lsn": 110},
]
SECOND = [{"id": 1, "price": "9.99", "stock": 3, "__op": "u", "__source_lsn": 120}]


@pytest.fixture(autouse=True)
def _bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    client.create_bucket(Bucket=BUCKET)


def output(endpoint: str, sink: Literal["iceberg", "confluent-s3"], prefix: str) -> ArchiveOutput:
    """Return the outputs of an archive of this kind under its own prefix."""
    return ArchiveOutput(
        bucket=BUCKET,
        prefix=prefix,
        sink=sink,
        tables={TABLE: ADDRESSES[sink].format(prefix=prefix)},
        catalog_database=prefix,
        region="us-east-1",
        endpoint=endpoint,
    )


def rows(records: list[dict[str, Any]], **columns: Any) -> pa.Table:
    """Return archived changes as Arrow."""
    return pa.Table.from_pylist(
        [{"__deleted": "false", "__source_ts_ms": 1, **columns, **record} for record in records]
    )


def glue(endpoint: str) -> Catalog:
    return load_catalog(
        "glue",
        **{
            "type": "glue",
            "glue.endpoint": endpoint,
            "s3.endpoint": endpoint,
            "glue.region": "us-east-1",
            "s3.region": "us-east-1",
        },
    )


def iceberg(endpoint: str, prefix: str, *parts: pa.Table) -> Archive:
    """Return an Iceberg archive in which each part was one commit."""
    catalog = glue(endpoint)
    catalog.create_namespace_if_not_exists(prefix)
    for number, part in enumerate(parts):
        if number == 0:
            location = f"s3://{BUCKET}/{prefix}/products"
            catalog.create_table((prefix, "products"), part.schema, location=location)
        table = catalog.load_table((prefix, "products"))
        with table.update_schema() as update:
            update.union_by_name(part.schema)
        catalog.load_table((prefix, "products")).append(part)
    return open_archive(output(endpoint, "iceberg", prefix))


def files(endpoint: str, prefix: str, *parts: pa.Table) -> Archive:
    """Return an archive of Parquet files, each in another hour's folder."""
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    for hour, part in enumerate(parts):
        sink = pa.BufferOutputStream()
        pq.write_table(part, sink)
        folder = f"{prefix}/postgres.public.products/year=2026/month=01/day=02/hour={hour:02}"
        name = f"{folder}/postgres.public.products+0+{hour:010}.snappy.parquet"
        client.put_object(Bucket=BUCKET, Key=name, Body=sink.getvalue().to_pybytes())
    return open_archive(output(endpoint, "confluent-s3", prefix))


@pytest.mark.parametrize("build", [iceberg, files])
class TestEitherArchive:
    """The promises of both kinds of archive."""

    def test_every_file_is_read(self, endpoint: str, build: Any) -> None:
        archive = build(endpoint, "whole", rows(FIRST), rows(SECOND))
        found = archive.changes(TABLE).sort_by("__source_lsn").to_pylist()
        assert [row["__source_lsn"] for row in found] == [100, 110, 120]
        assert [row["stock"] for row in found] == [None, 0, 3]
        assert found[2]["price"] == "9.99"

    def test_only_changes_since_a_position(self, endpoint: str, build: Any) -> None:
        archive = build(endpoint, "since", rows(FIRST), rows(SECOND))
        found = archive.changes(TABLE, since_lsn=110).to_pylist()
        assert sorted(row["__source_lsn"] for row in found) == [110, 120]

    def test_a_table_without_a_change_is_empty(self, endpoint: str, build: Any) -> None:
        found = build(endpoint, "empty").changes(TABLE)
        assert found.num_rows == 0
        assert {"__op", "__source_lsn", "__source_ts_ms", "__deleted"} <= set(found.column_names)

    def test_a_column_added_later_is_null_before(self, endpoint: str, build: Any) -> None:
        archive = build(endpoint, "added", rows(FIRST), rows(SECOND, colour="red"))
        found = archive.changes(TABLE).sort_by("__source_lsn").to_pylist()
        assert [row["colour"] for row in found] == [None, None, "red"]

    def test_the_location_holds_the_parquet(self, endpoint: str, build: Any) -> None:
        location = build(endpoint, "place", rows(FIRST)).location(TABLE)
        bucket, _, prefix = location.removeprefix("s3://").partition("/")
        client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
        listed = client.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
        assert any(item["Key"].endswith(".parquet") for item in listed)


def typed(
    values: list[Any],
    type_: pa.DataType,
    lsn: int,
    name: str | None = None,
    parameters: dict[str, str] | None = None,
) -> pa.Table:
    """Return changes with a column `at`; `name` is its type's, as in the files' metadata."""
    table = rows([{"id": n, "__op": "c", "__source_lsn": lsn + n} for n in range(len(values))])
    table = table.append_column("at", pa.array(values, type_))
    if name is None:
        return table
    named = {"type": "x", "connect.name": name, "connect.parameters": parameters}
    avro = {"fields": [{"name": "at", "type": ["null", named]}]}
    return table.replace_schema_metadata({"parquet.avro.schema": json.dumps(avro)})


class TestFilesOfDifferentTypes:
    def test_values_of_each_type_have_a_column(self, endpoint: str) -> None:
        archive = files(
            endpoint,
            "retyped",
            typed([1, 2**62], pa.int64(), 100),
            typed(["2026-01-02", None], pa.string(), 200),
            typed([3], pa.int32(), 300),
            typed([b"x"], pa.binary(), 400),
            typed([0.5], pa.float32(), 500),
        )
        found = archive.changes(TABLE).sort_by("__source_lsn")
        assert found.schema.field("at").type == pa.int64()
        variants = ("at", "at__text", "at__binary", "at__float")
        assert [tuple(row[name] for name in variants) for row in found.to_pylist()] == [
            (1, None, None, None),
            (2**62, None, None, None),
            (None, "2026-01-02", None, None),
            (None, None, None, None),
            (3, None, None, None),
            (None, None, b"x", None),
            (None, None, None, 0.5),
        ]

    def test_types_that_look_alike_are_told_apart_by_their_names(self, endpoint: str) -> None:
        moment = "io.debezium.time.MicroTimestamp"
        archive = files(
            endpoint,
            "named",
            typed([10], pa.int64(), 100, moment),
            typed([20], pa.int64(), 200),
            typed([30], pa.int64(), 300, moment),
        )
        found = archive.changes(TABLE).sort_by("__source_lsn").to_pylist()
        assert [(row["at"], row["at__integer"]) for row in found] == [
            (10, None),
            (None, 20),
            (30, None),
        ]

    def test_bits_of_another_length_are_another_kind(self, endpoint: str) -> None:
        bits = "io.debezium.data.Bits"
        archive = files(
            endpoint,
            "bits",
            typed([b"a"], pa.binary(), 100, bits, {"length": "8"}),
            typed([b"bc"], pa.binary(), 200, bits, {"length": "16"}),
            typed([b"d"], pa.binary(), 300),
        )
        found = archive.changes(TABLE).sort_by("__source_lsn").to_pylist()
        assert [(row["at"], row["at__bits_16"], row["at__binary"]) for row in found] == [
            (b"a", None, None),
            (None, b"bc", None),
            (None, None, b"d"),
        ]

    def test_only_the_wanted_columns_are_read(self, endpoint: str) -> None:
        archive = files(
            endpoint, "chosen", typed([1], pa.int64(), 100), typed(["a"], pa.string(), 200)
        )
        found = archive.changes(TABLE, since_lsn=200, columns=("at__text", "id"))
        assert found.to_pylist() == [{"at__text": "a", "id": 0}]

    def test_a_column_of_that_name_keeps_it(self, endpoint: str) -> None:
        own = typed([1], pa.int64(), 100).append_column("at__text", pa.array(["own"]))
        archive = files(endpoint, "taken", own, typed(["later"], pa.string(), 200))
        found = archive.changes(TABLE).sort_by("__source_lsn").to_pylist()
        assert [row["at__text"] for row in found] == ["own", None]
        assert [row["at__text_2"] for row in found] == [None, "later"]


def test_a_table_that_an_update_adds_is_found_under_the_programs_name() -> None:
    archive = output("", "iceberg", "cdc")
    for table in ("public.coupons", "sales.coupons", "Odd Schema.Table"):
        assert archive.iceberg_table(table) == ("cdc", iceberg_table_of(table))
    assert archive.iceberg_table(TABLE) == ("cdc", "products")


def test_files_of_a_table_that_is_not_captured_are_refused(endpoint: str) -> None:
    archive = files(endpoint, "uncaptured", rows(FIRST))
    with pytest.raises(StackError, match=r"does not capture public\.coupons"):
        archive.changes("public.coupons")


def test_a_commit_that_writes_rows_again_adds_none(endpoint: str) -> None:
    iceberg(endpoint, "commits", rows(FIRST), rows(SECOND))
    archive = IcebergArchive(output(endpoint, "iceberg", "commits"))
    added = archive.commits(TABLE, 0)
    assert [(each.rows, each.files) for each in added] == [(2, 1), (1, 1)]
    assert archive.commits(TABLE, added[0].at + 0.001) == added[1:]
    # The other row of the first file is written again.
    glue(endpoint).load_table(("commits", "products")).delete("__source_lsn = 100")
    assert archive.commits(TABLE, 0) == added


def test_a_table_without_a_change_has_no_commits(endpoint: str) -> None:
    assert IcebergArchive(output(endpoint, "iceberg", "none")).commits(TABLE, 0) == []


def test_rows_of_expired_commits_are_counted(endpoint: str) -> None:
    iceberg(endpoint, "expired", rows(FIRST), rows(SECOND))
    archive = IcebergArchive(output(endpoint, "iceberg", "expired"))
    assert archive.row_count(TABLE) == 3
    table = glue(endpoint).load_table(("expired", "products"))
    table.maintenance.expire_snapshots().by_id(table.metadata.snapshots[0].snapshot_id).commit()
    assert [each.rows for each in archive.commits(TABLE, 0)] == [1]
    assert archive.row_count(TABLE) == 3


def test_a_table_without_a_change_has_no_rows(endpoint: str) -> None:
    assert IcebergArchive(output(endpoint, "iceberg", "none")).row_count(TABLE) == 0


def test_objects_are_counted_below_the_prefix(endpoint: str) -> None:
    files(endpoint, "counted", rows(FIRST), rows(SECOND))
    found = objects(output(endpoint, "confluent-s3", "counted"))
    assert found.count == 2
    assert found.size > 0
    assert found.newest is not None
    assert objects(output(endpoint, "confluent-s3", "nothing")).newest is None


def test_the_count_of_objects_is_bounded_and_knows_the_metadata(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    iceberg(endpoint, "measured", rows(FIRST))
    archive = output(endpoint, "iceberg", "measured")
    found = objects(archive)
    assert list(found.metadata) == ["measured/products/metadata"]
    assert 0 < found.metadata["measured/products/metadata"] < found.size
    assert found.complete
    monkeypatch.setattr("clients.bucket.PAGES_PER_LINE", 1)
    said: list[str] = []
    objects(archive, log=said.append)
    assert said == []  # one page
    none = objects(archive, most=0)
    assert (none.count, none.newest, none.complete) == (0, None, False)
