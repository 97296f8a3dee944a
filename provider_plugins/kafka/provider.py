"""The resource provider for topics and ACLs."""

from __future__ import annotations

from typing import Final

from provider_plugins.diff import Changes
from provider_plugins.kafka.acls import Acls
from provider_plugins.kafka.admin import Admin
from provider_plugins.kafka.settings import client_settings
from provider_plugins.kafka.topics import Topics
from provider_plugins.provider import (
    Found,
    Naming,
    Provider,
    ProviderError,
    Replacement,
    Resource,
)
from provider_plugins.wire import Properties

TOPIC: Final = "kafka:index/topic:Topic"
ACL: Final = "kafka:index/acl:Acl"


class Kafka(Provider):
    """Stands in for pulumi-kafka."""

    name = "kafka"

    def __init__(self) -> None:
        super().__init__()
        self._admin: Admin | None = None
        self._kinds: dict[str, Topics | Acls] = {
            TOPIC: Topics(self.engine, lambda: self.admin),
            ACL: Acls(lambda: self.admin),
        }

    def configure(self, configuration: Properties) -> None:
        """Take the brokers' addresses and the login; connects at the first request."""
        self._admin = Admin(client_settings(configuration), self.cancelled)

    @property
    def admin(self) -> Admin:
        """The configured cluster."""
        if self._admin is None:
            raise ProviderError("the provider's configuration is not known yet")
        return self._admin

    def check(
        self, resource: Resource, old: Properties, new: Properties, naming: Naming
    ) -> Properties:
        """Check the values, write the settings as Kafka does, fill in what is not said."""
        return self._kind(resource).check(resource, old, new, naming)

    def replacement(
        self, resource: Resource, old: Properties, new: Properties, changes: Changes
    ) -> Replacement:
        """Return which of the changes make another topic or ACL."""
        return self._kind(resource).replacement(resource, old, new, changes)

    def preview_create(self, resource: Resource, inputs: Properties) -> Properties:
        """Return the inputs, which the brokers judge if they can be reached."""
        return self._kind(resource).preview_create(resource, inputs)

    def preview_update(
        self, resource: Resource, resource_id: str, outputs: Properties, new: Properties
    ) -> Properties:
        """Return the new inputs, which the brokers judge if they can be reached."""
        return self._kind(resource).preview_update(resource, resource_id, outputs, new)

    def create(
        self, resource: Resource, inputs: Properties, timeout: float
    ) -> tuple[str, Properties]:
        """Create the topic or ACL."""
        return self._kind(resource).create(resource, inputs, timeout)

    def update(
        self,
        resource: Resource,
        resource_id: str,
        outputs: Properties,
        new: Properties,
        timeout: float,
    ) -> Properties:
        """Change the topic in place."""
        return self._kind(resource).update(resource, resource_id, outputs, new, timeout)

    def read(
        self, resource: Resource, resource_id: str, outputs: Properties, inputs: Properties
    ) -> Found | None:
        """Return the topic or ACL as it is now."""
        return self._kind(resource).read(resource, resource_id, outputs, inputs)

    def delete(
        self, resource: Resource, resource_id: str, outputs: Properties, timeout: float
    ) -> None:
        """Delete the topic with its records, or the ACL."""
        self._kind(resource).delete(resource, resource_id, outputs, timeout)

    def _kind(self, resource: Resource) -> Topics | Acls:
        kind = self._kinds.get(resource.type)
        if kind is None:
            known = ", ".join(self._kinds)
            raise ProviderError(
                f"the sandbox's kafka plugin has no {resource.type}; it has {known}"
            )
        return kind
