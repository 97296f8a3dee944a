"""A row that stops the source passes without its largest values, and no other does."""

from types import SimpleNamespace
from typing import Any

import pytest

from clients.connect import Connector, Task
from clients.recover import row as row_module
from clients.recover.row import INCOMPLETE_ROWS, let_row_pass
from clients.stack import StackError
from components.streaming.connectors import row_limit
from kafka_connect.status import advice_for

ROW, OTHER = "public.docs/451973eae50e0e18", "public.docs/718b2f8ec96494a2"
TRACE = (
    "org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler\n"
    "Caused by: org.apache.kafka.connect.errors.DataException: The row of public.docs with the key"
    ' {"id":10} takes 1280959 bytes as a record, above the limit of 1048576 (kafka.maxRowSize).'
    f" Either raise it, or archive the row without these values: make recover ROW={ROW}\n\tat x.y"
)


class Client:
    """A client of Connect that has one connector's configuration."""

    def __init__(self, listed: str) -> None:
        self.configs = [{"name": "source", INCOMPLETE_ROWS: listed}]

    def config(self, _name: str) -> dict[str, str]:
        return self.configs[-1]

    def put(self, _name: str, config: dict[str, str]) -> None:
        self.configs.append(config)


def log(_message: str) -> None:
    """Discard it."""


@pytest.fixture(params=["", OTHER])
def client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Connect with a source connector that ROW has stopped."""
    client = Client(request.param)
    source = Connector("source", "source", "RUNNING", "", (Task(0, "FAILED", TRACE),))
    sink = Connector("sink", "sink", "RUNNING", "", (Task(0, "RUNNING", ""),))
    monkeypatch.setattr(row_module, "Cluster", lambda _outputs: None)
    monkeypatch.setattr(row_module, "connectors", lambda _cluster, _connect: [sink, source])
    monkeypatch.setattr(row_module, "connect_client", lambda _outputs: client)
    monkeypatch.setattr(row_module, "wait_until", lambda *_arguments: None)
    return client


OUTPUTS: Any = SimpleNamespace(connect=None)


def test_the_row_is_added_to_those_that_pass(client: Client) -> None:
    before = client.configs[0][INCOMPLETE_ROWS]
    answer = let_row_pass(OUTPUTS, ROW, "sandbox", log)
    assert client.configs[1:] == [
        {"name": "source", INCOMPLETE_ROWS: ",".join(filter(None, [before, ROW]))}
    ]
    assert f"datapipe:source.incompleteRows: [{ROW}] in Pulumi.sandbox.yaml" in answer


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (OTHER, "no source connector has failed because of the row"),
        ("public.docs", "is not a valid row"),
        (ROW.upper(), "is not a valid row"),
    ],
)
def test_a_row_that_stops_nothing_is_refused(client: Client, row: str, problem: str) -> None:
    with pytest.raises(StackError, match=problem):
        let_row_pass(OUTPUTS, row, "sandbox", log)
    assert len(client.configs) == 1


def test_the_command_changes_the_property_of_the_connector() -> None:
    assert INCOMPLETE_ROWS == row_limit.INCOMPLETE_ROWS


def test_status_says_what_to_do_about_the_row() -> None:
    assert advice_for(TRACE).endswith(f"make recover ROW={ROW}")
    assert "kafka.maxRowSize" in advice_for("x.RecordTooLargeException: The message is 1280513")
