"""Tables that are added to a running source: a connector of its own reads the rows they had."""

import json
from dataclasses import replace
from typing import Any

import pytest
import requests
from pulumi import dynamic

from components.source.pod_exec import PodExecError
from components.streaming.connectors.added_tables import (
    TablesToRead,
    reader_config,
    reader_name,
)
from components.streaming.connectors.debezium import DEBEZIUM_POSTGRES
from components.streaming.connectors.missed_tables import to_read
from components.streaming.connectors.open_transactions import open_transactions
from components.streaming.connectors.slot import DatabasePod
from kafka_connect.client import ConnectClient
from kafka_connect.startup import ConnectorFailedError, NotInTimeError, Timeouts, wait_until
from tests.kafka_connect.connect_in_memory import ConnectInMemory, inputs

Provider = dynamic.ResourceProvider
READER = "c-added-tables"
READING = [{"partition": {"server": "pg"}, "offset": {"lsn": 1, "snapshot": True}}]
READ = [{"partition": {"server": "pg"}, "offset": {"lsn": 1}}]


def source(connect: ConnectInMemory, *tables: str, **changes: Any) -> dict[str, Any]:
    """Return the inputs of a Debezium connector that captures these tables."""
    config = {
        "connector.class": DEBEZIUM_POSTGRES,
        "table.include.list": ",".join(tables),
        "slot.name": "s1",
        "snapshot.mode": "initial",
        "heartbeat.interval.ms": "30000",
    }
    return inputs(connect, config=config, snapshot_timeout_seconds=10.0, **changes)


@pytest.fixture
def running(connect: ConnectInMemory) -> ConnectInMemory:
    """A Connect whose connectors obey, with a source c that captures public.a."""
    connect.states = []
    connect.configs["c"] = source(connect, "public.a")["config"]
    connect.positions[READER] = [[], READING, READ]
    return connect


def update(connect: ConnectInMemory, provider: Provider, *tables: str, **olds: Any) -> Any:
    old = source(connect, "public.a") | {"rows_read": ["public.a"]} | olds
    return provider.update("c", old, source(connect, *tables)).outs


def test_the_rows_are_read_by_a_connector_that_goes_when_all_are_there(
    running: ConnectInMemory, provider: Provider, capsys: Any
) -> None:
    outs = update(running, provider, "public.a", "public.b", "public.c")
    assert outs["rows_read"] == ["public.a", "public.b", "public.c"]
    assert list(running.configs) == ["c"]
    assert running.history[READER] == [
        *("create STOPPED", "reset", "config", "resume"),
        *("stop", "config", "reset", "delete"),
    ]
    assert f"{READER}: reads the rows that public.b, public.c had" in capsys.readouterr().err


def test_the_old_task_is_gone_before_the_rows_are_read(
    running: ConnectInMemory, provider: Provider
) -> None:
    update(running, provider, "public.a", "public.b")
    assert running.history["c"] == ["stop", "config", "config", "resume"]
    told = running.told
    assert told.index("resume") < told.index("create STOPPED")


def test_the_reader_writes_rows_only_from_a_slot_of_its_own() -> None:
    config = {"slot.name": "s" * 63, "publication.name": "p", "heartbeat.interval.ms": "0"}
    reader = reader_config(config, TablesToRead(("public.b",)))
    assert reader["table.include.list"] == "public.b"
    assert reader["slot.name"] == "s" * 57 + "_added"
    assert reader["slot.drop.on.stop"] == "true"
    assert reader["skipped.operations"] == "c,u,d,t"
    assert reader["publication.name"] == "p"
    assert reader["heartbeat.interval.ms"] == "30000", "the last one shows that all is read"


@pytest.mark.parametrize("tables", [("public.a",), ("public.b",)])
def test_without_an_added_table_nothing_is_read(
    running: ConnectInMemory, provider: Provider, tables: tuple[str, ...]
) -> None:
    old = {"rows_read": ["public.a", "public.b"]}
    assert update(running, provider, *tables, **old)["rows_read"] == list(tables)
    assert READER not in running.history


def test_a_source_of_which_nothing_was_read_yet_reads_all(
    running: ConnectInMemory, provider: Provider
) -> None:
    assert update(running, provider, "public.a", rows_read=[])["rows_read"] == ["public.a"]
    assert READER in running.history


