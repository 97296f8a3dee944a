"""The deployed sandbox, as a user of its outputs sees it. `make test` deploys it before."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pyarrow.compute as pc
import pytest

from clients import database
from clients.archive import Archive, open_archive
from clients.cluster import Cluster
from clients.database import Row
from clients.stack import StackOutputs, read_outputs
from workload.source import wal_position

STACK = "sandbox"
ARCHIVED_SECONDS = 90
"""Until a change must be in the archive: the sandbox commits every 10 s, the rest is reserve."""


@pytest.fixture(scope="module")
def outputs() -> StackOutputs:
    """The sandbox's outputs; fails where it is not deployed.

    Read anew by each module, as test_rotation.py changes the password among them.
    """
    return read_outputs(STACK)


@pytest.fixture(scope="module")
def cluster(outputs: StackOutputs) -> Cluster:
    """The sandbox's node."""
    return Cluster(outputs)


@pytest.fixture(scope="module")
def archive(outputs: StackOutputs) -> Archive:
    """The sandbox's Iceberg tables."""
    return open_archive(outputs.archive)


@pytest.fixture
def connection(outputs: StackOutputs) -> Iterator[psycopg.Connection[Row]]:
    """The source database, each statement a transaction."""
    with database.connect(outputs) as connection:
        yield connection


@pytest.fixture
def archived_changes(
    archive: Archive, connection: psycopg.Connection[Row]
) -> Callable[[str, int, int], list[dict[str, Any]]]:
    """Waits until so many changes of a key are archived; the changes, in the WAL's order.

    Of what the test changes, that is: files of before it began are not read.
    """
    began = wal_position(connection)

    def wait(table: str, key: int, count: int) -> list[dict[str, Any]]:
        deadline = time.monotonic() + ARCHIVED_SECONDS
        while True:
            rows = archive.changes(table, since_lsn=began)
            found = rows.filter(pc.field("id") == key).to_pylist() if rows.num_rows else []
            if len(found) >= count or time.monotonic() > deadline:
                return sorted(found, key=lambda row: row["__source_lsn"])
            time.sleep(1)

    return wait
