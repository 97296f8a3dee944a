"""What Connect says of its connectors."""

from typing import Any

import pytest

from clients.connect import first_cause, read_connector

TRACE = """org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler
\tat org.apache.kafka.connect.runtime.errors.RetryWithToleranceOperator.execAndHandleError
Caused by: org.apache.kafka.connect.errors.DataException: Failed to deserialize
\tat org.apache.kafka.connect.json.JsonConverter.toConnectData
Caused by: com.fasterxml.jackson.core.JsonParseException: Unrecognized token 'poison'
\t... 13 more
"""


def connector(state: str, *tasks: str) -> Any:
    """A sink's status as Connect's REST API gives it."""
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
def test_a_connector_runs_when_all_of_it_runs(state: str, tasks: list[str], runs: bool) -> None:
    assert read_connector(connector(state, *tasks)).runs is runs


def test_the_first_cause_is_the_innermost() -> None:
    assert first_cause(TRACE).endswith("JsonParseException: Unrecognized token 'poison'")


def test_a_trace_without_causes_is_its_first_line() -> None:
    assert first_cause("java.lang.OutOfMemoryError: Java heap space\n\tat x") == (
        "java.lang.OutOfMemoryError: Java heap space"
    )


def test_a_sinks_group_is_named_after_it() -> None:
    assert read_connector(connector("RUNNING")).consumer_group == "connect-s3-sink-connector"