def test_a_resource_from_before_this_was_remembered_has_read_its_tables(
    running: ConnectInMemory, provider: Provider
) -> None:
    old = source(running, "public.a")
    assert provider.diff("c", old, source(running, "public.a")).changes is False
    provider.update("c", old, source(running, "public.a"))
    assert READER not in running.history


def test_a_table_that_was_taken_off_is_read_again_when_it_is_added_again(
    running: ConnectInMemory, provider: Provider
) -> None:
    off = update(running, provider, "public.a", rows_read=["public.a", "public.b"])
    assert off["rows_read"] == ["public.a"]
    update(running, provider, "public.a", "public.b", **off)
    assert READER in running.history


def test_a_new_connector_reads_its_tables_itself(
    connect: ConnectInMemory, provider: Provider
) -> None:
    """So does each connector of its own that a table has with source.isolation: per-table."""
    connect.states = []
    created = provider.create(source(connect, "public.a", "public.b"))
    assert created.outs is not None
    assert created.outs["rows_read"] == ["public.a", "public.b"]
    assert list(connect.history) == ["c"]


def test_a_connector_that_is_taken_over_gets_the_rows_of_what_it_did_not_capture(
    running: ConnectInMemory, provider: Provider
) -> None:
    provider.create(source(running, "public.a", "public.b"))
    assert READER in running.history


def test_a_stopped_connector_waits_until_it_runs_again(
    running: ConnectInMemory, provider: Provider
) -> None:
    stopped = source(running, "public.a", "public.b", state="STOPPED")
    updated = provider.update("c", source(running, "public.a"), stopped)
    assert updated.outs is not None
    assert updated.outs["rows_read"] == ["public.a"]
    assert READER not in running.history
    assert provider.diff("c", updated.outs, stopped).changes is False
    runs = source(running, "public.a", "public.b")
    assert provider.update("c", updated.outs, runs).outs is not None
    assert READER in running.history


def test_refresh_after_a_killed_update_does_not_forget_what_was_not_read(
    running: ConnectInMemory, provider: Provider
) -> None:
    wanted = source(running, "public.a", "public.b")
    running.configs["c"] = wanted["config"]
    read = provider.read("c", source(running, "public.a") | {"rows_read": ["public.a"]})
    assert read.outs is not None
    assert read.outs["config"] == wanted["config"]
    assert provider.diff("c", read.outs, wanted).changes is True


def test_what_a_killed_update_began_goes_on_and_is_not_read_twice(
    running: ConnectInMemory, provider: Provider
) -> None:
    wanted = source(running, "public.a", "public.b")["config"]
    running.configs[READER] = reader_config(wanted, TablesToRead(("public.b",)))
    update(running, provider, "public.a", "public.b")
    assert running.history[READER][:2] == ["config", "resume"]


def test_what_a_killed_update_began_for_other_tables_begins_anew(
    running: ConnectInMemory, provider: Provider
) -> None:
    wanted = source(running, "public.a", "public.b", "public.c")["config"]
    running.configs[READER] = reader_config(wanted, TablesToRead(("public.b",)))
    update(running, provider, "public.a", "public.b", "public.c")
    assert running.history[READER][:5] == ["stop", "config", "reset", "config", "resume"]


