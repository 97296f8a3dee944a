"""A source is captured again after a failover, with its archive's current state right."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from clients import database
from clients.recover import source as source_module
from clients.recover.source import Plan, plan, recover_source
from clients.stack import StackError
from kafka_connect.positions import shift_of, shifted
from kafka_connect.snapshot import (
    POSITION,
    all_is_read,
    has_read_again,
    reads_again,
    truncating_first,
)

CONNECTOR = "shop-cdc-connector"
CONFIG = {
    "slot.name": "datapipe_shop",
    "publication.name": "datapipe_shop",
    "captured.server": "7/1",
    "snapshot.mode": "custom",
    "snapshot.custom.class": "datapipe.postgres.ContinuousSnapshotter",
    "transforms": "nullableColumns,rowOfTruncate,unwrap",
    "transforms.rowOfTruncate.type": "datapipe.connect.RowOfTruncate",
    "database.hostname": "old.example.com",
    "database.port": "5432",
}
HIGH_WORD = 2**32
REFUSED = (
    "org.apache.kafka.connect.errors.ConnectException: shop.example.com:5432 is another server"
    " than the one that was captured. Run make recover SOURCE=shop\n\tat datapipe.postgres"
)


class Database:
    """A server with a slot, whose state is its wal_status; None: it has no slot."""

    def __init__(self, *, server: str = "7/1", position: int = 5000, slot: str | None = "reserved"):
        self.server, self.position, self.slot = server, position, slot
        self.publication: str | None = "16400"
        self.active, self.standby = True, False
        self.statements: list[str] = []
        self._row: dict[str, Any] | None = None

    def execute(self, query: str, _parameters: Any = ()) -> "Database":
        if "pg_drop_replication_slot" in query:
            self.statements.append("drop")
            self.slot = None
        elif "pg_is_in_recovery" in query:
            self._row = {"standby": self.standby}
        elif "pg_control_system" in query:
            self._row = {"server": self.server, "position": self.position}
        elif "pg_publication" in query:
            self._row = {"oid": self.publication}
            if self.publication is None:
                self._row = None
        elif "bool_or" in query:
            self._row = {"active": False}
        else:
            self._row = {"wal_status": self.slot, "active": self.active} if self.slot else None
        return self

    def fetchone(self) -> dict[str, Any] | None:
        return self._row


class Connect:
    """A worker with one source connector, which has read the tables when it has started."""

    def __init__(self, server: Database, captured: int | None = 4000, trace: str = "") -> None:
        self.server, self.trace = server, trace
        self.configuration = dict(CONFIG)
        self.captured = captured
        self.calls: list[str] = []

    def config(self, _name: str) -> dict[str, str]:
        return dict(self.configuration)

    def status(self, _name: str) -> dict[str, Any]:
        task = {"id": 0, "state": "FAILED" if self.trace else "RUNNING", "trace": self.trace}
        return {"connector": {"state": "RUNNING"}, "tasks": [task]}

    def offsets(self, _name: str) -> list[dict[str, Any]]:
        return [] if self.captured is None else [{"offset": {"lsn": self.captured}}]

    def reset_offsets(self, _name: str) -> str:
        self.calls.append("reset")
        self.captured = None
        return "reset"

    def put(self, _name: str, config: dict[str, str]) -> None:
        self.calls.append("put marked" if reads_again(config) else "put normal")
        self.configuration = dict(config)

    def start(self) -> None:
        self.calls.append("start")
        self.trace = ""
        if self.captured is None:
            self.captured = self.server.position + 10


@pytest.fixture
def outputs() -> Any:
    return SimpleNamespace(
        source="shop",
        managed=False,
        captured_entries='{"public.users": {"publication": "16400/745"}}',
        source_connectors=(CONNECTOR,),
        database=SimpleNamespace(host="new.example.com", port=6432),
    )


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The programs that were run, the last two words of each."""
    run: list[str] = []

    def fake(command: list[Any], **_: Any) -> Any:
        run.append(" ".join(str(word) for word in command[-4:-2] or command[-1:]))
        return SimpleNamespace(returncode=0, stderr="")

    monkeypatch.setattr("clients.stack.subprocess.run", fake)
    return run


def install(monkeypatch: pytest.MonkeyPatch, server: Database, connect: Connect) -> Any:
    @contextmanager
    def connected(_outputs: object) -> Iterator[Database]:
        yield server

    @contextmanager
    def stopped(_client: object, _name: str, _log: object, **_: bool) -> Iterator[None]:
        connect.calls.append("stop")
        yield
        connect.start()

    monkeypatch.setattr(database, "connect", connected)
    monkeypatch.setattr(source_module, "stopped", stopped)
    monkeypatch.setattr(source_module, "connect_client", lambda _outputs: connect)
    monkeypatch.setattr("clients.connect.wait_until", lambda *_, **__: None)
    return connect


def recover(outputs: Any, connect: Any) -> Plan:
    work = plan(outputs, connect)
    assert work is not None
    recover_source("test", outputs, work, lambda _message: None)
    return work


def test_a_source_that_misses_nothing_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, outputs: Any
) -> None:
    server = Database()
    connect = install(monkeypatch, server, Connect(server))
    assert plan(outputs, connect) is None


