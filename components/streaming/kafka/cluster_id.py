"""The Kafka cluster's id, made once and written to every broker's storage, and its brokers' number.

Neither can change. Each broker is a voter of the controllers' quorum, and Kafka can't change the
voters of a static quorum: brokers with the new list could elect a controller without those that
have the newest metadata. Nor does Kafka move partitions to brokers that are added, or from brokers
that are removed.
"""

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

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Refuse another number of brokers than the cluster was created with.

        A stack of before this check has no number in its state and accepts the first that it gets;
        its brokers refuse another one when they start (format-storage.sh).
        """
        wanted = int(news["brokers"])
        present = int(olds.get("brokers", wanted))
        if wanted == present:
            return dynamic.CheckResult(news, [])
        problem = (
            f"datapipe:kafka.brokers can't change from {present} to {wanted} in a running cluster:"
            " its quorum of controllers can't change, and partitions stay where they are. Set it to"
            f" {present}. For more load give each broker more (datapipe:sizing.broker), or deploy a"
            f" new stack with {wanted} brokers"
        )
        return dynamic.CheckResult(news, [dynamic.CheckFailure("brokers", problem)])

    def create(self, _props: dict[str, Any]) -> dynamic.CreateResult:
        cluster_id = random_cluster_id()
        return dynamic.CreateResult(cluster_id, {"value": cluster_id})

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        return dynamic.DiffResult(changes=False)


class KafkaClusterId(dynamic.Resource, module="datapipe", name="KafkaClusterId"):
    """A random id, generated once and kept in the state with the number of brokers."""

    value: pulumi.Output[str]

    def __init__(self, name: str, brokers: int, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(ClusterIdProvider(), name, {"brokers": brokers, "value": None}, opts)