def test_offsets_of_an_earlier_reading_do_not_count_after_a_kill(
    running: ConnectInMemory, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the reader's configuration and the reset: the next update resets them."""
    running.positions[READER] = [READ]  # of a reader that had this name
    with monkeypatch.context() as killing, pytest.raises(KeyboardInterrupt):
        killing.setattr(ConnectClient, "reset_offsets", kill)
        update(running, provider, "public.a", "public.b")
    running.history.clear()
    running.positions[READER] = [[], READING, READ]
    update(running, provider, "public.a", "public.b")
    assert running.history[READER][:5] == ["stop", "config", "reset", "config", "resume"]


def test_the_reader_of_a_killed_update_goes_when_its_tables_are_not_wanted(
    running: ConnectInMemory, provider: Provider
) -> None:
    """If they are added again later, what has changed in between must be read."""
    wanted = source(running, "public.a", "public.b")["config"]
    running.configs[READER] = reader_config(wanted, TablesToRead(("public.b",)))
    update(running, provider, "public.a")
    assert list(running.configs) == ["c"]


def kill(*_: object) -> str:
    raise KeyboardInterrupt


@pytest.mark.parametrize("step", ["put", "resume", "reset_offsets"])
def test_a_takeover_that_is_killed_reads_what_was_not_captured_before(
    running: ConnectInMemory, provider: Provider, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The connector's list has the new table by then, and the stack's state has nothing."""
    with monkeypatch.context() as killing, pytest.raises(KeyboardInterrupt):
        killing.setattr(ConnectClient, step, kill)
        provider.create(source(running, "public.a", "public.b"))
    running.history.clear()
    created = provider.create(source(running, "public.a", "public.b")).outs
    assert created is not None
    assert created["rows_read"] == ["public.a", "public.b"]
    assert {"reset", "resume", "delete"} <= set(running.history[READER])
    assert list(running.configs) == ["c"]


def test_a_reader_that_takes_longer_goes_on_and_the_next_up_waits_for_it(
    running: ConnectInMemory, provider: Provider
) -> None:
    running.positions[READER] = [READING]
    wanted = source(running, "public.a", "public.b") | {"snapshot_timeout_seconds": 0.5}
    with pytest.raises(NotInTimeError, match="The reader continues; run up again"):
        provider.update("c", source(running, "public.a") | {"rows_read": ["public.a"]}, wanted)
    assert running.targets[READER] == "RUNNING"


def test_a_reader_that_fails_is_explained_and_leaves_nothing(
    running: ConnectInMemory, provider: Provider
) -> None:
    running.failing[READER] = "Caused by: PSQLException: permission denied for table b"
    with pytest.raises(ConnectorFailedError, match=r"(?s)permission denied.*lacks a grant"):
        update(running, provider, "public.a", "public.b")
    assert list(running.configs) == ["c"]


def test_preview_says_that_rows_will_be_read(
    running: ConnectInMemory, provider: Provider, capsys: Any
) -> None:
    running.plugins = (DEBEZIUM_POSTGRES,)
    provider.check(source(running, "public.a"), source(running, "public.a", "public.b"))
    assert "c: newly captures public.b; up reads the rows" in capsys.readouterr().err


def test_a_deleted_source_takes_the_reader_of_a_killed_update_with_it(
    running: ConnectInMemory, provider: Provider
) -> None:
    running.configs[reader_name("c")] = {}
    provider.delete("c", source(running, "public.a"))
    assert running.configs == {}


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The scripts that were run in the database."""
    scripts: list[str] = []
    monkeypatch.setattr(DatabasePod, "run", lambda _, script: scripts.append(script))
    return scripts


def captured(*missed: str, applied: str = "now") -> dict[str, Any]:
    """Return what the database's schema says of public.a and public.b."""
    entries = {"public.a": {"table": 1}, "public.b": {"table": 2}, "public.other": {"table": 3}}
    return {
        "applied": applied,
        "entries": json.dumps(entries),
        "missed": list(missed),
        "wal_position": "100",
    }


def in_database(connect: ConnectInMemory, **changes: Any) -> dict[str, Any]:
    props = source(connect, "public.a", "public.b", **changes)
    database = {"database.dbname": "d", "database.port": "5432", "publication.name": "p"}
    props["config"] |= database
    props["access"] |= {"namespace": "n"}
    return props


def test_a_table_of_which_something_was_missed_is_read_again_and_recorded(
    running: ConnectInMemory, provider: Provider, recorded: list[str]
) -> None:
    old = in_database(running, captured=captured(applied="before"))
    old["rows_read"] = ["public.a", "public.b"]
    new = in_database(running, captured=captured("public.b", "public.other"))
    assert provider.diff("c", old, new).changes is True
    outs = provider.update("c", old, new).outs
    assert outs is not None
    assert running.history[READER][0] == "create STOPPED"
    assert outs["rows_read"] == ["public.a", "public.b"]
    (script,) = recorded
    assert '"public.b": {"table": 2}' in script
    assert "public.other" not in script, "another connector's table"
    assert provider.diff("c", outs, new).changes is False


def test_a_table_that_can_not_be_read_now_is_not_recorded_as_read(
    running: ConnectInMemory, provider: Provider, recorded: list[str]
) -> None:
    old = in_database(running, captured=captured(applied="before"))
    old["rows_read"] = ["public.a", "public.b"]
    stopped = in_database(running, captured=captured("public.b"), state="STOPPED")
    outs = provider.update("c", old, stopped).outs
    assert outs is not None
    assert outs["rows_read"] == ["public.a"]
    (script,) = recorded
    assert "public.a" in script
    assert "public.b" not in script
    assert READER not in running.history


@pytest.mark.parametrize("transform", ["RowOfTruncate", "FlattenChanges"])
def test_the_reader_begins_the_tables_anew_and_does_not_watch_them(transform: str) -> None:
    config = {
        **{"slot.name": "s", "snapshot.mode": "initial", "transforms": "ours,unwrap"},
        "transforms.ours.type": f"datapipe.connect.{transform}",
        "notification.enabled.channels": "captured-tables",
        "captured.tables.query": "/file",
    }
    reader = reader_config(config, TablesToRead(("public.b",), wal_position=100))
    assert reader["transforms.truncateFirst.position"] == "99"
    assert reader["transforms"] == "truncateFirst,ours,unwrap"
    assert reader["snapshot.custom.class"] == "datapipe.postgres.MarkedSnapshotter"
    assert not {"notification.enabled.channels", "captured.tables.query"} & reader.keys()
    unknown = reader_config(config, TablesToRead(("public.b",)))
    assert unknown["snapshot.mode"] == "initial", "no position in the database's WAL"
    without = {"slot.name": "s", "snapshot.mode": "initial"}
    plain = reader_config(without, TablesToRead(("public.b",), wal_position=100))
    assert plain["snapshot.mode"] == "initial", "the worker may not have our transforms"


def test_a_reader_that_was_begun_keeps_its_position_and_one_of_earlier_tables_begins_again(
    running: ConnectInMemory, provider: Provider, recorded: list[str]
) -> None:
    old = in_database(running, captured=captured(applied="before"))
    old["rows_read"] = ["public.a", "public.b"]
    new = in_database(running, captured=captured("public.b"))
    tables = to_read(new, ["public.b"])
    truncates = {"transforms": "t", "transforms.t.type": "datapipe.connect.RowOfTruncate"}
    new["config"] |= truncates
    begun = reader_config(new["config"], replace(tables, wal_position=50))
    running.configs[READER] = begun
    provider.update("c", old, new)
    assert running.history[READER][:2] == ["config", "resume"], "its offsets are kept"

    running.history.clear()
    running.positions[READER] = [[], READING, READ]
    running.configs[READER] = begun | {"captured.tables.entries": "{}"}
    provider.update("c", old, new)
    assert "reset" in running.history[READER][:3], "another table had the name then"


def test_what_a_connector_waits_for_is_in_the_progress_and_in_the_error(
    running: ConnectInMemory,
) -> None:
    running.states = [{"name": "c", "connector": {"state": "RUNNING"}, "tasks": []}]
    told: list[str] = []
    answers = iter(["", *["the transaction of pid 7"] * 1000])
    timeouts = Timeouts(timeout=0.3, poll=0.01, report=0.05)
    client = ConnectClient(requests.Session(), running.url)
    with pytest.raises(NotInTimeError, match="it waits for the transaction of pid 7"):
        wait_until(
            client, "c", "RUNNING", timeouts, told.append, explain_wait=lambda _: next(answers)
        )
    assert len([line for line in told if "pid 7" in line]) >= 1
    assert len(told) < 10, "a line for each change, not for each look"


def test_a_connector_without_a_slot_asks_no_database() -> None:
    access = {"namespace": "n"}
    assert open_transactions({"access": access, "config": {"connector.class": "sink"}}) == ""
    assert open_transactions({"access": {"url": "http://x"}, "config": {"slot.name": "s"}}) == ""


def test_a_database_that_cannot_be_asked_ends_no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> str:
        raise PodExecError("the pod is away")

    monkeypatch.setattr(DatabasePod, "run", refuse)
    config = {"slot.name": "s", "database.port": "5432"}
    said = open_transactions({"access": {"namespace": "n"}, "config": config})
    assert said == "an unknown reason, as the database can't be asked: the pod is away"
