"""Exceptions from policies: one resource each, with a reason and a last day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from policies.resource import Resource

SCHEMA = {
    "type": "array",
    "description": "resources that this policy spares, each with a reason and a last day",
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
"""JSON schema of the setting `exceptions`, which every policy has."""


@dataclass(frozen=True)
class PolicyException:
    """One exception."""

    resource: str
    """type::name, e.g. kubernetes:apps/v1:Deployment::kafka-connect"""
    reason: str
    expires: date
    """the last day on which it holds"""

    def names(self, resource: Resource) -> bool:
        """Whether this is the resource that is spared."""
        return self.resource == f"{resource.type}::{resource.name}"

    def has_expired(self, today: date) -> bool:
        """Whether its last day has passed."""
        return today > self.expires

    def expiry_message(self) -> str:
        """What to do about an expired one."""
        return (
            f"the exception for {self.resource} expired on {self.expires} (its reason:"
            f" {self.reason}); remove it, or give it a new reason and date"
        )


def parse_exceptions(given: Iterable[dict[str, Any]]) -> list[PolicyException]:
    """The exceptions of a policy's configuration.

    Raises ValueError for a date that does not exist; the schema has seen to the rest.
    """
    return [
        PolicyException(entry["resource"], entry["reason"], date.fromisoformat(entry["expires"]))
        for entry in given
    ]


def is_excepted(resource: Resource, exceptions: Sequence[PolicyException], today: date) -> bool:
    """Whether an exception in force names this resource."""
    return any(e.names(resource) and not e.has_expired(today) for e in exceptions)
