"""Sample databases in a folder of the test's."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from components.source.certificate import issue
from sample_databases.configuration import Description
from sample_databases.server import SampleServer, servers
from tests.unit.postgres_server import free_port

NewServer = Callable[..., SampleServer]


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder that the servers' user can reach; pytest's own are root's."""
    folder = Path(tempfile.mkdtemp(prefix="datapipe-samples-"))
    folder.chmod(0o755)
    yield folder
    for name in servers(folder):
        SampleServer.open(name, folder).remove()
    shutil.rmtree(folder)


@pytest.fixture
def new_server(root: Path) -> NewServer:
    """Create an empty server."""

    def create(name: str, version: int) -> SampleServer:
        certificate = issue(["localhost"], days=1)
        return SampleServer.create(
            Description(
                name=name,
                version=version,
                port=free_port(),
                database=name,
                host="localhost",
                networks=("127.0.0.0/8",),
                password="of the administrator",
                account_password="of the account",
                ca_certificate=certificate["ca_certificate"],
            ),
            certificate,
            root,
        )

    return create