@pytest.mark.parametrize("slot", [None, "lost"])
def test_a_slot_that_is_gone_is_made_anew_and_the_server_stays(
    monkeypatch: pytest.MonkeyPatch, outputs: Any, commands: list[str], slot: str | None
) -> None:
    server = Database(slot=slot)
    connect = install(monkeypatch, server, Connect(server))
    work = recover(outputs, connect)
    assert not work.changes_server
    # The mark comes before the reset: whoever goes on after a kill sees that rows must be read.
    assert connect.calls == ["stop", "put marked", "reset", "start", "put normal"]
    assert server.statements == ["drop"]
    assert len(commands) == 1, "the update"
    assert "the changes between 0/FA0 and 0/1388" in str(work)
    address = {"database.hostname": "new.example.com", "database.port": "6432"}
    assert connect.configuration == {**CONFIG, **address}
    assert plan(outputs, connect) is not None, "this database makes no slot by itself"


def test_another_server_with_lower_positions_gets_a_shift(
    monkeypatch: pytest.MonkeyPatch, outputs: Any, commands: list[str]
) -> None:
    server = Database(server="8/1", position=100, slot=None)
    connect = install(monkeypatch, server, Connect(server, captured=4000, trace=REFUSED))
    work = recover(outputs, connect)
    assert work.changes_server
    assert work.shift == HIGH_WORD
    assert connect.configuration["captured.server"] == "8/1"
    assert shift_of(connect.configuration) == HIGH_WORD
    assert connect.configuration["transforms"].startswith("shiftPosition,nullableColumns")
    assert commands[0].startswith("datapipe:sources.shop.recovered.server 8/1")
    assert f"recovered.positionShift {HIGH_WORD}" in commands[1]
    text = str(work)
    assert "its system identifier is 8 instead of 7" in text
    assert "shop.example.com:5432 is another server than the one that was captured" in text

    # And again, to a server with still lower ones: after all that is archived with the shift.
    server.server, server.position, server.slot = "9/1", 50, None
    again = plan(outputs, connect)
    assert again is not None
    assert again.shift == 2 * HIGH_WORD


def test_an_interrupted_recovery_goes_on(
    monkeypatch: pytest.MonkeyPatch, outputs: Any, commands: list[str]
) -> None:
    server = Database(slot="reserved", position=6000)
    connect = install(monkeypatch, server, Connect(server, captured=5500))
    connect.configuration = truncating_first(shifted(CONFIG, HIGH_WORD), 5000)
    recover(outputs, connect)
    assert connect.calls == ["put normal"], "the tables are read already"
    assert shift_of(connect.configuration) == HIGH_WORD
    assert not reads_again(connect.configuration)
    assert commands

    # Killed before the offsets were reset: those that it has are from before.
    connect.configuration = truncating_first(CONFIG, 5000)
    connect.captured, connect.calls = 4000, []
    recover(outputs, connect)
    assert connect.calls == ["stop", "put marked", "reset", "start", "put normal"]


def test_nothing_is_done_without_a_publication_or_on_a_standby(
    monkeypatch: pytest.MonkeyPatch, outputs: Any
) -> None:
    server = Database(slot=None)
    connect = install(monkeypatch, server, Connect(server))
    server.publication = None
    with pytest.raises(StackError, match="run the SQL of make source-sql SOURCE=shop first"):
        plan(outputs, connect)
    server.standby = True
    with pytest.raises(StackError, match="is a standby"):
        plan(outputs, connect)


def test_a_publication_that_was_created_again_is_damage_until_the_slot_is_read(
    monkeypatch: pytest.MonkeyPatch, outputs: Any
) -> None:
    server = Database()
    connect = install(monkeypatch, server, Connect(server))
    server.publication = "20000"
    assert plan(outputs, connect) is None, "the connector has passed it"
    server.active = False
    assert "the publication was created again" in str(plan(outputs, connect))


def test_offsets_from_before_do_not_count_as_read() -> None:
    config = truncating_first(CONFIG, 5000)
    assert int(config[POSITION]) == 4999
    assert not has_read_again(config, [])
    assert not has_read_again(config, [{"offset": {"lsn": 4000}}])
    assert not has_read_again(config, [{"offset": {"lsn": 6000, "snapshot": True}}])
    assert has_read_again(config, [{"offset": {"lsn": 6000}}])


def test_the_offsets_of_tables_do_not_say_that_all_is_read() -> None:
    table = {"partition": {"server": "pg", "table": "public.a"}, "offset": {"lsn": 9000}}
    debezium = {"partition": {"server": "pg"}, "offset": {"lsn": 6000}}
    config = truncating_first(CONFIG, 5000)
    assert not all_is_read([table]), "its rows are read, and those of other tables may not be"
    assert all_is_read([table, debezium])
    assert not has_read_again(config, [table])
    assert has_read_again(config, [table | {"offset": {"lsn": 1}}, debezium])


def test_a_connector_that_reads_its_tables_again_can_begin_again() -> None:
    assert truncating_first(truncating_first(CONFIG, 5000), 6000) == truncating_first(CONFIG, 6000)


def test_a_shift_is_set_replaced_and_removed() -> None:
    once = shifted(CONFIG, 5)
    assert shifted(once, 7) == shifted(CONFIG, 7)
    assert shifted(once, 0) == CONFIG
