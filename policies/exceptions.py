"""Exceptions from policies: each names one resource, a reason and the last day it is valid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from policies.resource import Resource

# JSON schema of the setting `exceptions`, which every policy has.
SCHEMA = {
    "type": "array",
    "description": "resources excepted from this policy, each with a reason and its last day",
    "default": [],
    "items": {
        "type": "object",
        "required": ["resource", "reason", "expires"],
        "additionalProperties": False,
        "properties": {
            "resource": {"type": "string", "pattern": "^[^:]+:[^:]+:[^:]+::.+$"},
            "reason": {"type": "string", "minLength": 10},
            "expires": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
        },
    },
}


@dataclass(frozen=True)
class PolicyException:
    """A resource that a policy does not apply to until a date."""

    resource: str
    """Type::name, e.g. kubernetes:apps/v1:Deployment::kafka-connect."""
    reason: str
    expires: date
    """The last day on which it is valid."""

    def names(self, resource: Resource) -> bool:
        """Return whether it applies to this resource."""
        return self.resource == f"{resource.type}::{resource.name}"

    def has_expired(self, today: date) -> bool:
        """Return whether its last day has passed."""
        return today > self.expires

    def expiry_message(self) -> str:
        """Return the message for an expired exception."""
        return (
            f"the exception for {self.resource} expired on {self.expires} (reason:"
            f" {self.reason}); remove it, or give it a new reason and date"
        )


def parse_exceptions(given: Iterable[dict[str, Any]]) -> list[PolicyException]:
    """Parse the exceptions in a policy's configuration.

    Raises ValueError for a date that does not exist; the schema checks the rest.
    """
    return [
        PolicyException(entry["resource"], entry["reason"], date.fromisoformat(entry["expires"]))
        for entry in given
    ]


def is_excepted(resource: Resource, exceptions: Sequence[PolicyException], today: date) -> bool:
    """Return whether an exception that has not expired names this resource."""
    return any(e.names(resource) and not e.has_expired(today) for e in exceptions)
