"""The connectors as Kafka Connect sees them, through the API server's service proxy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from clients.cluster import Cluster
from clients.stack import ConnectOutput

RUNNING = "RUNNING"


@dataclass(frozen=True)
class Task:
    """A connector's task."""

    number: int
    state: str
    trace: str
    """of the error that stopped it; empty while it runs"""


@dataclass(frozen=True)
class Connector:
    """A connector and its tasks."""

    name: str
    kind: Literal["source", "sink"]
    state: str
    trace: str
    tasks: tuple[Task, ...]

    @property
    def runs(self) -> bool:
        """Whether the connector and each of its tasks, at least one, is RUNNING."""
        states = {self.state, *(task.state for task in self.tasks)}
        return bool(self.tasks) and states == {RUNNING}

    @property
    def consumer_group(self) -> str:
        """The group under which a sink commits what it has read."""
        return f"connect-{self.name}"


def connectors(cluster: Cluster, connect: ConnectOutput) -> list[Connector]:
    """Every connector of the worker, by name.

    Raises kubernetes.client.ApiException where Connect does not answer.
    """
    service = f"/api/v1/namespaces/{cluster.namespace}/services/{connect.service}:{connect.port}"
    answer = cluster.get(f"{service}/proxy/connectors", expand="status")
    return [read_connector(each["status"]) for _, each in sorted(answer.items())]


def read_connector(status: Mapping[str, Any]) -> Connector:
    """A connector from what Connect says at /connectors/NAME/status."""
    return Connector(
        name=status["name"],
        kind=status["type"],
        state=status["connector"]["state"],
        trace=status["connector"].get("trace", ""),
        tasks=tuple(
            Task(task["id"], task["state"], task.get("trace", "")) for task in status["tasks"]
        ),
    )
