"""A stand-in for AWS that the clients' own libraries reach over HTTP."""

import socket
from collections.abc import Iterator

import pytest
from moto.server import ThreadedMotoServer

from sandbox.aws_server import glue


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """An empty moto server with the sandbox's Glue; the test sets credentials."""
    glue.install()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()
