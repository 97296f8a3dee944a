"""Erasing from the files of Confluent's sink, in a bucket of a stand-in for S3."""

import io
from collections import Counter
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clients.stack import StackError
from erasure.key import Key
from erasure.plain_files import PlainFiles

FOLDER = "topics/postgres.public.users"
KEY = Key("public.users", {"id": "2"}, {"id": "integer"}, {"id": 2})
ADA = "Ada Lovelace of Ockham"
_numbers = Counter[str]()


class Bucket:
    """A bucket with the archive of one table."""

    def __init__(self, s3: Any, name: str) -> None:
        self.s3, self.name = s3, name
        self.log: list[str] = []

    def put(self, hour: int, ids: list[int], **options: Any) -> str:
        """Write a file of the sink with a row for each id; return its name."""
        rows = pa.table({"id": ids, "name": [ADA if each == 2 else f"n{each}" for each in ids]})
        sink = io.BytesIO()
        pq.write_table(rows, sink, compression="none")
        name = f"{FOLDER}/year=2026/month=01/day=02/hour={hour:02}/users+0+{hour:010}.parquet"
        self.s3.put_object(Bucket=self.name, Key=name, Body=sink.getvalue(), **options)
        return name

    def erase(self, *, dry_run: bool = False) -> Any:
        return PlainFiles(self.s3, self.name, FOLDER, self.log.append).erase(KEY, dry_run=dry_run)

    def ids(self, name: str) -> list[int]:
        body = self.s3.get_object(Bucket=self.name, Key=name)["Body"].read()
        found: list[int] = pq.read_table(io.BytesIO(body))["id"].to_pylist()
        return found

    def bytes(self) -> bytes:
        """Return the content of every version of every object."""
        pages = self.s3.get_paginator("list_object_versions").paginate(Bucket=self.name)
        return b"".join(
            self.s3.get_object(Bucket=self.name, Key=each["Key"], VersionId=each["VersionId"])[
                "Body"
            ].read()
            for page in pages
            for each in page.get("Versions", [])
        )


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """A new bucket."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    s3 = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    _numbers["bucket"] += 1
    name = f"datapipe-erasure-{_numbers['bucket']}"
    s3.create_bucket(Bucket=name)
    return Bucket(s3, name)


def test_each_file_with_the_key_is_replaced_and_no_other_is_written(bucket: Bucket) -> None:
    mixed, only, free = bucket.put(1, [1, 2, 3, 2]), bucket.put(2, [2]), bucket.put(3, [1, 3])
    before = bucket.s3.head_object(Bucket=bucket.name, Key=free)["LastModified"]
    found = bucket.erase()
    assert (found.files, found.files_with_rows, found.rows, found.rewritten) == (3, 2, 3, 2)
    assert [bucket.ids(name) for name in (mixed, only, free)] == [[1, 3], [], [1, 3]]
    assert bucket.s3.head_object(Bucket=bucket.name, Key=free)["LastModified"] == before
    assert ADA.encode() not in bucket.bytes()
    assert bucket.erase().rows == 0


def test_a_dry_run_changes_nothing(bucket: Bucket) -> None:
    name = bucket.put(1, [1, 2])
    found = bucket.erase(dry_run=True)
    assert (found.files_with_rows, found.rows, found.rewritten) == (1, 1, 0)
    assert bucket.ids(name) == [1, 2]


def test_earlier_versions_are_deleted(bucket: Bucket) -> None:
    bucket.s3.put_bucket_versioning(
        Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"}
    )
    name = bucket.put(1, [1, 2])
    deleted = bucket.put(2, [2])
    bucket.s3.delete_object(Bucket=bucket.name, Key=deleted)
    assert bucket.erase(dry_run=True).versions == 2
    assert ADA.encode() in bucket.bytes()
    assert bucket.erase().versions == 3
    assert bucket.ids(name) == [1]
    assert ADA.encode() not in bucket.bytes()


def test_a_file_in_glacier_is_refused_before_anything_is_changed(bucket: Bucket) -> None:
    first = bucket.put(1, [1, 2])
    bucket.put(2, [2], StorageClass="GLACIER")
    with pytest.raises(StackError, match=r"1 of 2 files are in Glacier .* Nothing was changed"):
        bucket.erase()
    assert bucket.ids(first) == [1, 2]


def test_a_class_that_is_read_immediately_stays(bucket: Bucket) -> None:
    name = bucket.put(1, [1, 2], StorageClass="STANDARD_IA")
    bucket.erase()
    assert bucket.s3.head_object(Bucket=bucket.name, Key=name)["StorageClass"] == "STANDARD_IA"


def test_a_file_that_the_sink_writes_meanwhile_is_found(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = bucket.put(1, [1, 2])
    late: list[str] = []
    put_object = bucket.s3.put_object

    def put_and_write(**arguments: Any) -> Any:
        if not late:
            late.append("")
            late[0] = bucket.put(2, [2, 5])
        return put_object(**arguments)

    monkeypatch.setattr(bucket.s3, "put_object", put_and_write)
    bucket.erase()
    assert bucket.ids(name) == [1]
    assert bucket.ids(late[0]) == [5]


def test_a_file_that_changes_while_it_is_rewritten_is_read_again(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = bucket.put(1, [1, 2])
    put_object = bucket.s3.put_object
    calls: list[int] = []

    def put_after_another(**arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            monkeypatch.setattr(bucket.s3, "put_object", put_object)
            bucket.put(1, [2, 7])
            monkeypatch.setattr(bucket.s3, "put_object", put_after_another)
        return put_object(**arguments)

    monkeypatch.setattr(bucket.s3, "put_object", put_after_another)
    bucket.erase()
    assert bucket.ids(name) == [7]
