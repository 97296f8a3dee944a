"""The connectors as Kafka Connect sees them, and stopping one, through the API server's proxy."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from clients.cluster import Cluster
from clients.stack import ConnectOutput, StackError, StackOutputs
from kafka_connect.access import ServiceProxy, open_access
from kafka_connect.client import ConnectClient
from kafka_connect.failures import ConnectError
from kafka_connect.startup import (
    ConnectorFailedError,
    NotInTimeError,
    Patience,
    wait_until,
)

Log = Callable[[str], None]

RUNNING = "RUNNING"
PATIENCE = Patience(timeout=120)


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


def connect_client(outputs: StackOutputs) -> ConnectClient:
    """The stack's Connect, through the API server. Raises ClusterAccessError without one."""
    connect = outputs.connect
    access = ServiceProxy(outputs.namespace, connect.service, connect.port, outputs.context)
    return ConnectClient(*open_access(access.inputs()))


def sink_connector(outputs: StackOutputs) -> str:
    """The name of the stack's sink."""
    found = connectors(Cluster(outputs), outputs.connect)
    return next(each.name for each in found if each.kind == "sink")


@contextmanager
def stopped(client: ConnectClient, name: str, log: Log) -> Iterator[None]:
    """The connector's tasks are ended; afterwards they run again, also where an error is raised.

    Raises StackError where Connect does not do it.
    """
    try:
        log(f"stopping {name}")
        client.stop(name)
        wait_until(client, name, "STOPPED", PATIENCE, log)
        try:
            yield
        finally:
            log(f"starting {name}")
            client.resume(name)
        wait_until(client, name, "RUNNING", PATIENCE, log)
    except (ConnectError, ConnectorFailedError, NotInTimeError) as error:
        raise StackError(str(error)) from error
