"""The AWS account that a provider's configuration means, and its clients."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import Any, Final

from provider_plugins.provider import ProviderError
from provider_plugins.wire import Properties

# Error codes of a thing that does not exist.
GONE: Final = frozenset(
    {
        "404",
        "EntityNotFoundException",
        "NoSuchBucket",
        "NoSuchBucketPolicy",
        "NoSuchEntity",
        "NoSuchLifecycleConfiguration",
        "NoSuchPublicAccessBlockConfiguration",
        "NotFound",
        "OwnershipControlsNotFoundError",
        "ServerSideEncryptionConfigurationNotFoundError",
    }
)


class AwsError(ProviderError):
    """AWS refused a call. `gone` if it says that the thing does not exist."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.gone = code in GONE


@dataclass(frozen=True)
class Settings:
    """The provider's configuration, as far as these resource types need it."""

    region: str
    access_key: str | None
    secret_key: str | None
    token: str | None
    endpoints: dict[str, str]
    path_style: bool
    default_tags: dict[str, str]

    @classmethod
    def parse(cls, configuration: Properties) -> Settings:
        """Return the settings in a configuration; what is not set comes from the environment.

        Raises:
            ProviderError: there is no region.
        """
        region = (
            configuration.get("region")
            or os.environ.get("AWS_REGION")
            or os.environ.get("AWS_DEFAULT_REGION")
        )
        if not region:
            raise ProviderError("no AWS region: set aws:region, the provider's region, AWS_REGION")
        listed = configuration.get("endpoints") or []
        endpoints = {service: url for entry in listed for service, url in entry.items() if url}
        return cls(
            region=region,
            access_key=configuration.get("accessKey"),
            secret_key=configuration.get("secretKey"),
            token=configuration.get("token"),
            endpoints=endpoints,
            path_style=configuration.get("s3UsePathStyle") is True,
            default_tags=(configuration.get("defaultTags") or {}).get("tags") or {},
        )


class Account:
    """Clients for the services, made once each. Safe to use from many threads."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    @property
    def region(self) -> str:
        """The region that resources are made in."""
        return self.settings.region

    def call(self, service: str, operation: str, **arguments: Any) -> Any:
        """Call an operation, such as ``call("s3", "create_bucket", Bucket="b")``.

        Raises:
            AwsError: in AWS's own words.
        """
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        client = self._client(service)
        try:
            return getattr(client, operation)(**arguments)
        except ClientError as error:
            raise AwsError(str(error), error.response["Error"].get("Code", "")) from error
        except BotoCoreError as error:
            raise AwsError(f"{service}: {error}") from error

    def pages(self, service: str, operation: str, **arguments: Any) -> Any:
        """Return the pages of a listing."""
        return self._client(service).get_paginator(operation).paginate(**arguments)

    def tags(self, tags: dict[str, str] | None) -> list[dict[str, str]]:
        """Return a resource's tags and the provider's default ones, as AWS takes them."""
        merged = {**self.settings.default_tags, **(tags or {})}
        return [{"Key": key, "Value": value} for key, value in merged.items()]

    def tag_outputs(self, listed: list[dict[str, str]]) -> Properties:
        """Return the outputs `tags` (without the provider's default ones) and `tagsAll`."""
        every = {tag["Key"]: tag["Value"] for tag in listed}
        defaults = self.settings.default_tags
        own = {key: value for key, value in every.items() if defaults.get(key) != value}
        return {**({"tags": own} if own else {}), "tagsAll": every}

    def _client(self, service: str) -> Any:
        with self._lock:  # boto3 makes clients in one thread at a time only
            if service not in self._clients:
                self._clients[service] = self._make_client(service)
            return self._clients[service]

    def _make_client(self, service: str) -> Any:
        import boto3  # noqa: PLC0415 (half a second that a preview does not have to wait)
        from botocore.config import Config  # noqa: PLC0415

        settings = self.settings
        return boto3.client(
            service,
            region_name=settings.region,
            endpoint_url=settings.endpoints.get(service) or os.environ.get("AWS_ENDPOINT_URL"),
            aws_access_key_id=settings.access_key,
            aws_secret_access_key=settings.secret_key,
            aws_session_token=settings.token,
            config=Config(
                max_pool_connections=32,
                s3={"addressing_style": "path"} if settings.path_style else {},
            ),
        )
