"""State, offsets, the slot and taking over: what a connector's resource does beyond its config."""

import subprocess
from typing import Any

import pytest
import requests
from pulumi import dynamic

from components.streaming.connectors import slot
from components.streaming.connectors.__main__ import main
from components.streaming.connectors.converters import JsonConverter
from components.streaming.connectors.debezium import DebeziumPostgresConnector
from components.streaming.connectors.resource import require_way_to_slot
from kafka_connect.access import DirectUrl, ServiceProxy, WorkerAccess
from kafka_connect.client import ConnectClient, RetryPolicy
from kafka_connect.startup import NotInTimeError
from tests.kafka_connect.connect_in_memory import RUNNING, ConnectInMemory, inputs, state
from tests.kafka_connect.failing_connect import (
    Answer,
    FailingConnect,
    Request,
    connect_error,
    serve,
)

Provider = dynamic.ResourceProvider

HELD = [
    ("PAUSED", "pause", state("PAUSED", "PAUSED", "PAUSED")),
    ("STOPPED", "stop", state("STOPPED")),
]
SOURCE = {
    "slot.name": "s1",
    "publication.name": "p1",
    "database.dbname": "shop",
    "database.port": "5432",
}


@pytest.mark.parametrize(("wanted", "order", "reached"), HELD)
def test_a_running_connector_is_held_before_it_gets_a_new_configuration(
    connect: ConnectInMemory, provider: Provider, wanted: str, order: str, reached: dict[str, Any]
) -> None:
    connect.configs["c"] = {}
    connect.states = [RUNNING, reached]
    updated = provider.update("c", inputs(connect), inputs(connect, state=wanted))
    assert connect.told == [order, "config"]
    assert updated.outs is not None
    assert updated.outs["state"] == wanted
    assert provider.diff("c", updated.outs, inputs(connect, state=wanted)).changes is False


@pytest.mark.parametrize(("wanted", "_order", "reached"), HELD)
def test_a_new_connector_that_shall_not_run_never_runs(
    connect: ConnectInMemory, provider: Provider, wanted: str, _order: str, reached: dict[str, Any]
) -> None:
    connect.states = [reached]
    provider.create(inputs(connect, state=wanted))
    assert connect.told == [f"create {wanted}"]


@pytest.mark.parametrize(("wanted", "_order", "reached"), HELD)
def test_a_held_connector_that_takes_up_its_new_configuration_is_waited_for(
    connect: ConnectInMemory, provider: Provider, wanted: str, _order: str, reached: dict[str, Any]
) -> None:
    connect.configs["c"] = {}
    connect.states = [reached, state("UNASSIGNED"), reached]
    updated = provider.update("c", inputs(connect), inputs(connect, state=wanted))
    assert connect.states == [reached], "all states were looked at"
    assert updated.outs is not None
    assert updated.outs["state"] == wanted


def test_a_task_that_goes_on_running_is_not_taken_for_paused(
    connect: ConnectInMemory, provider: Provider
) -> None:
    connect.states = [state("PAUSED", "RUNNING")]
    with pytest.raises(NotInTimeError, match="c is not PAUSED after"):
        provider.create(inputs(connect, state="PAUSED", start_timeout_seconds=0.2))


def test_a_failed_connector_can_be_stopped_without_a_restart(
    connect: ConnectInMemory, provider: Provider
) -> None:
    connect.configs["c"] = {}
    connect.states = [state("RUNNING", "FAILED", trace="x"), state("STOPPED")]
    provider.update("c", inputs(connect), inputs(connect, state="STOPPED"))
    assert connect.restarts == 0


def test_refresh_finds_that_somebody_resumed_a_paused_connector(
    connect: ConnectInMemory, provider: Provider
) -> None:
    wanted = inputs(connect, state="PAUSED")
    connect.configs["c"] = dict(wanted["config"])
    read = provider.read("c", wanted)
    assert read.outs is not None
    assert read.outs["state"] == "RUNNING"
    assert provider.diff("c", read.outs, wanted).changes is True


def test_preview_refuses_a_state_that_is_none(connect: ConnectInMemory, provider: Provider) -> None:
    reasons = [f.reason for f in provider.check({}, inputs(connect, state="HALTED")).failures]
    assert reasons == ["state 'HALTED': write one of RUNNING, PAUSED, STOPPED"]


def test_a_creation_whose_answer_was_lost_is_recognised_and_no_error() -> None:
    connect = ConnectInMemory()

    def create_and_fail(request: Request) -> None:
        connect.configs["c"] = {}
        connect_error(500, "the answer is lost")(request)

    script: list[Answer] = [create_and_fail]
    with serve(FailingConnect(otherwise=connect, script=script)) as server:
        client = ConnectClient(requests.Session(), server.url, RetryPolicy(first_delay=0.01))
        client.create("c", {}, "STOPPED")
    assert [method for _, method, _ in server.calls] == ["POST", "POST"]


def test_offsets_are_reset_once_when_the_token_changes_and_shown_before(
    connect: ConnectInMemory, provider: Provider, capsys: Any
) -> None:
    connect.configs["c"] = {}
    connect.states = [state("STOPPED")]
    connect.states = []
    connect.offsets = [{"partition": {"server": "pg"}, "offset": {"lsn": 42}}]
    old = inputs(connect, state="STOPPED")
    new = inputs(connect, state="STOPPED", reset_offsets="2026-11-23")
    assert provider.diff("c", old, new).changes is True
    assert provider.check(old, new).failures == []
    updated = provider.update("c", old, new)
    assert connect.told == ["stop", "config", "reset"]
    assert "offset before the reset: server=pg: lsn=42" in capsys.readouterr().err
    assert updated.outs is not None
    provider.update("c", updated.outs, new)
    assert connect.told.count("reset") == 1


