"""AWS policy documents: their statements, taken apart once for every rule about them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from policies.resource import Properties, as_list, parse_document


@dataclass(frozen=True)
class Statement:
    """A statement of a policy document."""

    label: str
    """its Sid, or its place"""
    spec: Properties

    @property
    def allows(self) -> bool:
        """Whether it grants something; it denies otherwise."""
        return bool(self.spec.get("Effect") == "Allow")

    @property
    def actions(self) -> list[str]:
        """Its actions."""
        return [str(action) for action in as_list(self.spec.get("Action", []))]

    @property
    def resources(self) -> list[str]:
        """The ARNs that it is about."""
        return [str(arn) for arn in as_list(self.spec.get("Resource", []))]

    @property
    def principals(self) -> list[str]:
        """Who it is about; empty in a policy that belongs to an identity."""
        principal: Any = self.spec.get("Principal", [])
        if hasattr(principal, "values"):
            return [str(name) for names in principal.values() for name in as_list(names)]
        return [str(name) for name in as_list(principal)]


def statements(document: Any) -> Iterator[Statement]:
    """The statements of a document given as text or as a mapping.

    Raises NotKnownYetError where it is unknown, ValueError where it is no policy document.
    """
    for index, spec in enumerate(as_list(parse_document(document).get("Statement", []))):
        yield Statement(spec.get("Sid") or f"statement {index + 1}", spec)
