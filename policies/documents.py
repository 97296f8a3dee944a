"""AWS policy documents, parsed into statements."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from policies.resource import Properties, as_list, parse_document


@dataclass(frozen=True)
class Statement:
    """A statement of a policy document."""

    label: str
    """Its Sid, or its position."""
    spec: Properties

    @property
    def allows(self) -> bool:
        """Whether it grants something rather than denies it."""
        return bool(self.spec.get("Effect") == "Allow")

    @property
    def actions(self) -> list[str]:
        return [str(action) for action in as_list(self.spec.get("Action", []))]

    @property
    def resources(self) -> list[str]:
        """The ARNs that it applies to."""
        return [str(arn) for arn in as_list(self.spec.get("Resource", []))]

    @property
    def principals(self) -> list[str]:
        """The principals that it applies to; empty in an identity's policy."""
        principal: Any = self.spec.get("Principal", [])
        if hasattr(principal, "values"):
            return [str(name) for names in principal.values() for name in as_list(names)]
        return [str(name) for name in as_list(principal)]


def statements(document: Any) -> Iterator[Statement]:
    """Yield the statements of a document given as text or as a mapping.

    Raises NotKnownYetError for an unknown value, ValueError for an invalid document.
    """
    for index, spec in enumerate(as_list(parse_document(document).get("Statement", []))):
        yield Statement(spec.get("Sid") or f"statement {index + 1}", spec)
