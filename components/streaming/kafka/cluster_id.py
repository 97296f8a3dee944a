"""The id of the Kafka cluster: made once, kept in the stack, written to every broker's storage."""

from __future__ import annotations

import base64
import uuid
from typing import Any

import pulumi
from pulumi import dynamic

from components.dynamic_provider import Provider


def random_cluster_id() -> str:
    """Return a random UUID as Kafka writes it: 22 characters of the URL-safe base64 alphabet.

    Like Kafka's own, it does not begin with a dash, which its tools would take for an option.
    """
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


class ClusterIdProvider(Provider):
    """Creates an id, which never changes: the brokers' storage contains it."""

    def create(self, _props: dict[str, Any]) -> dynamic.CreateResult:
        cluster_id = random_cluster_id()
        return dynamic.CreateResult(cluster_id, {"value": cluster_id})

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        return dynamic.DiffResult(changes=False)


class KafkaClusterId(dynamic.Resource, module="datapipe", name="KafkaClusterId"):
    """A random id, generated once and kept in the state."""

    value: pulumi.Output[str]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(ClusterIdProvider(), name, {"value": None}, opts)
