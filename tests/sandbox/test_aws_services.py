"""The stand-in for AWS lists its services once, not for each request."""

import boto3
import pytest
from moto import backends

from sandbox.aws_server import services
from tests.aws_server import aws_server


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the test's change of moto end with it."""
    monkeypatch.setattr(backends, "list_of_moto_modules", backends.list_of_moto_modules)


@pytest.mark.parametrize(
    ("service", "operation", "answered"),
    [
        ("s3", "list_buckets", "Buckets"),
        ("glue", "get_databases", "DatabaseList"),
        ("iam", "list_users", "Users"),
        ("sts", "get_caller_identity", "Account"),
    ],
)
def test_a_request_reaches_its_service_without_a_look_at_motos_folder(
    monkeypatch: pytest.MonkeyPatch, service: str, operation: str, answered: str
) -> None:
    known = list(backends.list_of_moto_modules())
    services.remember()
    monkeypatch.setattr(backends, "os", None)
    assert list(backends.list_of_moto_modules()) == known
    with aws_server() as endpoint:
        client = boto3.client(
            service,
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="AKIASANDBOXSANDBOX00",
            aws_secret_access_key="any",
        )
        answer = getattr(client, operation)()
    assert answered in answer
