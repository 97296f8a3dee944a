"""What the tests on AWS share: a server that enforces IAM, and the sinks' users in it."""

from collections.abc import Iterator

import pytest

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
from tests.aws_server import aws_server

IDENTITIES = ("confluent-s3", "iceberg", MAINTENANCE)


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """The address of an AWS with our bucket and another one, not yet enforcing."""
    with aws_server() as endpoint:
        administrator = client_of(endpoint, "administrator", "any")
        for bucket in (BUCKET, OTHER_BUCKET):
            administrator("s3").create_bucket(Bucket=bucket)
            for key in (KEY, "elsewhere/file"):
                administrator("s3").put_object(Bucket=bucket, Key=key, Body=b"there before")
        yield endpoint
        forget(endpoint)


@pytest.fixture(scope="module")
def sinks(aws: str) -> dict[str, Client]:
    """What each kind of sink and the maintenance use, with keys. IAM is enforced from here on."""
    clients = {sink: user_with(aws, sink, document_of(sink)) for sink in IDENTITIES}
    enforce(aws)
    return clients
