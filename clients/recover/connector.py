"""Stopping a connector for as long as something is put right, and letting it run again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from clients.cluster import Cluster
from clients.connect import connectors
from clients.stack import StackError, StackOutputs
from components.streaming.connectors.access import ServiceProxy, open_access
from components.streaming.connectors.client import ConnectClient
from components.streaming.connectors.failures import ConnectError
from components.streaming.connectors.startup import (
    ConnectorFailedError,
    NotInTimeError,
    Patience,
    wait_until,
)

Say = Callable[[str], None]
PATIENCE = Patience(timeout=120)


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
def stopped(client: ConnectClient, name: str, say: Say) -> Iterator[None]:
    """The connector's tasks are ended; afterwards they run again, also where an error is raised.

    Raises StackError where Connect does not do it.
    """
    try:
        say(f"stopping {name}")
        client.stop(name)
        wait_until(client, name, "STOPPED", PATIENCE, say)
        try:
            yield
        finally:
            say(f"starting {name}")
            client.resume(name)
        wait_until(client, name, "RUNNING", PATIENCE, say)
    except (ConnectError, ConnectorFailedError, NotInTimeError) as error:
        raise StackError(str(error)) from error
