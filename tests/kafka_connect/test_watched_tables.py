"""A worker shows the size and care of the sink's tables, also of those to which nobody writes."""

import gzip
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest

from polling import poll_until
from tests.aws_server import aws_server
from tests.java_programs import java_program
from tests.kafka_connect.artifacts import copy_artifacts, copy_module

pytestmark = [pytest.mark.jdk, pytest.mark.images]

HERE = Path(__file__).parent
JAR = HERE.parents[1] / "java/commit-counter.jar"
BUCKET = "datapipe-ingestion-test"
SECONDS = 30
# Much less than the metadata of a month.
HEAP = "-Xmx40m"
MONTH = 43_200
# The attribute that is added last.
LAST = "maintained_timestamp_seconds"
DAY = 1_767_225_600_000

Ask = Callable[[str], str]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with aws_server() as address:
        yield address


@pytest.fixture(scope="module")
def clients(endpoint: str) -> dict[str, Any]:
    """Return boto3's clients of S3 and Glue, with a bucket and a database."""
    account = {
        "endpoint_url": endpoint,
        "region_name": "us-east-1",
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
    }
    clients = {name: boto3.client(name, **account) for name in ("s3", "glue")}
    clients["s3"].create_bucket(Bucket=BUCKET)
    clients["glue"].create_database(DatabaseInput={"Name": "watched"})
    return clients


@pytest.fixture(scope="module")
def ask(endpoint: str, clients: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    folder = tmp_path_factory.mktemp("java")
    copy_module("iceberg-sink", folder / "jars")
    copy_artifacts(("org/apache/kafka/kafka-clients/3.9.*",), folder / "kafka")
    shutil.copy(JAR, folder / "jars")
    account = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    classpath = f"{folder}:{folder}/jars/*:{folder}/kafka/*"
    source = HERE / "WatchedTables.java"
    subprocess.run(["javac", "-d", folder, "-cp", classpath, source], check=True)
    with java_program(
        classpath, "WatchedTables", HEAP, arguments=(endpoint,), environment=account
    ) as running:
        yield running.ask


def metadata(snapshots: int, properties: Mapping[str, str], padding: str = "") -> bytes:
    """Return a metadata file as Iceberg orders it, whose last snapshot is the current one."""
    return json.dumps(
        {
            "format-version": 2,
            "schemas": [{"fields": [{"name": "snapshots", "properties": {"a": [1]}}]}],
            "properties": {"write.x": "1", **properties},
            "current-snapshot-id": snapshots or None,
            "refs": {"main": {"snapshot-id": snapshots, "type": "branch"}},
            "snapshots": [
                {
                    "sequence-number": number,
                    "snapshot-id": number,
                    "timestamp-ms": DAY + number,
                    "summary": {
                        "operation": "append",
                        "kafka.connect.offsets": padding,
                        "total-files-size": str(1000 * number),
                        "total-data-files": str(2 * number),
                    },
                    "manifest-list": "s3://b/x.avro",
                }
                for number in range(1, snapshots + 1)
            ],
            "snapshot-log": [{"timestamp-ms": 5, "snapshot-id": 1}],
        }
    ).encode()


def put_table(clients: Mapping[str, Any], table: str, name: str, content: bytes) -> None:
    """Write a metadata file and let the table point at it."""
    key = f"topics/watched.db/{table}/metadata/{name}"
    clients["s3"].put_object(Bucket=BUCKET, Key=key, Body=content)
    parameters = {"metadata_location": f"s3://{BUCKET}/{key}"}
    clients["glue"].create_table(
        DatabaseName="watched", TableInput={"Name": table, "Parameters": parameters}
    )


def shown(ask: Ask, table: str) -> dict[str, int]:
    """Wait for a table's MBean; return its attributes in thousandths."""

    def attributes() -> str:
        answer = ask(f"show watched.{table}")
        return answer if LAST in answer else ""

    answer = poll_until(attributes, timeout=SECONDS, interval=0.1, description=f"MBean of {table}")
    pairs = (part.split("=") for part in answer.strip("{}").split(", "))
    return {name: int(value) for name, value in pairs}


def test_every_table_is_shown_before_and_without_a_commit(
    ask: Ask, clients: dict[str, Any]
) -> None:
    plain = metadata(3, {})
    packed = gzip.compress(metadata(2, {"datapipe.maintained-at-ms": str(DAY + 60_000)}))
    put_table(clients, "users", "00001-a.metadata.json", plain)
    put_table(clients, "orders", "00001-b.gz.metadata.json", packed)
    put_table(clients, "empty", "00000-c.metadata.json", metadata(0, {}))
    put_table(clients, "broken", "00001-d.metadata.json", b"{")
    tables = ",".join(
        f"watched.{table}" for table in ("broken", "missing", "runaway", "users", "orders", "empty")
    )
    ask(f"open one {tables}")
    assert shown(ask, "users") == {
        "snapshots": 3_000,
        "files": 6_000,
        "bytes": 3_000_000,
        "metadata_bytes": 1000 * len(plain),
        "maintained_timestamp_seconds": DAY + 1,  # never: the oldest snapshot
    }
    assert shown(ask, "orders") == {
        "snapshots": 2_000,
        "files": 4_000,
        "bytes": 2_000_000,
        "metadata_bytes": 1000 * len(packed),
        "maintained_timestamp_seconds": DAY + 60_000,
    }
    assert shown(ask, "empty")["snapshots"] == 0
    assert shown(ask, "empty")["maintained_timestamp_seconds"] == 0
    for table in ("broken", "missing", "of_another_sink"):
        assert ask(f"show watched.{table}") == "none"


def test_the_metadata_of_a_month_without_maintenance_does_not_fill_the_heap(
    ask: Ask, clients: dict[str, Any]
) -> None:
    content = metadata(MONTH, {}, padding="x" * 800)
    assert len(content) > 40_000_000
    put_table(clients, "runaway", "43200-f.metadata.json", content)
    ask("commit one watched.runaway")
    assert shown(ask, "runaway")["snapshots"] == 1000 * MONTH
    assert shown(ask, "runaway")["metadata_bytes"] == 1000 * len(content)


def test_a_commit_shows_a_table_that_it_created(ask: Ask, clients: dict[str, Any]) -> None:
    put_table(clients, "missing", "00001-e.metadata.json", metadata(1, {}))
    ask("commit one watched.missing")
    assert shown(ask, "missing")["snapshots"] == 1_000
    ask("commit one watched.of_another_sink")


def test_the_last_reporter_of_a_connector_ends_the_watch(ask: Ask) -> None:
    ask("open two watched.users")
    ask("close one")
    assert shown(ask, "users")["snapshots"] == 3_000
    ask("close two")
    poll_until(
        lambda: ask("show watched.users") == ask("show watched.orders") == "none",
        timeout=SECONDS,
        interval=0.1,
        description="the MBeans to be removed",
    )
    ask("open three watched.orders")
    assert shown(ask, "orders")["snapshots"] == 2_000
    assert ask("show watched.users") == "none"
    ask("close three")
