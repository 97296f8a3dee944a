"""The deployed sandbox, as a user of its outputs sees it. `make test` deploys it before."""

from collections.abc import Iterator

import psycopg
import pytest

from clients import database
from clients.archive import Archive, open_archive
from clients.cluster import Cluster
from clients.database import Row
from clients.stack import StackOutputs, read_outputs
from tests.e2e.archived_changes import ArchivedChanges
from workload.source import wal_position

STACK = "sandbox"


@pytest.fixture(scope="module")
def outputs() -> StackOutputs:
    """The sandbox's outputs; fails where it is not deployed.

    Each module reads it again, as test_rotation.py changes the password.
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
def archived_changes(archive: Archive, connection: psycopg.Connection[Row]) -> ArchivedChanges:
    """The archived changes of what the test changes."""
    return ArchivedChanges(archive, wal_position(connection))
