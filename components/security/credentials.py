"""The passwords of the pipeline's own accounts: generated once, kept in the state as secrets."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi import dynamic

from components.config.security import versioned_name
from components.dynamic_provider import Provider

# Random bytes of a password: 32 characters of the URL-safe alphabet, which no format has to quote.
PASSWORD_BYTES = 24


class PasswordProvider(Provider):
    """Generates a password, which never changes: another one is another resource."""

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        return dynamic.CreateResult("password", {"value": secrets.token_urlsafe(PASSWORD_BYTES)})

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        return dynamic.DiffResult(changes=False)


class GeneratedPassword(dynamic.Resource, module="datapipe", name="GeneratedPassword"):
    """A random password."""

    value: pulumi.Output[str]  # secret

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        always_secret = pulumi.ResourceOptions(additional_secret_outputs=["value"])
        super().__init__(
            PasswordProvider(),
            name,
            {"value": None},
            pulumi.ResourceOptions.merge(always_secret, opts),
        )


@dataclass(frozen=True)
class Credentials:
    """The passwords of the pipeline's accounts, as secret outputs."""

    postgres: pulumi.Output[str]  # PostgreSQL's superuser
    debezium: pulumi.Output[str]
    registry_admin: pulumi.Output[str]
    registry_developer: pulumi.Output[str]
    registry_probe: pulumi.Output[str]


def generate_credentials(
    version: int = 1, opts: pulumi.ResourceOptions | None = None
) -> Credentials:
    """Generate a password for each account, in this version of the credentials.

    Another version's resources are deleted at the end of the update, so that a rotation that failed
    can be reverted as well as completed.
    """

    def password(account: str) -> pulumi.Output[str]:
        return GeneratedPassword(versioned_name(f"{account}-password", version), opts).value

    return Credentials(
        postgres=password("postgres"),
        debezium=password("debezium"),
        registry_admin=password("registry-admin"),
        registry_developer=password("registry-developer"),
        registry_probe=password("registry-probe"),
    )
