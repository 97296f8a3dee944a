"""moto, the stand-in for AWS. It keeps everything in memory, so its restart loses everything.

The account's alias marks the moto that this sandbox started with: after a restart or a reset
it is gone, and what Pulumi believes to exist in AWS is gone with it.
"""

import http.client
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from sandbox.node import addresses

REGION = "us-east-1"
# moto takes any credentials; these fit AWS' pattern, so that no client refuses them.
ACCESS_KEY_ID = "AKIASANDBOXSANDBOX00"
SECRET_ACCESS_KEY = "sandbox"

_TIMEOUT_SECONDS = 5


def is_answering() -> bool:
    """Return whether moto's server answers."""
    connection = http.client.HTTPConnection(
        str(addresses.NODE_ADDRESS), addresses.MOTO_PORT, timeout=_TIMEOUT_SECONDS
    )
    try:
        # Its start page; its page of all data fails once a user with keys has been deleted.
        connection.request("GET", "/moto-api/")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def mark(sandbox_id: str) -> None:
    """Leave the mark of this sandbox in a fresh moto."""
    _iam().create_account_alias(AccountAlias=sandbox_id)


def has_mark(sandbox_id: str) -> bool:
    """Return whether this moto still is the one that was marked."""
    try:
        aliases: list[str] = _iam().list_account_aliases()["AccountAliases"]
    except BotoCoreError:
        return False
    return sandbox_id in aliases


def _iam() -> Any:
    return boto3.client(
        "iam",
        endpoint_url=addresses.MOTO_URL,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET_ACCESS_KEY,
        config=Config(
            connect_timeout=_TIMEOUT_SECONDS,
            read_timeout=_TIMEOUT_SECONDS,
            retries={"max_attempts": 1},
        ),
    )
