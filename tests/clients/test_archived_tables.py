"""Each table's size is found by a bounded look at its metadata or at one hour's files."""

import gzip
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from clients import archived_tables as looked
from clients.archived_tables import HourOfFiles, IcebergTable, archived_tables
from clients.bucket import objects
from clients.stack import ArchiveOutput

BUCKET = "datapipe-ingestion-test"
REGION = "us-east-1"
NOW = datetime(2026, 1, 2, 0, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.fixture(scope="module")
def s3(endpoint: str) -> Any:
    client = _client("s3", endpoint)
    client.create_bucket(Bucket=BUCKET)
    return client


@pytest.fixture
def glue(endpoint: str, request: pytest.FixtureRequest) -> Any:
    client = _client("glue", endpoint)
    client.create_database(DatabaseInput={"Name": request.node.name.lower()})
    return client


def _client(name: str, endpoint: str) -> Any:
    return boto3.client(
        name,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def output(endpoint: str, sink: Any, tables: Mapping[str, str], database: str) -> ArchiveOutput:
    return ArchiveOutput(
        bucket=BUCKET,
        prefix="topics",
        sink=sink,
        tables=tables,
        catalog_database=database,
        region=REGION,
        endpoint=endpoint,
    )


class Catalog:
    """Tables of Glue whose metadata files the tests write."""

    def __init__(self, s3: Any, glue: Any, endpoint: str, database: str) -> None:
        self.s3, self.glue, self.database = s3, glue, database
        self.archive = output(endpoint, "iceberg", {}, database)
        self.said: list[str] = []

    def add(self, name: str, file: str, content: bytes) -> None:
        key = f"topics/{name}/metadata/{file}"
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=content)
        self.point(name, {"metadata_location": f"s3://{BUCKET}/{key}"})

    def point(self, name: str, parameters: Mapping[str, str]) -> None:
        table = {"Name": name, "Parameters": parameters}
        self.glue.create_table(DatabaseName=self.database, TableInput=table)

    def look(self, *names: str) -> list[Any]:
        tables = {f"public.{name}": f"{self.database}.{name}" for name in names}
        archive = self.archive.model_copy(update={"tables": tables})
        return archived_tables(archive, self.said.append)


@pytest.fixture
def catalog(s3: Any, glue: Any, endpoint: str, request: pytest.FixtureRequest) -> Catalog:
    return Catalog(s3, glue, endpoint, request.node.name.lower())


def metadata(properties: Mapping[str, str]) -> bytes:
    """Return a table's metadata with two snapshots, of which the first is the current one."""
    snapshots = [
        {
            "snapshot-id": number,
            "timestamp-ms": 1000 * number,
            "summary": {"total-data-files": str(number), "total-files-size": str(number * 100)},
        }
        for number in (7, 5)
    ]
    document = {"properties": properties, "current-snapshot-id": 7, "snapshots": snapshots}
    return json.dumps(document).encode()


def test_metadata_is_read_plain_or_compressed(catalog: Catalog) -> None:
    plain, packed = metadata({}), gzip.compress(metadata({"datapipe.maintained-at-ms": "9000"}))
    catalog.add("plain", "00001-a.metadata.json", plain)
    catalog.add("packed", "00001-a.gz.metadata.json", packed)
    catalog.add("empty", "00000-a.metadata.json", b'{"current-snapshot-id": -1, "snapshots": []}')
    moment = datetime.fromtimestamp
    assert catalog.look("plain", "packed", "empty", "missing") == [
        IcebergTable(
            table="public.plain",
            metadata_bytes=len(plain),
            metadata_folder="topics/plain/metadata",
            snapshots=2,
            files=7,
            bytes=700,
            maintained=None,
            oldest_snapshot=moment(5, UTC),
        ),
        IcebergTable(
            table="public.packed",
            metadata_bytes=len(packed),
            metadata_folder="topics/packed/metadata",
            snapshots=2,
            files=7,
            bytes=700,
            maintained=moment(9, UTC),
            oldest_snapshot=moment(5, UTC),
        ),
        IcebergTable("public.empty", 44, "topics/empty/metadata", snapshots=0, files=0, bytes=0),
        IcebergTable("public.missing"),
    ]
    assert catalog.said == []


def test_one_table_that_can_not_be_read_hides_no_other(catalog: Catalog) -> None:
    catalog.point("gone", {"metadata_location": f"s3://{BUCKET}/topics/gone/x.metadata.json"})
    catalog.point("other", {})
    catalog.add("good", "00001-a.metadata.json", metadata({}))
    gone, other, good = catalog.look("gone", "other", "good")
    assert "NoSuchKey" in gone.unread
    assert other.unread.endswith(".other is not an Iceberg table")
    assert good.snapshots == 2


def test_large_metadata_is_announced_and_the_largest_is_not_read(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = metadata({"padding": "x" * (3 * looked.MEBIBYTE)})
    catalog.add("large", "00001-a.metadata.json", content)
    monkeypatch.setattr(looked, "ANNOUNCED_BYTES", 2 * looked.MEBIBYTE)
    (table,) = catalog.look("large")
    assert table.snapshots == 2
    assert catalog.said == ["reading the 3 MiB of metadata of public.large"]
    monkeypatch.setattr(looked, "MOST_BYTES", 2 * looked.MEBIBYTE)
    (table,) = catalog.look("large")
    assert table.metadata_bytes == len(content)
    assert table.snapshots is None
    assert table.unread == "its metadata has 3 MiB, of which up to 2 are read"


def test_slow_metadata_is_given_up(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog.add("slow", "00001-a.metadata.json", metadata({}))
    monkeypatch.setattr(looked, "TABLE_SECONDS", -1)
    (table,) = catalog.look("slow")
    assert table.unread == "reading the metadata took longer than -1 s"


def test_files_are_those_of_the_last_hour_that_is_over(
    s3: Any, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = "topics/postgres.public.users"
    for key, size in (
        ("year=2026/month=01/day=01/hour=23/a.parquet", 10),
        ("year=2026/month=01/day=01/hour=23/b.parquet", 20),
        ("year=2026/month=01/day=01/hour=22/c.parquet", 40),
        ("year=2026/month=01/day=02/hour=00/d.parquet", 80),
    ):
        s3.put_object(Bucket=BUCKET, Key=f"{folder}/{key}", Body=b"x" * size)
    tables = {"public.users": folder, "public.quiet": "topics/postgres.public.quiet"}
    archive = output(endpoint, "confluent-s3", tables, "cdc")
    hour = datetime(2026, 1, 1, 23, tzinfo=UTC)
    assert archived_tables(archive, print, NOW) == [
        HourOfFiles("public.users", hour, files=2, bytes=30),
        HourOfFiles("public.quiet", hour, files=0, bytes=0),
    ]


def test_the_listing_of_files_is_bounded(
    s3: Any, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = "topics/postgres.public.many"
    for number in range(1001):
        key = f"{folder}/year=2026/month=01/day=01/hour=23/{number}.parquet"
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"xx")
    monkeypatch.setattr(looked, "MOST_FILES", 1000)
    monkeypatch.setattr("clients.bucket.PAGES_PER_LINE", 1)
    archive = output(endpoint, "confluent-s3", {"public.many": folder}, "cdc")
    (found,) = archived_tables(archive, print, NOW)
    assert (found.files, found.bytes, found.complete) == (1000, 2000, False)  # type: ignore[union-attr]
    said: list[str] = []
    assert not objects(archive, most=1000, log=said.append).complete
    assert said == ["counting the archive's objects: 1,000 so far"]
