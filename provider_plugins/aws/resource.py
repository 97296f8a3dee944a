"""What a resource type is to the plugin."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from provider_plugins.aws.account import Account
from provider_plugins.wire import Properties


@dataclass(frozen=True)
class AutoName:
    """Which property gets an automatic name, and how long that may be."""

    property: str
    limit: int


class ResourceType(ABC):
    """One resource type: its rules as data, its life as four calls.

    `read` returns the outputs, without secrets that only a creation returns; outputs with the name
    of an input have its shape.
    """

    tokens: tuple[str, ...]
    inputs: frozenset[str]
    """What the program may set; anything else is refused rather than ignored."""
    required: frozenset[str] = frozenset()
    force_new: tuple[str, ...] = ()
    auto_name: AutoName | None = None
    policies: tuple[str, ...] = ()
    """Inputs that hold a policy as JSON text."""
    defaults: Mapping[str, Any] = MappingProxyType({})
    """What AWS sets where the program says nothing, for inputs that `read` always returns."""
    unreadable: frozenset[str] = frozenset()
    """Inputs that AWS cannot tell, since they steer the plugin, or that follow from the account."""

    def problems(self, inputs: Properties) -> list[tuple[str, str]]:
        """Return what is wrong with the inputs, as (property, reason); unknowns are no problem."""
        return []

    @abstractmethod
    def create(self, account: Account, inputs: Properties) -> tuple[str, Properties]:
        """Make the resource; its id, and outputs that no read can tell later."""

    @abstractmethod
    def read(self, account: Account, resource_id: str, state: Properties) -> Properties | None:
        """Return the outputs now; None (or an `AwsError` that says gone) if it does not exist."""

    def update(self, account: Account, resource_id: str, inputs: Properties) -> None:
        """Change the resource in place; types whose every input is in `force_new` need none."""
        raise AssertionError(f"{self.tokens[0]} has nothing to update in place")

    @abstractmethod
    def delete(self, account: Account, resource_id: str, state: Properties) -> None:
        """Delete the resource, of which `state` is the last known outputs."""


def canonical_policy(policy: Any) -> Any:
    """Return a policy as AWS compares it: parsed, unordered, one string as a list of one."""
    document = json.loads(policy) if isinstance(policy, str) else policy
    statements = document.get("Statement") or []
    statements = statements if isinstance(statements, list) else [statements]
    return {**document, "Statement": [_canonical(statement) for statement in statements]}


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        return _canonical(value[0]) if len(value) == 1 else sorted(map(str, value))
    return value


def same_policy(one: Any, other: Any) -> bool:
    """Return whether two texts are the same policy; False if one of them is not JSON."""
    try:
        return bool(canonical_policy(one) == canonical_policy(other))
    except (AttributeError, TypeError, ValueError):
        return False
