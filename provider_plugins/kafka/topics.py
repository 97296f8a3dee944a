"""Topics: what the provider does with a resource of this type."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from provider_plugins.diff import Changes
from provider_plugins.engine import Engine
from provider_plugins.kafka.admin import Admin, KafkaError
from provider_plugins.kafka.topic import Topic, config_changes, config_text, problems
from provider_plugins.provider import (
    Found,
    InvalidInputsError,
    Naming,
    ProviderError,
    Replacement,
    Resource,
)
from provider_plugins.wire import Properties, Unknown, carry_secrets, has_unknown, plain

ALREADY_EXISTS: Final = "TOPIC_ALREADY_EXISTS"


class Topics:
    """Creates, changes and deletes topics."""

    def __init__(self, engine: Engine, admin: Callable[[], Admin]) -> None:
        self._engine, self._admin = engine, admin
        self._in_state: set[str] = set()
        self._told_unreachable = threading.Event()

    def check(
        self, resource: Resource, old: Properties, new: Properties, naming: Naming
    ) -> Properties:
        """Check the numbers, write the settings as Kafka does, fill in the name."""
        found = problems(plain(new))
        if found:
            raise InvalidInputsError(*found)
        inputs = dict(new)
        if isinstance(new.get("config"), dict):
            inputs["config"] = {
                key: value if has_unknown(value) else config_text(plain(value))
                for key, value in new["config"].items()
            }
        if new.get("name") is None:
            inputs["name"] = plain(old).get("name") or naming.name(f"{resource.name}-", 7, 249)
        return inputs

    def replacement(
        self, resource: Resource, old: Properties, new: Properties, changes: Changes
    ) -> Replacement:
        """Another name or fewer partitions make another topic; the replication factor must stay.

        Raises:
            ProviderError: the replication factor changes.
        """
        self._in_state.add(resource.urn)
        if "replicationFactor" in changes and not isinstance(new["replicationFactor"], Unknown):
            raise ProviderError(
                f"topic {old['name']}: the replication factor cannot change from "
                f"{old['replicationFactor']} to {new['replicationFactor']} with the sandbox's "
                "plugin. Move the replicas with kafka-reassign-partitions and run pulumi refresh, "
                "or replace the topic, which deletes its records"
            )
        paths = {"name"}
        fewer = not isinstance(new["partitions"], Unknown) and new["partitions"] < old["partitions"]
        if fewer:
            paths.add("partitions")
        return Replacement(frozenset(paths), delete_first=old["name"] == new["name"])

    def preview_create(self, resource: Resource, inputs: Properties) -> Properties:
        """Return the inputs, which the brokers judge if they can be reached."""
        if not has_unknown(inputs) and self._can_validate(resource):
            try:
                self._admin().request_creation(Topic.parse(plain(inputs)), validate_only=True)
            except KafkaError as error:
                if error.code != ALREADY_EXISTS:
                    raise
                if resource.urn not in self._in_state:  # else it is to be replaced
                    raise already_exists(inputs) from error
        return inputs

    def preview_update(
        self, resource: Resource, resource_id: str, outputs: Properties, new: Properties
    ) -> Properties:
        """Return the new inputs, which the brokers judge if they can be reached."""
        if not has_unknown(new) and self._can_validate(resource):
            old, wanted = Topic.parse(plain(outputs)), Topic.parse(plain(new))
            self._change(old, wanted, validate_only=True)
        return new

    def create(
        self, resource: Resource, inputs: Properties, timeout: float
    ) -> tuple[str, Properties]:
        """Create the topic and wait until it can be used."""
        topic = Topic.parse(plain(inputs))
        self._engine.status(resource.urn, f"creating on {self._admin().servers}")
        try:
            self._admin().create(topic)
        except KafkaError as error:
            raise (already_exists(inputs) if error.code == ALREADY_EXISTS else error) from error
        return topic.name, inputs

    def update(
        self,
        resource: Resource,
        resource_id: str,
        outputs: Properties,
        new: Properties,
        timeout: float,
    ) -> Properties:
        """Add partitions and change settings, in place."""
        self._change(Topic.parse(plain(outputs)), Topic.parse(plain(new)))
        return new

    def read(
        self, resource: Resource, resource_id: str, outputs: Properties, inputs: Properties
    ) -> Found | None:
        """Return the topic as it is now."""
        topic = self._admin().read(resource_id)
        if topic is None:
            return None
        marks = {key: value for key, value in inputs.items() if key.startswith("__")}
        properties = carry_secrets(topic.properties(), inputs)
        return Found(resource_id, properties, {**properties, **marks})

    def delete(
        self, resource: Resource, resource_id: str, outputs: Properties, timeout: float
    ) -> None:
        """Delete the topic with its records."""
        self._admin().delete(resource_id)

    def _change(self, old: Topic, new: Topic, *, validate_only: bool = False) -> None:
        if new.partitions > old.partitions:
            self._admin().grow(new.name, new.partitions, validate_only=validate_only)
        changes = config_changes(old.config, new.config)
        if changes:
            self._admin().configure(new.name, changes, validate_only=validate_only)

    def _can_validate(self, resource: Resource) -> bool:
        """Return whether a preview can ask the brokers; if not, say so only once."""
        if self._admin().reachable():
            return True
        if not self._told_unreachable.is_set():
            self._told_unreachable.set()
            self._engine.info(
                resource.urn,
                f"topics are not validated: no broker answers at {self._admin().servers} yet",
            )
        return False


def already_exists(inputs: Properties) -> ProviderError:
    """Return the refusal of a topic that someone else created."""
    return ProviderError(
        f"topic {plain(inputs)['name']} exists already and is not in this stack's state: import "
        "it (pulumi import kafka:index/topic:Topic) or delete it"
    )
