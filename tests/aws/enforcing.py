"""An AWS that enforces IAM (moto), and the sinks' policies in it."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import requests
from botocore.exceptions import ClientError

from components.archive.access import maintenance_policy, sink_policy
from components.config import parse
from components.streaming.sinks.declared import declared_sinks

ACCOUNT = "123456789012"
REGION = "us-east-1"
BUCKET = "datapipe-ingestion-test"
OTHER_BUCKET = "somebody-elses"
GLUE = f"arn:aws:glue:{REGION}:{ACCOUNT}"
KEY = "topics/users/part.parquet"
DENIED = {"AccessDenied", "AccessDeniedException", "403"}
# Makes the client of a service.
Client = Callable[[str], Any]


# The identity that maintains an Iceberg archive.
MAINTENANCE = "maintenance"


def document_of(identity: str) -> str:
    """Return the policy that the program attaches: a kind of sink's, or the maintenance's."""
    sink = "iceberg" if identity == MAINTENANCE else identity
    config = parse(
        {
            "tables": ["public.users"],
            "archive": {"bucket": BUCKET, "sink": sink},
            "images": {"icebergPlugin": "/usr/share/java/iceberg"},
        },
        "tests/aws",
    )
    bucket, database = f"arn:aws:s3:::{BUCKET}", f"{GLUE}:database/cdc"
    if identity == MAINTENANCE:
        return json.dumps(maintenance_policy(config.archive, bucket, [database]))
    needs = declared_sinks(config).needs
    return json.dumps(
        sink_policy(config.archive, needs, bucket, [database] if sink == "iceberg" else [])
    )


def client_of(endpoint: str, key: str, secret: str) -> Client:
    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=endpoint,
            region_name=REGION,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
        )

    return client


def enforce(endpoint: str) -> None:
    """From here on every call is judged by its caller's policies."""
    _control(endpoint, "reset-auth", "0")


def forget(endpoint: str) -> None:
    """Moto's state and its switch belong to the process, which other tests share."""
    stop_enforcing(endpoint)
    _control(endpoint, "reset", "")


def stop_enforcing(endpoint: str) -> None:
    _control(endpoint, "reset-auth", "inf")


def _control(endpoint: str, what: str, body: str) -> None:
    requests.post(f"{endpoint}/moto-api/{what}", data=body, timeout=10).raise_for_status()


def user_with(endpoint: str, name: str, document: str) -> Client:
    """Return what a new user with this policy uses, with an access key of its own."""
    iam = client_of(endpoint, "administrator", "any")("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="write-archive", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return client_of(endpoint, key["AccessKeyId"], key["SecretAccessKey"])


def denied(call: Callable[..., Any], **arguments: Any) -> bool:
    """Return whether AWS refuses a call for lack of permission. Raises any other error."""
    try:
        call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] in DENIED:
            return True
        raise
    return False
