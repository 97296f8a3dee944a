"""ACLs: what the provider does with a resource of this type."""

from __future__ import annotations

from collections.abc import Callable

from provider_plugins.diff import Changes
from provider_plugins.kafka.acl import DEFAULTS, PROPERTIES, Acl, problems
from provider_plugins.kafka.admin import Admin
from provider_plugins.provider import Found, InvalidInputsError, Naming, Replacement, Resource
from provider_plugins.wire import Properties, plain


class Acls:
    """Creates and deletes ACLs."""

    def __init__(self, admin: Callable[[], Admin]) -> None:
        self._admin = admin

    def check(
        self, resource: Resource, old: Properties, new: Properties, naming: Naming
    ) -> Properties:
        """Check the values and fill in the defaults."""
        inputs = {**DEFAULTS, **new}
        if found := problems(plain(inputs)):
            raise InvalidInputsError(*found)
        return inputs

    def replacement(
        self, resource: Resource, old: Properties, new: Properties, changes: Changes
    ) -> Replacement:
        """Return that every change makes another ACL."""
        return Replacement(frozenset(PROPERTIES))

    def preview_create(self, resource: Resource, inputs: Properties) -> Properties:
        """Return the inputs; nothing else is known of an ACL."""
        return inputs

    def create(
        self, resource: Resource, inputs: Properties, timeout: float
    ) -> tuple[str, Properties]:
        """Create the ACL; one that exists already is taken over, as the brokers do."""
        acl = Acl.parse(plain(inputs))
        self._admin().allow(acl)
        return acl.id, inputs

    def read(
        self, resource: Resource, resource_id: str, outputs: Properties, inputs: Properties
    ) -> Found | None:
        """Return the ACL, if it is still there."""
        acl = Acl.from_id(resource_id)
        if not self._admin().has_acl(acl):
            return None
        marks = {key: value for key, value in inputs.items() if key.startswith("__")}
        return Found(resource_id, acl.properties(), {**acl.properties(), **marks})

    def preview_update(
        self, resource: Resource, resource_id: str, outputs: Properties, new: Properties
    ) -> Properties:
        """Return the new inputs; only an import leads here."""
        return new

    def update(
        self,
        resource: Resource,
        resource_id: str,
        outputs: Properties,
        new: Properties,
        timeout: float,
    ) -> Properties:
        """Refuse: every change is a replacement."""
        raise AssertionError("an ACL has nothing to update in place")

    def delete(
        self, resource: Resource, resource_id: str, outputs: Properties, timeout: float
    ) -> None:
        """Delete the ACL; one that is already gone is not an error."""
        self._admin().revoke(Acl.from_id(resource_id))
