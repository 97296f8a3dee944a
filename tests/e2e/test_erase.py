"""`datapipe erase` on the deployed pipeline: a deleted row leaves the archive, and others stay."""

import io
import subprocess
import sys

import boto3
import psycopg
import pyarrow.parquet as pq

from clients.archive import IcebergArchive
from clients.database import Row
from clients.stack import PROJECT, StackOutputs

EMAIL = "to-be-forgotten-{}@example.com"


def erase(key: int, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "command_line", "--stack", "sandbox", "erase"]
    return subprocess.run(
        [*command, "--table", "public.users", "--key", str(key), *options],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def emails(outputs: StackOutputs) -> set[str]:
    """Return the addresses in every data file of the table, old ones too, as pyarrow reads them."""
    table = IcebergArchive(outputs.archive).find("public.users")
    assert table is not None
    bucket, _, folder = table.location().removeprefix("s3://").partition("/")
    s3 = boto3.client(
        "s3", endpoint_url=outputs.archive.endpoint, region_name=outputs.archive.region
    )
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{folder}/data/")
    files = [item["Key"] for page in pages for item in page.get("Contents", [])]
    return {
        email
        for name in files
        for email in pq.read_table(
            io.BytesIO(s3.get_object(Bucket=bucket, Key=name)["Body"].read()), columns=["email"]
        )["email"].to_pylist()
    }


def test_a_deleted_row_leaves_the_archive_and_another_stays(
    connection: psycopg.Connection[Row], outputs: StackOutputs
) -> None:
    ids: list[int] = []
    for number in (1, 2):
        row = connection.execute(
            "INSERT INTO users (email, first_name, last_name) VALUES (%s, 'Ada', 'L') RETURNING id",
            [EMAIL.format(number)],
        ).fetchone()
        assert row is not None
        ids.append(row["id"])
    refused = erase(ids[0], "--yes")
    assert refused.returncode == 1
    assert "PostgreSQL still has the row of public.users with this key" in refused.stderr
    connection.execute("DELETE FROM users WHERE id = %s", [ids[0]])
    done = erase(ids[0], "--yes")
    assert done.returncode == 0, done.stderr
    assert '"outcome": "dry run"' in done.stdout
    assert '"outcome": "done"' in done.stdout
    assert "the topic postgres.public.users keeps its records with the key for" in done.stdout
    assert "orders (user_id)" in done.stdout
    found = emails(outputs)
    assert EMAIL.format(1) not in found
    assert EMAIL.format(2) in found
