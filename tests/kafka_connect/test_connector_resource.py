"""The connector as a Pulumi resource: its provider against Connect's REST API on a real socket."""

import base64
from typing import Any

import pytest
from pulumi import dynamic
from pulumi.dynamic.dynamic import serialize_provider

from components.streaming.connectors.debezium import DEBEZIUM_POSTGRES, RESUMING_POSTGRES
from components.streaming.connectors.resource import KafkaConnectorProvider
from kafka_connect import startup
from kafka_connect.failures import ConnectError
from kafka_connect.startup import (
    ConnectorFailedError,
    NotInTimeError,
)
from tests.kafka_connect.connect_in_memory import RUNNING, ConnectInMemory, inputs, state
from tests.kafka_connect.failing_connect import FailingConnect, proxy_error, serve

TRACE = """org.apache.kafka.connect.errors.ConnectException: Could not start
\tat io.debezium.Something.start(Something.java:1)
Caused by: java.lang.RuntimeException: in between
\t... 7 more
Caused by: org.postgresql.util.PSQLException: FATAL: password authentication failed for user "d"
\t... 9 more"""


def test_the_provider_in_the_state_is_small_always_the_same_and_holds_no_code() -> None:
    pickled = serialize_provider(KafkaConnectorProvider())
    assert pickled == serialize_provider(KafkaConnectorProvider())
    assert len(base64.b64decode(pickled)) < 150


def test_create_puts_the_configuration_and_waits_until_all_runs(
    connect: ConnectInMemory, provider: dynamic.ResourceProvider, capsys: Any
) -> None:
    connect.states = [state("UNASSIGNED"), state("RUNNING", "UNASSIGNED", "RUNNING"), RUNNING]
    created = provider.create(inputs(connect))
    assert created.id == "c"
    assert connect.configs["c"] == {"connector.class": "X", "tasks.max": "2"}
    assert created.outs is not None
    assert created.outs["state"] == "RUNNING"
    assert created.outs["tasks"] == ["RUNNING", "RUNNING"]
    assert "c: connector RUNNING, 1 of 2 tasks RUNNING" in capsys.readouterr().err


def test_a_task_that_was_running_only_for_a_moment_is_not_taken_for_a_success(
    connect: ConnectInMemory, provider: dynamic.ResourceProvider
) -> None:
    connect.states = [RUNNING, state("RUNNING", "FAILED", trace=TRACE)]
    with pytest.raises(ConnectorFailedError):
        provider.create(inputs(connect))


def test_a_failed_task_is_restarted_twice_and_then_explained(
    connect: ConnectInMemory, provider: dynamic.ResourceProvider
) -> None:
    connect.states = [state("RUNNING", "FAILED", trace=TRACE)]
    with pytest.raises(ConnectorFailedError) as failed:
        provider.create(inputs(connect))
    assert connect.restarts == startup.MAXIMUM_RESTARTS == 2
    explanation = str(failed.value).splitlines()
    assert explanation[0] == "connector c failed (connector RUNNING, 0 of 1 tasks RUNNING)"
    assert explanation[1].endswith("ConnectException: Could not start")
    assert explanation[2].endswith('FATAL: password authentication failed for user "d"')
    assert "what to do: The database refuses the password" in explanation[3]


def test_a_task_that_recovers_after_a_restart_is_a_success(
    connect: ConnectInMemory, provider: dynamic.ResourceProvider
) -> None:
    connect.states = [state("RUNNING", "FAILED", trace=TRACE), RUNNING]
    provider.create(inputs(connect))
    assert connect.restarts == 1


def test_a_connector_that_never_starts_fails_in_time(
    connect: ConnectInMemory, provider: dynamic.ResourceProvider
) -> None:
    connect.states = [state("UNASSIGNED")]
    with pytest.raises(NotInTimeError, match="connector UNASSIGNED, 0 of 0 tasks"):
        provider.create(inputs(connect, start_timeout_seconds=0.2))


def test_a_refused_configuration_is_an_error_with_what_to_do(
    connect: ConnectInMemory, provider: dynamic.ResourceProvider
) -> None:
    connect.refusal = "configuration is invalid: FATAL: password authentication failed"
    with pytest.raises(ConnectError, match=r"(?s)is invalid.*what to do: The database refuses"):
        provider.create(inputs(connect))


def test_a_changed_property_is_an_update_and_another_class_a_replacement(
    connect: ConnectInMemory, provider: dynamic.ResourceProvider
) -> None:
    old = inputs(connect)
    assert provider.diff("c", old, inputs(connect)).changes is False
    more_tasks = inputs(connect, config={"connector.class": "X", "tasks.max": "4"})
    assert provider.diff("c", old, more_tasks).changes is True
    assert provider.diff("c", old, more_tasks).replaces == []
    other_class = inputs(connect, config={"connector.class": "Y", "tasks.max": "2"})
    replaced = provider.diff("c", old, other_class)
    assert replaced.replaces == ["config"]
    assert replaced.delete_before_replace is True
    assert provider.diff("c", old, inputs(connect, name="d")).replaces == ["name"]


def test_our_connector_takes_over_from_debeziums_in_place(
    connect: ConnectInMemory, provider: dynamic.ResourceProvider
) -> None:
    debezium = inputs(connect, config={"connector.class": DEBEZIUM_POSTGRES})
    ours = inputs(connect, config={"connector.class": RESUMING_POSTGRES})
    diff = provider.diff("c", debezium, ours)
    assert diff.changes is True
    assert diff.replaces == [], "a replacement would drop the slot of a table's own connector"


