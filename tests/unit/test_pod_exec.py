"""A command in a pod whose connection ends without a last frame, as API servers end some."""

from typing import Any

import pytest
from kubernetes import client, stream
from websocket import WebSocketConnectionClosedException

from components.source.pod_exec import PodCommand, PodExecError

COMMAND = PodCommand("data-ingestion", "kafka-connect-1", "kafka-connect", ["date"])
OUTCOME = 3


class Connection:
    """A stream of the exec that is lost after these channels have arrived."""

    def __init__(self, channels: dict[int, str]) -> None:
        self.channels = channels
        self.is_closed = False

    def run_forever(self, timeout: float) -> None:
        raise WebSocketConnectionClosedException(f"lost within {timeout}")

    def is_open(self) -> bool:
        return not self.is_closed

    def close(self) -> None:
        self.is_closed = True

    def read_stdout(self) -> str:
        return self.channels.get(1, "")

    def read_stderr(self) -> str:
        return self.channels.get(2, "")

    def read_channel(self, channel: int) -> str:
        return self.channels.get(channel, "")


def run(monkeypatch: pytest.MonkeyPatch, channels: dict[int, str]) -> str:
    monkeypatch.setattr(stream, "stream", lambda *_, **__: Connection(channels))
    monkeypatch.setattr(PodCommand, "_wait_until_ready", lambda *_: None)
    return COMMAND.run(client.ApiClient(), "", 5)


def test_an_outcome_that_has_arrived_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    channels: dict[int, Any] = {1: "1790000000\n", OUTCOME: '{"status": "Success"}'}
    assert run(monkeypatch, channels) == "1790000000"


def test_without_an_outcome_the_connection_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PodExecError, match="the connection to the pod was lost"):
        run(monkeypatch, {1: "1790"})
