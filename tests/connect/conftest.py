"""A Connect in memory behind a real socket, and the provider that is tested against it."""

from collections.abc import Iterator

import pytest
from connect_in_memory import RUNNING, ConnectInMemory
from failing_connect import FailingConnect, serve
from pulumi import dynamic

from components.streaming.connectors import resource
from components.streaming.connectors.resource import KafkaConnectorProvider
from components.streaming.connectors.startup import Patience


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[ConnectInMemory]:
    quick = {"poll": 0.01, "settle": 0.05, "restart_delay": 0.01}
    monkeypatch.setattr(
        resource, "Patience", lambda timeout: Patience(timeout=timeout, **quick), raising=True
    )
    connect = ConnectInMemory(states=[RUNNING])
    with serve(FailingConnect(otherwise=connect)) as server:
        connect.url = server.url
        yield connect


@pytest.fixture
def provider() -> dynamic.ResourceProvider:
    return KafkaConnectorProvider()
