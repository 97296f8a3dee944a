"""The columns of the archive's tables as Glue describes them, and what happens without Glue."""

from typing import Any

import boto3
import pulumi
import pytest
from moto import mock_aws

from archive_views.table import StoredColumn
from components.archive.athena.catalog import catalog_columns
from components.config.cluster import AwsSettings

AWS = AwsSettings(region="us-east-1")


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the preview reports."""
    reported: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", reported.append)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    return reported


# Each test has a database of its own: moto forgets no object that was made after its first reset.
def create_database(name: str) -> None:
    boto3.client("glue", region_name="us-east-1").create_database(DatabaseInput={"Name": name})


def create(database: str, name: str, columns: list[dict[str, Any]]) -> None:
    boto3.client("glue", region_name="us-east-1").create_table(
        DatabaseName=database,
        TableInput={"Name": name, "StorageDescriptor": {"Columns": columns}},
    )


def column(name: str, comment: str = "", current: str = "true") -> dict[str, Any]:
    parameters = {"iceberg.field.current": current}
    return {"Name": name, "Type": "string", "Comment": comment, "Parameters": parameters}


@mock_aws
def test_comments_say_whose_values_a_column_has(messages: list[str]) -> None:
    create_database("with_comments")
    create(
        "with_comments",
        "users",
        [
            column("amount", "ours [datapipe integer]"),
            column("amount__float", "[datapipe float of amount]"),
            column("amount__previous_type"),
            column("__op"),
            column("dropped", current="false"),
        ],
    )
    assert catalog_columns(AWS, "with_comments") == {
        "users": (
            StoredColumn("amount", "amount", "integer"),
            StoredColumn("amount__float", "amount", "float"),
            StoredColumn("amount__previous_type", "amount", None),
            StoredColumn("__op", "__op", None),
        )
    }
    assert messages == []


@mock_aws
def test_all_pages_are_read(messages: list[str]) -> None:
    create_database("with_pages")
    for number in range(120):
        create("with_pages", f"table_{number}", [column("id")])
    assert len(catalog_columns(AWS, "with_pages")) == 120
    assert messages == []


@mock_aws
def test_before_the_first_update_there_is_no_database(messages: list[str]) -> None:
    assert catalog_columns(AWS, "missing") == {}
    assert messages == []


def test_without_glue_the_preview_says_so(
    messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert catalog_columns(AWS, "cdc") == {}
    [message] = messages
    assert message.startswith("archive.athena: Glue was not asked for the archive's columns")
