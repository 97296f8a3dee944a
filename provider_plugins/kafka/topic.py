"""A topic as the program declares it, and what leads from one declaration to the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from provider_plugins.wire import Properties


@dataclass(frozen=True)
class Topic:
    """A topic. `config` holds only what differs from the brokers' defaults, as text."""

    name: str
    partitions: int
    replication_factor: int
    config: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, properties: Properties) -> Topic:
        """Return the topic that a resource's properties (without unknowns) describe."""
        config = properties.get("config") or {}
        return cls(
            name=properties["name"],
            partitions=properties["partitions"],
            replication_factor=properties["replicationFactor"],
            config={key: config_text(value) for key, value in config.items()},
        )

    def properties(self) -> Properties:
        """Return the resource's properties that describe this topic."""
        properties: Properties = {
            "name": self.name,
            "partitions": self.partitions,
            "replicationFactor": self.replication_factor,
        }
        return {**properties, "config": dict(self.config)} if self.config else properties


def config_text(value: Any) -> str:
    """Return a setting as Kafka writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def config_changes(old: dict[str, str], new: dict[str, str]) -> dict[str, str | None]:
    """Return the settings to set; None resets a setting to the brokers' default."""
    changed: dict[str, str | None] = {
        key: value for key, value in new.items() if old.get(key) != value
    }
    return {**changed, **{key: None for key in old if key not in new}}


def problems(properties: Properties) -> list[tuple[str, str]]:
    """Return what is wrong with a topic's properties, as (property, reason)."""
    found = []
    for key in ("partitions", "replicationFactor"):
        value = properties.get(key)
        if value is None:
            found.append((key, "is required"))
        elif isinstance(value, int) and value < 1:
            found.append((key, f"is {value}; at least 1 is needed"))
    return found
