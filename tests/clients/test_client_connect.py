"""Connectors are read from Connect's answers."""

from typing import Any

import pytest

from clients.connect import read_connector


def connector(state: str, *tasks: str) -> Any:
    """Return a sink's status as Connect's REST API answers it."""
    return {
        "name": "s3-sink-connector",
        "type": "sink",
        "connector": {"state": state, "worker_id": "10.231.0.9:8083"},
        "tasks": [
            {"id": number, "state": task, "worker_id": "10.231.0.9:8083"}
            for number, task in enumerate(tasks)
        ],
    }


@pytest.mark.parametrize(
    ("state", "tasks", "runs"),
    [
        ("RUNNING", ["RUNNING", "RUNNING"], True),
        ("RUNNING", ["RUNNING", "FAILED"], False),
        ("RUNNING", ["PAUSED"], False),
        ("RUNNING", [], False),
        ("FAILED", ["RUNNING"], False),
    ],
)
def test_a_connector_runs_when_each_of_its_tasks_runs(
    state: str, tasks: list[str], runs: bool
) -> None:
    assert read_connector(connector(state, *tasks)).runs is runs


def test_a_sinks_group_is_named_after_it() -> None:
    assert read_connector(connector("RUNNING")).consumer_group == "connect-s3-sink-connector"
