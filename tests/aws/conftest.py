"""What the tests on AWS share: a server that enforces IAM, and the sinks' users in it."""

from collections.abc import Iterator

import pytest
from moto.server import ThreadedMotoServer

from sandbox.aws_server import glue
from tests.aws.enforcing import (
    BUCKET,
    KEY,
    MAINTENANCE,
    OTHER_BUCKET,
    Client,
    client_of,
    document_of,
    enforce,
    forget,
    user_with,
)

IDENTITIES = ("confluent-s3", "iceberg", MAINTENANCE)


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """The address of an AWS with our bucket and another one, not yet enforcing."""
    glue.install()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    administrator = client_of(endpoint, "administrator", "any")
    for bucket in (BUCKET, OTHER_BUCKET):
        administrator("s3").create_bucket(Bucket=bucket)
        for key in (KEY, "elsewhere/file"):
            administrator("s3").put_object(Bucket=bucket, Key=key, Body=b"there before")
    yield endpoint
    forget(endpoint)
    server.stop()


@pytest.fixture(scope="module")
def sinks(aws: str) -> dict[str, Client]:
    """What each kind of sink and the maintenance use, with keys. IAM is enforced from here on."""
    clients = {sink: user_with(aws, sink, document_of(sink)) for sink in IDENTITIES}
    enforce(aws)
    return clients
