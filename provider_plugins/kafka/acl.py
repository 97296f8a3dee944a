"""An ACL as the program declares it."""

from __future__ import annotations

import re
from dataclasses import astuple, dataclass
from typing import Final

from provider_plugins.provider import ProviderError
from provider_plugins.wire import Properties

# What the provider fills in where the program says nothing.
DEFAULTS: Final = {"resourcePatternTypeFilter": "Literal"}

# Kafka's names of what the provider calls differently.
KIND_CODES: Final = {
    "Cluster": "BROKER",
    "Group": "GROUP",
    "Topic": "TOPIC",
    "TransactionalID": "TRANSACTIONAL_ID",
}
OPERATIONS: Final = (
    "All", "Alter", "AlterConfigs", "ClusterAction", "Create", "Delete", "Describe",
    "DescribeConfigs", "IdempotentWrite", "Read", "Write",
)  # fmt: skip
CHOICES: Final = {
    "aclOperation": OPERATIONS,
    "aclPermissionType": ("Allow", "Deny"),
    "aclResourceType": tuple(KIND_CODES),
    "resourcePatternTypeFilter": ("Literal", "Prefixed"),
}
REQUIRED: Final = (
    "aclPrincipal",
    "aclHost",
    "aclOperation",
    "aclPermissionType",
    "aclResourceType",
    "aclResourceName",
)
PROPERTIES: Final = (*REQUIRED, *DEFAULTS)


@dataclass(frozen=True)
class Acl:
    """An ACL. Nothing of it can change in place: another one is another ACL."""

    principal: str
    host: str
    operation: str
    permission: str
    kind: str
    name: str
    pattern: str

    @classmethod
    def parse(cls, properties: Properties) -> Acl:
        """Return the ACL that a resource's properties (without unknowns) describe."""
        return cls(*(properties[key] for key in PROPERTIES))

    @classmethod
    def from_id(cls, resource_id: str) -> Acl:
        """Return the ACL with an id, which has the official provider's form.

        Raises:
            ProviderError: the id has another form.
        """
        parts = resource_id.split("|")
        if len(parts) != len(PROPERTIES):
            raise ProviderError(
                f"{resource_id!r} is not the id of an ACL; allowed:"
                " principal|host|operation|permission|type|name|pattern"
            )
        return cls(*parts)

    @property
    def id(self) -> str:
        """The id of the resource."""
        return "|".join(astuple(self))

    def properties(self) -> Properties:
        """Return the resource's properties that describe this ACL."""
        return dict(zip(PROPERTIES, astuple(self), strict=True))


def problems(properties: Properties) -> list[tuple[str, str]]:
    """Return what is wrong with an ACL's properties, as (property, reason)."""
    found = [(key, "is required") for key in REQUIRED if properties.get(key) is None]
    for key, allowed in CHOICES.items():
        value = properties.get(key)
        if isinstance(value, str) and value not in allowed:
            found.append((key, f"is {value!r}; allowed: {', '.join(allowed)}"))
    return found


def code(name: str) -> str:
    """Return the client library's name of an operation, permission or pattern."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()