def test_refresh_finds_a_changed_configuration_a_pause_and_a_failure(
    connect: ConnectInMemory, provider: dynamic.ResourceProvider
) -> None:
    wanted = inputs(connect)
    connect.configs["c"] = {"connector.class": "X", "tasks.max": "9"}
    for found, drift in (
        (state("PAUSED", "PAUSED"), "PAUSED"),
        (state("RUNNING", "FAILED"), "FAILED"),
        (state("STOPPED"), "STOPPED"),
    ):
        connect.states = [found]
        read = provider.read("c", wanted)
        assert read.outs is not None
        assert read.outs["config"]["tasks.max"] == "9"
        assert read.outs["state"] == drift
        assert provider.diff("c", read.outs, wanted).changes is True


def test_refresh_finds_no_drift_where_tasks_only_move(
    connect: ConnectInMemory, provider: dynamic.ResourceProvider
) -> None:
    wanted = inputs(connect)
    connect.configs["c"] = dict(wanted["config"])
    connect.states = [state("UNASSIGNED", "UNASSIGNED", "RESTARTING")]
    read = provider.read("c", wanted)
    assert read.outs is not None
    assert provider.diff("c", read.outs, wanted).changes is False


def test_refresh_finds_a_deleted_connector(
    connect: ConnectInMemory, provider: dynamic.ResourceProvider
) -> None:
    assert provider.read("c", inputs(connect)).id == ""


def test_deleting_what_is_gone_is_no_error(
    connect: ConnectInMemory, provider: dynamic.ResourceProvider
) -> None:
    connect.configs["c"] = {}
    provider.delete("c", inputs(connect))
    assert connect.configs == {}
    provider.delete("c", inputs(connect))


def test_a_worker_that_is_gone_took_its_connectors_with_it(
    provider: dynamic.ResourceProvider,
) -> None:
    gone = proxy_error(404, 'services "kafka-connect" not found')
    with serve(FailingConnect(otherwise=gone)) as server:
        provider.delete("c", inputs(server))
        assert provider.read("c", inputs(server)).id == ""


def test_an_update_resumes_what_was_paused(
    connect: ConnectInMemory, provider: dynamic.ResourceProvider
) -> None:
    provider.update("c", inputs(connect, state="PAUSED"), inputs(connect))
    assert connect.told == ["config", "resume"]


def test_preview_validates_on_the_worker_and_says_so(
    connect: ConnectInMemory, provider: dynamic.ResourceProvider, capsys: Any
) -> None:
    connect.complaints = {"tasks.max": ["must be a number"]}
    checked = provider.check({}, inputs(connect))
    assert [failure.reason for failure in checked.failures] == ["tasks.max: must be a number"]
    assert "c: validated on the Kafka Connect worker" in capsys.readouterr().err


def test_preview_without_a_worker_validates_offline_fast_and_says_so(
    provider: dynamic.ResourceProvider, capsys: Any
) -> None:
    nowhere = FailingConnect(otherwise=ConnectInMemory(), url="http://127.0.0.1:9")
    checked = provider.check({}, inputs(nowhere))
    assert checked.failures == []
    assert "c: validated offline, no Kafka Connect worker answers yet" in capsys.readouterr().err


def test_preview_does_not_blame_the_configuration_for_a_database_that_is_away(
    connect: ConnectInMemory, provider: dynamic.ResourceProvider, capsys: Any
) -> None:
    connect.complaints = {"database.hostname": ["Unable to connect: refused"]}
    assert provider.check({}, inputs(connect)).failures == []
    assert "database.hostname: Unable to connect" in capsys.readouterr().err


def test_preview_validates_offline_where_the_plugin_comes_with_the_same_update(
    connect: ConnectInMemory, provider: dynamic.ResourceProvider, capsys: Any
) -> None:
    connect.plugins = ()
    assert provider.check({}, inputs(connect)).failures == []
    assert "the worker has no X (yet)" in capsys.readouterr().err


def test_preview_refuses_a_literal_secret_and_does_not_show_it(
    connect: ConnectInMemory, provider: dynamic.ResourceProvider
) -> None:
    config = {"connector.class": "X", "database.password": "hunter2"}
    checked = provider.check({}, inputs(connect, config=config))
    assert len(checked.failures) == 1
    assert "hunter2" not in checked.failures[0].reason
    assert checked.failures[0].property == "", "Pulumi prints the value of a named property"


def test_an_update_warns_of_a_failed_connector_that_it_does_not_change(
    connect: ConnectInMemory, provider: dynamic.ResourceProvider, capsys: Any
) -> None:
    refusal = (
        "org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded\n\tat X\nCaused by:"
        " org.apache.kafka.connect.errors.DataException: Schema Registry refuses the new schema of"
        " subject postgres.public.users-value: TYPE_MISMATCH"
    )
    connect.states, connect.failing = [], {"c": refusal}
    connect.configs = {"c": inputs(connect)["config"]}
    assert provider.check(inputs(connect), inputs(connect)).failures == []
    warning = capsys.readouterr().err
    assert "subject postgres.public.users-value: TYPE_MISMATCH" in warning
    assert "bin/datapipe recover schema postgres.public.users-value" in warning


def test_what_has_not_changed_is_not_validated_again(
    connect: ConnectInMemory, provider: dynamic.ResourceProvider, capsys: Any
) -> None:
    connect.complaints = {"tasks.max": ["must be a number"]}
    assert provider.check(inputs(connect), inputs(connect)).failures == []
    assert capsys.readouterr().err == ""
