"""A row that stops the source passes without its largest values, and no other does."""

from collections.abc import Callable

import pytest

from clients.connect import Connector, Task
from clients.recover import row as row_module
from clients.recover.row import INCOMPLETE_ROWS, let_row_pass
from clients.stack import StackError, parse_outputs
from components.streaming.connectors import row_limit
from kafka_connect.status import advice_for
from tests.clients.stack_outputs import OUTPUTS, TWO_SOURCES

ROW, OTHER = "public.docs/451973eae50e0e18", "public.docs/718b2f8ec96494a2"
TRACE = (
    "org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler\n"
    "Caused by: org.apache.kafka.connect.errors.DataException: The row of public.docs with the key"
    ' {"id":10} takes 1280959 bytes as a record, above the limit of 1048576 (kafka.maxRowSize).'
    f" Either raise it, or archive the row without these values: make recover ROW={ROW}\n\tat x.y"
)


ONE, TWO = parse_outputs("sandbox", OUTPUTS), parse_outputs("sandbox", TWO_SOURCES)
STOPPED = (Task(0, "FAILED", TRACE),)
RUNNING = (Task(0, "RUNNING", ""),)
# The connectors of the two databases.
SOURCE, SHOP = "postgres-cdc-connector", "shop-cdc-connector"


class Client:
    """A client of Connect that has one connector's configuration."""

    def __init__(self, listed: str) -> None:
        self.configs = [{"name": SOURCE, INCOMPLETE_ROWS: listed}]
        self.changed: list[str] = []

    def config(self, _name: str) -> dict[str, str]:
        return self.configs[-1]

    def put(self, name: str, config: dict[str, str]) -> None:
        self.changed.append(name)
        self.configs.append(config)


def log(_message: str) -> None:
    """Discard it."""


@pytest.fixture(params=["", OTHER])
def client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Connect with a source connector that ROW has stopped."""
    client = Client(request.param)
    source = Connector(SOURCE, "source", "RUNNING", "", STOPPED)
    sink = Connector("s3-sink-connector", "sink", "RUNNING", "", RUNNING)
    monkeypatch.setattr(row_module, "Cluster", lambda _outputs: None)
    monkeypatch.setattr(row_module, "connectors", lambda _cluster, _connect: [sink, source])
    monkeypatch.setattr(row_module, "connect_client", lambda _outputs: client)
    monkeypatch.setattr("clients.connect.wait_until", lambda *_, **__: None)
    return client


def test_the_row_is_added_to_those_that_pass(client: Client) -> None:
    before = client.configs[0][INCOMPLETE_ROWS]
    answer = let_row_pass(ONE, ROW, "sandbox", log)
    assert client.configs[1:] == [
        {"name": SOURCE, INCOMPLETE_ROWS: ",".join(filter(None, [before, ROW]))}
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
        let_row_pass(ONE, row, "sandbox", log)
    assert len(client.configs) == 1


class TestTwoDatabases:
    """Both have a table of the same name."""

    @pytest.fixture
    def stop(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
        """Let the row stop these connectors."""
        assert client.changed == []

        def stop(*names: str) -> None:
            found = [
                Connector(name, "source", "RUNNING", "", STOPPED if name in names else RUNNING)
                for name in (SOURCE, SHOP)
            ]
            monkeypatch.setattr(row_module, "connectors", lambda _cluster, _connect: found)

        return stop

    @pytest.mark.parametrize(
        ("connector", "entry"), [(SOURCE, "datapipe:source."), (SHOP, "datapipe:sources.shop.")]
    )
    def test_the_one_that_the_row_stops_is_found(
        self, client: Client, stop: Callable[..., None], connector: str, entry: str
    ) -> None:
        stop(connector)
        answer = let_row_pass(TWO, ROW, "sandbox", log)
        assert client.changed == [connector]
        assert f"{entry}incompleteRows: [{ROW}] in Pulumi.sandbox.yaml" in answer

    @pytest.mark.parametrize(("row", "source"), [(f"shop.{ROW}", None), (ROW, "shop")])
    def test_where_it_stops_both_one_must_be_chosen(
        self, client: Client, stop: Callable[..., None], row: str, source: str | None
    ) -> None:
        stop(SOURCE, SHOP)
        with pytest.raises(StackError, match="connectors of postgres and shop; choose one with"):
            let_row_pass(TWO, ROW, "sandbox", log)
        assert client.changed == []
        assert f"[{ROW}]" in let_row_pass(TWO, row, "sandbox", log, source)
        assert client.changed == [SHOP]

    def test_another_than_the_chosen_one_is_left_alone(
        self, client: Client, stop: Callable[..., None]
    ) -> None:
        stop(SOURCE)
        with pytest.raises(StackError, match=r"put the row .* datapipe:sources\.shop\.incomplete"):
            let_row_pass(TWO, ROW, "sandbox", log, "shop")
        with pytest.raises(StackError, match="no database 'store'"):
            let_row_pass(TWO, f"store.{ROW}", "sandbox", log)
        assert client.changed == []


def test_the_command_changes_the_property_of_the_connector() -> None:
    assert INCOMPLETE_ROWS == row_limit.INCOMPLETE_ROWS


def test_status_says_what_to_do_about_the_row() -> None:
    assert advice_for(TRACE).endswith(f"make recover ROW={ROW}")
    assert "kafka.maxRowSize" in advice_for("x.RecordTooLargeException: The message is 1280513")
