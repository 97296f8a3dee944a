"""Replication slots are recovered, and nothing archived is lost by it."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from clients import database
from clients.recover import slot as slot_module
from clients.recover.slot import recover_slots


def log(_message: str) -> None:
    """Discard it."""


@pytest.fixture
def stops(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stops and starts of connectors, in order."""
    order: list[str] = []

    @contextmanager
    def stopped(_client: object, name: str, _log: object, **_: bool) -> Iterator[None]:
        order.append(f"stop {name}")
        yield
        order.append(f"start {name}")

    monkeypatch.setattr(slot_module, "stopped", stopped)
    return order


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
        elif "bool_or" in query:
            self._row = {"active": False}
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
            "transforms": "shiftPosition,rowOfTruncate",
            "transforms.shiftPosition.type": "datapipe.connect.ShiftPosition",
            "transforms.shiftPosition.by": "100000",
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

    monkeypatch.setattr("clients.connect.wait_until", lambda *_, **__: None)
    monkeypatch.setattr(slot_module, "connect_client", lambda _outputs: Connect())
    monkeypatch.setattr(database, "connect", lambda _outputs: Database(slots, stops))
    outputs: Any = SimpleNamespace(source_connectors=("a", "b"))
    recovered = recover_slots(outputs, log)
    assert [each.slot for each in recovered] == recreated
    # A TRUNCATE comes before the rows of each table; the connector is left as it was.
    orders = ["stop a", "put a custom", "reset a", "drop slot_a", "start a", "put a initial"]
    assert stops == (orders if recreated else [])
    assert all("__source_lsn >= 104709" in str(each) for each in recovered)
