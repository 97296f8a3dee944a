"""The sandbox's Glue refuses a commit that was made from a stale state of the table."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pyarrow
import pytest
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import CommitFailedException

from tests.aws_server import aws_server

REGION = "us-east-1"
SCHEMA = pyarrow.schema([("committer", pyarrow.string()), ("number", pyarrow.int64())])


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with aws_server() as url:
        _client(url, "s3").create_bucket(Bucket="archive")
        _client(url, "glue").create_database(
            DatabaseInput={"Name": "cdc", "LocationUri": "s3://archive/topics"}
        )
        yield url


def _client(endpoint: str, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )


@pytest.fixture
def client(endpoint: str) -> Any:
    return _client(endpoint, "glue")


def _update(client: Any, table: str, comment: str, **how: Any) -> None:
    client.update_table(
        DatabaseName="cdc", TableInput={"Name": table, "Description": comment}, **how
    )


def _get(client: Any, table: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get_table(DatabaseName="cdc", Name=table)["Table"]
    return found


@pytest.mark.parametrize("skip_archive", [True, False])
def test_a_stale_version_is_refused_and_changes_nothing(client: Any, skip_archive: bool) -> None:
    table = f"stale_{skip_archive}".lower()
    client.create_table(DatabaseName="cdc", TableInput={"Name": table})
    read = _get(client, table)["VersionId"]
    _update(client, table, "first", VersionId=read, SkipArchive=skip_archive)
    with pytest.raises(client.exceptions.ConcurrentModificationException, match="concurrent"):
        _update(client, table, "second", VersionId=read, SkipArchive=skip_archive)
    found = _get(client, table)
    assert found["Description"] == "first"
    _update(client, table, "third", VersionId=found["VersionId"], SkipArchive=skip_archive)
    assert _get(client, table)["Description"] == "third"


def test_an_update_without_version_overwrites(client: Any) -> None:
    client.create_table(DatabaseName="cdc", TableInput={"Name": "unversioned"})
    for comment in ("first", "second"):
        _update(client, "unversioned", comment)
    assert _get(client, "unversioned")["Description"] == "second"


@pytest.mark.parametrize(("skip_archive", "kept"), [(True, 1), (False, 4)])
def test_old_versions_are_kept_unless_the_update_skips_them(
    client: Any, skip_archive: bool, kept: int
) -> None:
    table = f"archived_{skip_archive}".lower()
    client.create_table(DatabaseName="cdc", TableInput={"Name": table})
    for _ in range(3):
        _update(client, table, "again", SkipArchive=skip_archive)
    versions = client.get_table_versions(DatabaseName="cdc", TableName=table)["TableVersions"]
    assert len(versions) == kept


def test_an_unknown_table_is_reported_as_such(client: Any) -> None:
    with pytest.raises(client.exceptions.EntityNotFoundException):
        _update(client, "nowhere", "none", VersionId="1")


def _catalog(endpoint: str) -> GlueCatalog:
    access = {"access-key-id": "x", "secret-access-key": "x", "region": REGION}
    return GlueCatalog(
        "archive",
        **{f"{service}.endpoint": endpoint for service in ("glue", "s3")},
        **{
            f"{service}.{key}": value for service in ("glue", "s3") for key, value in access.items()
        },
    )


def test_no_commit_of_two_concurrent_iceberg_writers_is_lost(endpoint: str) -> None:
    """Both append ten rows, one a commit, and try again from the new state when refused."""
    # pyiceberg would try again by itself, and the test could not count the refusals.
    no_retry = {"commit.retry.num-retries": "0"}
    _catalog(endpoint).create_table("cdc.contended", SCHEMA, properties=no_retry)

    def append(committer: str) -> int:
        refused = 0
        table = _catalog(endpoint).load_table("cdc.contended")
        for number in range(10):
            row = pyarrow.table({"committer": [committer], "number": [number]}, schema=SCHEMA)
            while True:
                try:
                    table.append(row)
                    break
                except CommitFailedException:
                    refused += 1
                    table.refresh()
        return refused

    with ThreadPoolExecutor() as pool:
        refusals = sum(pool.map(append, ("one", "two")))
    found = _catalog(endpoint).load_table("cdc.contended").scan().to_arrow().to_pylist()
    expected = {(committer, number) for committer in ("one", "two") for number in range(10)}
    assert {(row["committer"], row["number"]) for row in found} == expected
    assert len(found) == len(expected)
    assert refusals, "the writers never met"
