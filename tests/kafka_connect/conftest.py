"""A Connect in memory behind a real socket, and the provider that is tested against it."""

from collections.abc import Iterator

import pytest
from pulumi import dynamic

from components.streaming.connectors import resource
from components.streaming.connectors.resource import KafkaConnectorProvider
from kafka_connect.startup import Timeouts
from tests.kafka_connect.connect_in_memory import RUNNING, ConnectInMemory
from tests.kafka_connect.failing_connect import FailingConnect, serve


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[ConnectInMemory]:
    quick = {"poll": 0.01, "settle": 0.05, "restart_delay": 0.01}
    monkeypatch.setattr(
        resource, "Timeouts", lambda timeout: Timeouts(timeout=timeout, **quick), raising=True
    )
    connect = ConnectInMemory(states=[RUNNING])
    with serve(FailingConnect(otherwise=connect)) as server:
        connect.url = server.url
        yield connect


@pytest.fixture
def provider() -> dynamic.ResourceProvider:
    return KafkaConnectorProvider()
