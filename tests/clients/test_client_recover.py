"""Slots and columns are recovered, and nothing archived is lost by it."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import boto3
import pyarrow as pa
import pytest
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.types import StringType

from clients import database
from clients.recover import column as column_module
from clients.recover import slot as slot_module
from clients.recover.column import Column, replace_with_text, undo
from clients.recover.slot import recover_slots
from clients.stack import ArchiveOutput, StackError

BUCKET, DATABASE = "datapipe-recover-test", "cdc"
USERS = Column("public.users", "created_at")


def log(_message: str) -> None:
    """Discard it."""


@pytest.fixture
def stops(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stops and starts of connectors, in order."""
    order: list[str] = []

    @contextmanager
    def stopped(_client: object, name: str, _log: object) -> Iterator[None]:
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
    """A Glue catalog with a table of one user."""
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
    """The part of a stack's outputs that the archive needs."""
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
    table = catalog.load_table((DATABASE, "users")).scan().to_arrow().sort_by("id")
    return list(table.to_pylist())


def test_a_replaced_column_keeps_its_values_next_to_the_new_ones(
    catalog: Catalog, outputs: Any, stops: list[str]
) -> None:
    replace_with_text(outputs, USERS, log)
    second = pa.table({"id": [2], "created_at": ["yesterday"]})
    catalog.load_table((DATABASE, "users")).append(second)
    assert rows(catalog) == [
        {"id": 1, "created_at__previous_type": 946_684_799_123_457, "created_at": None},
        {"id": 2, "created_at__previous_type": None, "created_at": "yesterday"},
    ]
    assert stops == ["stop sink", "start sink"]


def replace_as_earlier_versions_did(catalog: Catalog) -> None:
    table = catalog.load_table((DATABASE, "users"))
    table.update_schema().rename_column("created_at", "created_at__before").commit()
    table.update_schema().add_column("created_at", StringType()).commit()


def test_a_column_is_replaced_once(catalog: Catalog, outputs: Any, stops: list[str]) -> None:
    replace_with_text(outputs, USERS, log)
    with pytest.raises(StackError, match=r"replaced before.*created_at__previous_type"):
        replace_with_text(outputs, USERS, log)


def test_a_column_that_an_earlier_version_replaced_is_recognised(
    catalog: Catalog, outputs: Any, stops: list[str]
) -> None:
    replace_as_earlier_versions_did(catalog)
    with pytest.raises(StackError, match=r"replaced before.*created_at__before"):
        replace_with_text(outputs, USERS, log)
    undo(outputs, USERS, log)
    assert rows(catalog) == [{"id": 1, "created_at": 946_684_799_123_457}]


def test_a_replaced_column_can_be_restored(
    catalog: Catalog, outputs: Any, stops: list[str]
) -> None:
    undo(outputs, USERS, log)
    assert stops == [], "a column that was not replaced stops nothing"
    replace_with_text(outputs, USERS, log)
    undo(outputs, USERS, log)
    assert rows(catalog) == [{"id": 1, "created_at": 946_684_799_123_457}]
    assert stops == ["stop sink", "start sink"] * 2


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (Column("public.users", "nonsense"), "has no column nonsense"),
        (Column("public.nobody", "id"), "has no table public.nobody"),
    ],
)
def test_an_unknown_column_stops_nothing(
    catalog: Catalog, outputs: Any, stops: list[str], column: Column, message: str
) -> None:
    with pytest.raises(StackError, match=message):
        replace_with_text(outputs, column, log)
    assert stops == []


@pytest.mark.parametrize("text", ["users", "public.users", "public.users.", ".users.id"])
def test_a_column_is_named_in_full(text: str) -> None:
    with pytest.raises(StackError, match=r"schema\.table\.column"):
        Column.parse(text)
    assert Column.parse("public.users.id") == Column("public.users", "id")


class Database:
    """A PostgreSQL that has these slots, with their wal_status by name."""

    def __init__(self, slots: dict[str, str], stops: list[str]) -> None:
        self.slots, self._stops = slots, stops
        self._row: dict[str, Any] | None = None

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
        else:
            self._row = {"position": 4711}
        return self

    def fetchone(self) -> dict[str, Any] | None:
        return self._row


@pytest.mark.parametrize(
    ("slots", "recreated"),
    [
        ({"slot_a": "reserved", "slot_b": "extended"}, []),
        ({"slot_a": "lost", "slot_b": "reserved"}, ["slot_a"]),
        ({"slot_b": "unreserved"}, ["slot_a"]),
    ],
)
def test_only_lost_and_missing_slots_are_recreated(
    monkeypatch: pytest.MonkeyPatch, stops: list[str], slots: dict[str, str], recreated: list[str]
) -> None:
    configurations: dict[str, dict[str, str]] = {
        "a": {
            "slot.name": "slot_a",
            "snapshot.mode": "initial",
            "transforms": "rowOfTruncate",
            "transforms.rowOfTruncate.type": "datapipe.connect.RowOfTruncate",
        },
        "b": {"slot.name": "slot_b"},
        "sink": {},
    }

    class Connect:
        def config(self, name: str) -> dict[str, str]:
            return configurations[name]

        def reset_offsets(self, name: str) -> str:
            stops.append(f"reset {name}")
            return "done"

        def put(self, name: str, config: dict[str, str]) -> None:
            stops.append(f"put {name} {config['snapshot.mode']}")

        def offsets(self, _name: str) -> list[dict[str, Any]]:
            return [{"partition": {}, "offset": {"lsn": 1}}]

    monkeypatch.setattr(slot_module, "connect_client", lambda _outputs: Connect())
    monkeypatch.setattr(database, "connect", lambda _outputs: Database(slots, stops))
    outputs: Any = SimpleNamespace(connectors=("a", "b", "sink"))
    recovered = recover_slots(outputs, log)
    assert [each.slot for each in recovered] == recreated
    # A TRUNCATE comes before the rows of each table; the connector is left as it was.
    orders = ["stop a", "drop slot_a", "reset a", "put a custom", "start a", "put a initial"]
    assert stops == (orders if recreated else [])
    assert all("__source_lsn >= 4709" in str(each) for each in recovered)
