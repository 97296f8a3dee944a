"""A stand-in for AWS that the clients' own libraries reach over HTTP."""

from collections.abc import Iterator

import pytest

from tests.aws_server import aws_server


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """An empty moto server with the sandbox's Glue; the test sets credentials."""
    with aws_server() as address:
        yield address
