"""The passwords of the pipeline's own accounts: generated once, kept in the state as secrets."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi import dynamic

PASSWORD_BYTES = 24
"""of randomness; 32 characters of the URL-safe alphabet, which no format needs to quote"""


class PasswordProvider(dynamic.ResourceProvider):
    """Makes a password; a new one only where `version` is raised."""

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        outputs = {"version": props["version"], "value": secrets.token_urlsafe(PASSWORD_BYTES)}
        return dynamic.CreateResult("password", outputs)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        changed = olds["version"] != news["version"]
        return dynamic.DiffResult(changes=changed)

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        return dynamic.UpdateResult(self.create(news).outs)


class GeneratedPassword(dynamic.Resource, module="datapipe", name="GeneratedPassword"):
    """A password that no person chose."""

    value: pulumi.Output[str]
    """secret"""

    def __init__(
        self, name: str, version: int = 1, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """`version`: raise it to have the password replaced by another."""
        always_secret = pulumi.ResourceOptions(additional_secret_outputs=["value"])
        super().__init__(
            PasswordProvider(),
            name,
            {"version": version, "value": None},
            pulumi.ResourceOptions.merge(always_secret, opts),
        )


@dataclass(frozen=True)
class Credentials:
    """The passwords of the pipeline's accounts; every one a secret output."""

    postgres: pulumi.Output[str]
    """PostgreSQL's superuser"""
    debezium: pulumi.Output[str]
    registry_admin: pulumi.Output[str]
    registry_developer: pulumi.Output[str]
    registry_probe: pulumi.Output[str]


def generate_credentials(opts: pulumi.ResourceOptions) -> Credentials:
    """A password for each account."""
    return Credentials(
        postgres=GeneratedPassword("postgres-password", opts=opts).value,
        debezium=GeneratedPassword("debezium-password", opts=opts).value,
        registry_admin=GeneratedPassword("registry-admin-password", opts=opts).value,
        registry_developer=GeneratedPassword("registry-developer-password", opts=opts).value,
        registry_probe=GeneratedPassword("registry-probe-password", opts=opts).value,
    )
