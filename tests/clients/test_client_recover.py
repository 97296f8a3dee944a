"""What can't recover by itself is put right, and nothing archived is lost with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import boto3
import pyarrow as pa
import pytest
from pyiceberg.catalog import Catalog, load_catalog

from clients.recover import column as column_module
from clients.recover import slot as slot_module
from clients.recover.column import Column, bring_back, set_aside
from clients.recover.slot import recover_slots
from clients.stack import ArchiveOutput, StackError

BUCKET, DATABASE = "datapipe-recover-test", "cdc"
USERS = Column("public.users", "created_at")


def say(_message: str) -> None:
    """Keep quiet."""


@pytest.fixture
def stops(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The connectors that were stopped and started again, in that order."""
    order: list[str] = []

    @contextmanager
    def stopped(_client: object, name: str, _say: object) -> Iterator[None]:
        order.append(f"stop {name}")
        yield
        order.append(f"start {name}")

    for module in (column_module, slot_module):
        monkeypatch.setattr(module, "stopped", stopped)
    monkeypatch.setattr(column_module, "connect_client", lambda _outputs: None)
    monkeypatch.setattr(column_module, "sink_connector", lambda _outputs: "sink")
    return order


@pytest.fixture
def catalog(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """A Glue catalog with a table of users, of whom one is in it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket=BUCKET)
    where = {"glue.endpoint": endpoint, "s3.endpoint": endpoint}
    regions = {"glue.region": "us-east-1", "s3.region": "us-east-1"}
    catalog = load_catalog("glue", type="glue", **where, **regions)
    catalog.create_namespace_if_not_exists(DATABASE)
    if catalog.table_exists((DATABASE, "users")):
        catalog.drop_table((DATABASE, "users"))
    first = pa.table({"id": [1], "created_at": [946_684_799_123_457]})
    table = catalog.create_table(
        (DATABASE, "users"), first.schema, location=f"s3://{BUCKET}/topics/users"
    )
    table.append(first)
    return catalog


@pytest.fixture
def outputs(endpoint: str) -> Any:
    """As much of a stack's outputs as the archive needs."""
    archive = ArchiveOutput(
        bucket=BUCKET,
        prefix="topics",
        sink="iceberg",
        tables={"public.users": f"{DATABASE}.users"},
        catalog_database=DATABASE,
        region="us-east-1",
        endpoint=endpoint,
    )
    return SimpleNamespace(archive=archive)


def rows(catalog: Catalog) -> list[dict[str, Any]]:
    return catalog.load_table((DATABASE, "users")).scan().to_arrow().sort_by("id").to_pylist()


def test_a_column_set_aside_keeps_its_values_beside_the_new_ones(
    catalog: Catalog, outputs: Any, stops: list[str]
) -> None:
    set_aside(outputs, USERS, say)
    second = pa.table({"id": [2], "created_at": ["once upon a time"]})
    catalog.load_table((DATABASE, "users")).append(second)
    assert rows(catalog) == [
        {"id": 1, "created_at__before": 946_684_799_123_457, "created_at": None},
        {"id": 2, "created_at__before": None, "created_at": "once upon a time"},
    ]
    assert stops == ["stop sink", "start sink"]


def test_a_column_is_set_aside_once(catalog: Catalog, outputs: Any, stops: list[str]) -> None:
    set_aside(outputs, USERS, say)
    with pytest.raises(StackError, match="created_at__before already"):
        set_aside(outputs, USERS, say)


def test_a_column_comes_back(catalog: Catalog, outputs: Any, stops: list[str]) -> None:
    bring_back(outputs, USERS, say)
    set_aside(outputs, USERS, say)
    bring_back(outputs, USERS, say)
    assert rows(catalog) == [{"id": 1, "created_at": 946_684_799_123_457}]
    assert len(stops) == 4, "a column that was not set aside stops nothing"


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (Column("public.users", "nonsense"), "has no column nonsense"),
        (Column("public.nobody", "id"), "no table of public.nobody"),
    ],
)
def test_what_is_not_there_is_told(
    catalog: Catalog, outputs: Any, stops: list[str], column: Column, message: str
) -> None:
    with pytest.raises(StackError, match=message):
        set_aside(outputs, column, say)
    assert stops == []


@pytest.mark.parametrize("text", ["users", "public.users", "public.users.", ".users.id"])
def test_a_column_is_named_in_full(text: str) -> None:
    with pytest.raises(StackError, match=r"schema\.table\.column"):
        Column.parse(text)
    assert Column.parse("public.users.id") == Column("public.users", "id")


class Database:
    """Slots by name, as PostgreSQL tells of them."""

    def __init__(self, slots: dict[str, str], stops: list[str]) -> None:
        self.slots, self._stops = slots, stops

    def __enter__(self) -> "Database":
        return self

    def __exit__(self, *_: object) -> None: ...

    def execute(self, query: str, parameters: Any = ()) -> "Database":
        if "pg_drop_replication_slot" in query:
            self._stops.append(f"drop {parameters[0]}")
            self.slots[parameters[0]] = "new"
        elif "wal_status" in query:
            status = self.slots.get(parameters[0])
            self._row = {"wal_status": status} if status else None
        elif "active" in query:
            self._row = {"active": True}
        else:
            self._row = {"position": 4711}
        return self

    def fetchone(self) -> dict[str, Any] | None:
        return self._row


@pytest.mark.parametrize(
    ("slots", "remade"),
    [
        ({"slot_a": "reserved", "slot_b": "extended"}, []),
        ({"slot_a": "lost", "slot_b": "reserved"}, ["slot_a"]),
        ({"slot_b": "unreserved"}, ["slot_a"]),
    ],
)
def test_only_slots_that_are_lost_or_gone_are_made_anew(
    monkeypatch: pytest.MonkeyPatch, stops: list[str], slots: dict[str, str], remade: list[str]
) -> None:
    configurations = {"a": {"slot.name": "slot_a"}, "b": {"slot.name": "slot_b"}, "sink": {}}

    class Connect:
        def config(self, name: str) -> dict[str, str]:
            return configurations[name]

        def reset_offsets(self, name: str) -> str:
            stops.append(f"reset {name}")
            return "done"

    monkeypatch.setattr(slot_module, "connect_client", lambda _outputs: Connect())
    monkeypatch.setattr(slot_module.database, "connect", lambda _outputs: Database(slots, stops))
    outputs: Any = SimpleNamespace(connectors=("a", "b", "sink"))
    recovered = recover_slots(outputs, say)
    assert [each.slot for each in recovered] == remade
    assert stops == (["stop a", "drop slot_a", "reset a", "start a"] if remade else [])
    assert all("__source_lsn >= 4711" in str(each) for each in recovered)
