"""What the engine gets of each resource, and what it is spared."""

import logging
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks, resource

from components import registration
from tests.unit.streaming_stack import deploy_stack, sandbox

OTHER_MESSAGE = "cluster.nodeNetwork was not compared with the nodes"

Requests = dict[tuple[str, str], Any]


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> Requests:
    """The requests that register resources, by type and name."""
    received = {}
    answer = mocks.MockMonitor.RegisterResource

    def receive(monitor: mocks.MockMonitor, request: Any) -> Any:
        if request.type != "pulumi:pulumi:Stack":
            received[request.type, request.name] = request
        return answer(monitor, request)  # type: ignore[no-untyped-call]  # Pulumi's mocks are untyped

    monkeypatch.setattr(mocks.MockMonitor, "RegisterResource", receive)
    return received


def leave_extras_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register resources as the program does, until the test ends."""
    for owner, name in (
        (pulumi.log, "debug"),
        (resource, "_get_stack_trace"),
        (resource, "_get_source_position"),
    ):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    registration.register_without_extras()


def test_a_resource_has_the_line_that_declares_it_and_no_stack_trace(
    requests: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy_stack(sandbox())
    whole = dict(requests)
    leave_extras_out(monkeypatch)
    deploy_stack(sandbox())
    assert len(whole) > 50
    for name, before in whole.items():
        assert len(before.stackTrace.frames) > 1, name
        assert len(requests[name].stackTrace.frames) == 0, name
        assert requests[name].sourcePosition == before.sourcePosition, name
    topic = requests["kafka:index/topic:Topic", "postgres.public.users"]
    assert topic.sourcePosition.uri.endswith("/components/streaming/topics.py")


def test_no_debug_message_is_sent_for_each_resource(
    requests: Requests, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    deploy_stack(sandbox())
    assert len(caplog.messages) > 3 * len(requests)
    leave_extras_out(monkeypatch)
    caplog.clear()
    deploy_stack(sandbox())
    pulumi.log.debug(OTHER_MESSAGE)
    assert len(caplog.messages) < len(requests) / 2
    assert OTHER_MESSAGE in caplog.messages
