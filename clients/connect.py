"""Reads and stops connectors through the Kubernetes API server's proxy."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import quote

from clients.cluster import Cluster
from clients.stack import ConnectOutput, StackError, StackOutputs
from kafka_connect import task_configs
from kafka_connect.access import ServiceProxy, open_access
from kafka_connect.client import ConnectClient
from kafka_connect.failures import ConnectError
from kafka_connect.startup import (
    ConnectorFailedError,
    NotInTimeError,
    Timeouts,
    wait_until,
)

Log = Callable[[str], None]

RUNNING = "RUNNING"
TIMEOUTS = Timeouts(timeout=120)


@dataclass(frozen=True)
class Task:
    """A task of a connector."""

    number: int
    state: str
    # Stack trace of the error that stopped it; empty while it runs.
    trace: str


@dataclass(frozen=True)
class Connector:
    """A connector and its tasks."""

    name: str
    kind: Literal["source", "sink"]
    state: str
    trace: str
    tasks: tuple[Task, ...]
    # The keys in which the tasks have an earlier configuration; see with_task_configs().
    earlier: tuple[str, ...] = ()

    @property
    def runs(self) -> bool:
        """Whether the connector has tasks, and it and each of them is RUNNING."""
        states = {self.state, *(task.state for task in self.tasks)}
        return bool(self.tasks) and states == {RUNNING}

    @property
    def consumer_group(self) -> str:
        """The consumer group in which a sink commits its offsets."""
        return f"connect-{self.name}"


def connectors(cluster: Cluster, connect: ConnectOutput) -> list[Connector]:
    """Return every connector of the workers, sorted by name, without tasks that no longer exist.

    Raises kubernetes.client.ApiException if Connect does not answer.
    """
    answer = cluster.get(connectors_path(cluster, connect), expand="status")

    def of(name: str, status: Mapping[str, Any]) -> Connector:
        tasks = f"{connectors_path(cluster, connect, name)}/tasks"
        return read_connector(task_configs.of_present_tasks(status, lambda: cluster.get(tasks)))

    return [of(name, each["status"]) for name, each in sorted(answer.items())]


def with_task_configs(cluster: Cluster, connect: ConnectOutput, connector: Connector) -> Connector:
    """Return a running connector with the keys in which its tasks have an earlier configuration.

    A change that Kafka Connect is about to give to the tasks has time to arrive.
    Raises kubernetes.client.ApiException if Connect does not answer.
    """
    if not connector.runs:
        return connector
    path = connectors_path(cluster, connect, connector.name)

    def earlier() -> tuple[str, ...]:
        config, answer = cluster.get(f"{path}/config"), cluster.get(f"{path}/tasks")
        tasks = [each["config"] for each in answer]
        return task_configs.differing_keys(config, tasks, len(connector.tasks))

    return replace(connector, earlier=task_configs.once_given(earlier, lambda keys: keys))


def connectors_path(cluster: Cluster, connect: ConnectOutput, connector: str = "") -> str:
    """Return the API server's path of the workers' connectors, or of one of them."""
    service = f"/api/v1/namespaces/{cluster.namespace}/services/{connect.service}:{connect.port}"
    return f"{service}/proxy/connectors" + (f"/{quote(connector)}" if connector else "")


def read_connector(status: Mapping[str, Any]) -> Connector:
    """Return a connector from Connect's answer at /connectors/NAME/status."""
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
    """Return a client of the stack's Connect. Raises ClusterAccessError without a kubeconfig."""
    connect = outputs.connect
    access = ServiceProxy(outputs.namespace, connect.service, connect.port, outputs.context)
    return ConnectClient(*open_access(access.inputs()))


def sink_connector(outputs: StackOutputs) -> str:
    """Return the name of the stack's sink. Raises StackError if no sink exists."""
    for connector in connectors(Cluster(outputs), outputs.connect):
        if connector.kind == "sink":
            return connector.name
    raise StackError("Kafka Connect has no sink connector; pulumi refresh and make up create it")


def reconfigure(client: ConnectClient, name: str, config: dict[str, str], log: Log) -> None:
    """Give a connector another configuration, and wait until its tasks run with it.

    Raises StackError if Connect refuses it, or the tasks do not run with it in time.
    """
    try:
        client.put(name, config)
        wait_until(client, name, "RUNNING", TIMEOUTS, log, config=config)
    except (ConnectError, ConnectorFailedError, NotInTimeError) as error:
        raise StackError(str(error)) from error


@contextmanager
def stopped(
    client: ConnectClient, name: str, log: Log, *, start_after_error: bool = True
) -> Iterator[None]:
    """Stop a connector's tasks for the block; start them again, by default even if it raises.

    Raises StackError if Connect does not stop or start it in time.
    """
    try:
        log(f"stopping {name}")
        client.stop(name)
        wait_until(client, name, "STOPPED", TIMEOUTS, log)
        try:
            yield
        except BaseException:
            if start_after_error:
                client.resume(name)
            else:
                log(f"{name} stays stopped")
            raise
        log(f"starting {name}")
        client.resume(name)
        wait_until(client, name, "RUNNING", TIMEOUTS, log)
    except (ConnectError, ConnectorFailedError, NotInTimeError) as error:
        raise StackError(str(error)) from error