@pytest.mark.parametrize("wanted", ["RUNNING", "PAUSED"])
def test_preview_refuses_to_reset_offsets_of_a_connector_that_is_not_stopped(
    connect: ConnectInMemory, provider: Provider, wanted: str
) -> None:
    new = inputs(connect, state=wanted, reset_offsets="again")
    reasons = [f.reason for f in provider.check(inputs(connect), new).failures]
    assert len(reasons) == 1
    assert "while the connector is STOPPED only" in reasons[0]


def test_a_token_that_stays_is_no_reason_to_refuse_that_the_connector_runs_again(
    connect: ConnectInMemory, provider: Provider
) -> None:
    stopped = inputs(connect, state="STOPPED", reset_offsets="done")
    assert provider.check(stopped, inputs(connect, reset_offsets="done")).failures == []
    assert provider.check({}, inputs(connect, reset_offsets="done")).failures == []


def test_the_command_line_shows_offsets(connect: ConnectInMemory, capsys: Any) -> None:
    connect.configs["c"] = {}
    connect.states = []
    connect.offsets = [{"partition": {"kafka_topic": "t"}, "offset": {"kafka_offset": 7}}]
    assert main(["offsets", "c", "--url", connect.url]) == 0
    assert capsys.readouterr().out == "kafka_topic=t: kafka_offset=7\n"
    assert main(["offsets", "missing", "--url", connect.url]) == 1
    assert "Connector missing not found" in capsys.readouterr().err


def test_an_existing_connector_is_taken_over_and_keeps_its_offsets(
    connect: ConnectInMemory, provider: Provider, capsys: Any
) -> None:
    connect.configs["c"] = {"connector.class": "X", "tasks.max": "9", "x.password": "hunter2"}
    wanted = inputs(connect)
    assert provider.check({}, wanted).failures == []
    told = capsys.readouterr().err
    assert "c: exists on the worker already; up takes it over with its offsets:" in told
    assert "tasks.max: 9 → 2" in told
    assert "x.password: [secret] → (none)" in told
    assert "hunter2" not in told
    assert provider.create(wanted).id == "c"
    assert connect.configs["c"] == wanted["config"]
    assert "reset" not in connect.told


def test_a_deleted_source_leaves_its_slot_and_says_that_wal_grows(
    connect: ConnectInMemory,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
) -> None:
    monkeypatch.delattr(slot.DatabasePod, "run")
    connect.configs["c"] = {}
    provider.delete("c", inputs(connect, config=SOURCE))
    told = capsys.readouterr().err
    assert "the replication slot s1 stays (drop_slot is false): the database keeps all WAL" in told


def test_a_deleted_source_drops_its_slot_when_told_so(
    connect: ConnectInMemory,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
) -> None:
    ran: list[tuple[slot.DatabasePod, str]] = []

    def run(pod: slot.DatabasePod, script: str) -> bool:
        ran.append((pod, script))
        return True

    monkeypatch.setattr(slot.DatabasePod, "run", run)
    connect.configs["c"] = {}
    connect.states = []
    connect.offsets = [{"partition": {"server": "s"}, "offset": {"lsn": 7}}]
    access = {"url": connect.url, "namespace": "ns", "context": "here"}
    provider.delete("c", inputs(connect, config=SOURCE, access=access, drop_slot=True))
    assert connect.configs == {}
    assert connect.offsets == [], "a later connector of this name would begin after a gap"
    assert ran == [(slot.DatabasePod("here", "ns", 5432), slot.drop_script("s1", "p1", "shop"))]
    assert "dropped the replication slot s1 and the publication p1" in capsys.readouterr().err


@pytest.mark.parametrize(
    "names",
    [
        ("a'; DROP TABLE x; --", "p1", "shop"),
        ("s1", 'p"; DROP TABLE x; --', "shop"),
        ("s1", "p1", 'x"; \\! id'),
    ],
)
def test_no_name_can_smuggle_a_command_into_psql(names: tuple[str, str, str]) -> None:
    with pytest.raises(ValueError, match="is not a valid"):
        slot.drop_script(*names)


@pytest.mark.postgresql
def test_psql_is_found_where_its_folder_is_not_on_the_path() -> None:
    found = subprocess.run(
        ["/bin/sh", "-c", slot.FIND_PSQL, "psql", "--version"],
        env={"PATH": "/nonexistent"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "psql (PostgreSQL)" in found.stdout


def test_a_resource_from_before_these_inputs_existed_needs_no_update(
    connect: ConnectInMemory, provider: Provider
) -> None:
    old = {k: v for k, v in inputs(connect).items() if k not in ("reset_offsets", "drop_slot")}
    assert provider.diff("c", old, inputs(connect)).changes is False
    assert provider.diff("c", old, inputs(connect, drop_slot=True)).changes is True


@pytest.mark.parametrize(
    ("drop", "worker", "drops"),
    [
        (False, DirectUrl("http://x"), False),
        (False, ServiceProxy("ns", "kafka-connect", 8083), False),
        (True, ServiceProxy("ns", "kafka-connect", 8083), True),
    ],
)
def test_the_slot_is_dropped_only_when_told(drop: bool, worker: WorkerAccess, drops: bool) -> None:
    assert require_way_to_slot(source(drop), worker) is drops


def test_dropping_the_slot_without_a_way_to_the_database_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a worker reached by ServiceProxy"):
        require_way_to_slot(source(drop_slot=True), DirectUrl("http://x"))


def source(drop_slot: bool) -> DebeziumPostgresConnector:
    return DebeziumPostgresConnector(
        name="c",
        hostname="db",
        database="shop",
        tables=("public.a",),
        drop_slot=drop_slot,
        key_converter=JsonConverter(),
        value_converter=JsonConverter(),
    )
