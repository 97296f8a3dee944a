"""A connector counts as RUNNING when its tasks have its configuration, not before."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi import dynamic

from components.streaming.connectors import resource
from kafka_connect import task_configs
from kafka_connect.startup import NotInTimeError
from kafka_connect.status import NAMED_KEYS, OUTDATED, describe_earlier
from kafka_connect.task_configs import (
    ADDED_TO_TASKS,
    PASSING_ALL,
    TASK_COUNT,
    differing_keys,
)
from tests.kafka_connect.connect_in_memory import RUNNING, ConnectInMemory, inputs, state

ICEBERG = "org.apache.iceberg.connect.IcebergSinkConnector"
SUFFIX = {"iceberg.coordinator.transactional.suffix": "-txn-1-0"}
SECRET = "hunter2"
# What each connector has, with a secret in its environment and one that should not be literal.
CONFIG = {
    "connector.class": ICEBERG,
    "tasks.max": "2",
    "topics": "a,b",
    "transforms": "topic",
    "transforms.topic.type": "org.apache.kafka.connect.transforms.InsertField$Value",
    "key.converter": "datapipe.connect.ExactJsonConverter",
    "iceberg.catalog.warehouse": "s3://${env:BUCKET}/x",
    "some.password": SECRET,
}
KEYS = st.sampled_from(
    [
        *("topics", "topics.regex", "transforms", "transforms.a.type", "key.converter"),
        *("table.include.list", "column.exclude.list", "database.password", "iceberg.tables"),
        *("consumer.override.fetch.max.bytes", "errors.tolerance", "predicates.p.type"),
    ]
)
CONFIGS = st.dictionaries(KEYS, st.sampled_from(["", "1", "2", "${env:A}", "a,b"]))
CLASSES = st.sampled_from(sorted(PASSING_ALL))


def task_of(config: dict[str, str], number: int = 0) -> dict[str, str]:
    """Return what Connect and a sink make of a configuration for a task."""
    added = {"name": "c", "task.class": "T", "task.id": str(number)}
    kind = config.get("connector.class", "")
    return {**config, **added, **dict.fromkeys(PASSING_ALL.get(kind, ()), "x")}


def tasks_of(config: dict[str, str], count: int = 2) -> list[dict[str, str]]:
    return [task_of(config, number) for number in range(count)]


@given(CLASSES, CONFIGS, st.integers(1, 5))
def test_tasks_of_the_present_configuration_differ_in_nothing(
    kind: str, config: dict[str, str], count: int
) -> None:
    config = {**config, "connector.class": kind}
    assert differing_keys(config, tasks_of(config, count), count) == ()


@given(CLASSES, CONFIGS, CONFIGS, st.integers(1, 4), st.integers(0, 3))
def test_every_changed_added_and_removed_key_is_named_and_no_other(
    kind: str, config: dict[str, str], before: dict[str, str], count: int, stale: int
) -> None:
    """One of the tasks that has the earlier configuration is enough."""
    config, before = {**config, "connector.class": kind}, {**before, "connector.class": kind}
    tasks = tasks_of(config, count)
    tasks[min(stale, count - 1)] = task_of(before, stale)
    expected = {key for key in {*config, *before} if config.get(key) != before.get(key)}
    assert set(differing_keys(config, tasks, count)) == expected


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"topics": "a"}, ("topics",)),
        ({"transforms.topic.type": "X"}, ("transforms.topic.type",)),
        # Such a connector may give a task its own value, or less than it has.
        ({"own.list": "a"}, ()),
    ],
)
def test_of_an_unknown_connector_only_connects_own_properties_are_compared(
    change: dict[str, str], differs: tuple[str, ...]
) -> None:
    config = {**CONFIG, "connector.class": "com.example.Sink", "own.list": "a,b", "left.out": "1"}
    task = {**task_of(config), **change, "task.assigned": "3"}
    del task["left.out"]
    assert differing_keys(config, [task], 1) == differs


@pytest.mark.parametrize(("configured", "running"), [(3, 2), (1, 2)])
def test_tasks_that_have_no_state_yet_or_still_have_one_are_waited_for(
    configured: int, running: int
) -> None:
    assert differing_keys(CONFIG, tasks_of(CONFIG, configured), running) == (TASK_COUNT,)


def test_a_message_names_some_keys_and_counts_the_others() -> None:
    keys = [f"k{number}" for number in range(NAMED_KEYS + 2)]
    assert describe_earlier(keys).endswith("k0, k1, k2, k3, k4 and 2 more")
    assert describe_earlier(keys[:1]).endswith("differs in k0")


def changed(connect: ConnectInMemory, **changes: str) -> dict[str, Any]:
    return inputs(connect, config={**CONFIG, **changes})


@pytest.fixture
def running(connect: ConnectInMemory) -> ConnectInMemory:
    """A connector c whose two tasks have CONFIG."""
    connect.states = [RUNNING]
    connect.configs["c"] = dict(CONFIG)
    connect.tasks["c"] = [tasks_of(CONFIG)]
    return connect


def test_up_waits_for_the_tasks_and_says_in_which_keys_they_differ(
    running: ConnectInMemory, provider: dynamic.ResourceProvider, capsys: Any
) -> None:
    wanted = changed(running, topics="a,b,c", **{"some.password": "other"})
    one_left = [task_of(wanted["config"]), task_of(CONFIG, 1)]
    running.tasks["c"] = [tasks_of(CONFIG), one_left, tasks_of(wanted["config"])]
    updated = provider.update("c", changed(running), wanted)
    said = capsys.readouterr().err
    assert "with an earlier configuration, which differs in topics, some.password" in said
    assert SECRET not in said
    assert "other" not in said
    assert len(running.tasks["c"]) == 1, "all looks at the tasks were needed"
    assert updated.outs is not None
    assert updated.outs["state"] == "RUNNING"


def test_up_fails_where_connect_does_not_give_the_tasks_their_configuration(
    running: ConnectInMemory, provider: dynamic.ResourceProvider
) -> None:
    wanted = changed(running, topics="a,b,c") | {"start_timeout_seconds": 0.2}
    with pytest.raises(NotInTimeError) as failed:
        provider.update("c", changed(running), wanted)
    message = str(failed.value)
    assert "connector c is not RUNNING after" in message
    assert "2 of 2 tasks RUNNING, with an earlier configuration, which differs in topics" in message
    assert "kubectl -n data-ingestion logs" in message
    assert "grep -A 1 'Failed to reconfigure'" in message
    assert SECRET not in message


def test_the_reason_in_the_workers_log_is_in_the_message_with_what_to_do(
    running: ConnectInMemory, provider: dynamic.ResourceProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = "Kafka Connect, which can't configure the tasks: Class x.Y could not be found."
    monkeypatch.setattr(resource, "waiting_reasons", lambda *_: reason)
    wanted = changed(running, topics="a,b,c") | {"start_timeout_seconds": 0.2}
    with pytest.raises(NotInTimeError, match=r"Class x.Y could not be found.*META-INF/services"):
        provider.update("c", changed(running), wanted)


def test_a_new_connector_that_gets_no_tasks_has_the_same_advice(
    connect: ConnectInMemory, provider: dynamic.ResourceProvider
) -> None:
    connect.states = [state("RUNNING")]
    with pytest.raises(NotInTimeError, match=r"0 of 0 tasks RUNNING.*'Failed to reconfigure'"):
        provider.create(changed(connect) | {"start_timeout_seconds": 0.2})


def test_a_task_that_starts_is_not_taken_for_one_without_a_configuration(
    connect: ConnectInMemory, provider: dynamic.ResourceProvider
) -> None:
    """Connect shows no state of a source's task that waits for the database."""
    connect.states, connect.tasks["c"] = [state("RUNNING")], [tasks_of(CONFIG, 1)]
    with pytest.raises(NotInTimeError) as failed:
        provider.create(changed(connect) | {"start_timeout_seconds": 0.2})
    assert "Failed to reconfigure" not in str(failed.value)


def test_a_failure_of_the_earlier_configuration_is_not_that_of_the_present_one(
    running: ConnectInMemory, provider: dynamic.ResourceProvider
) -> None:
    wanted = changed(running, topics="a")
    failed = state("RUNNING", "FAILED", "RUNNING", trace="of before")
    running.states = [failed, failed, failed, failed, RUNNING]
    running.tasks["c"] = [*[tasks_of(CONFIG)] * 4, tasks_of(wanted["config"])]
    provider.update("c", changed(running), wanted)
    assert running.restarts == 0


@pytest.mark.parametrize("held", ["PAUSED", "STOPPED"])
def test_a_held_connectors_tasks_get_their_configuration_when_it_is_resumed(
    running: ConnectInMemory, provider: dynamic.ResourceProvider, held: str
) -> None:
    running.states = [state(held, *(["PAUSED"] * 2 if held == "PAUSED" else []))]
    wanted = changed(running, topics="a") | {"state": held}
    provider.update("c", changed(running), wanted)
    running.states, running.tasks["c"] = [RUNNING], [tasks_of(CONFIG)]
    resumed = wanted | {"state": "RUNNING", "start_timeout_seconds": 0.2}
    with pytest.raises(NotInTimeError, match="differs in topics"):
        provider.update("c", wanted, resumed)


def test_what_a_worker_has_that_has_not_heard_of_the_change_is_no_success(
    running: ConnectInMemory, provider: dynamic.ResourceProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any worker answers, and one that lags has the configuration and the tasks of before."""
    monkeypatch.setattr(running, "_put", lambda *_: (200, {}))
    wanted = changed(running, topics="a") | {"start_timeout_seconds": 0.2}
    with pytest.raises(NotInTimeError, match="differs in topics"):
        provider.update("c", changed(running), wanted)


def test_refresh_finds_it_as_drift_and_preview_warns(
    running: ConnectInMemory,
    provider: dynamic.ResourceProvider,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
) -> None:
    monkeypatch.setattr(task_configs, "CHANGE_SECONDS", 0.1)
    monkeypatch.setattr(task_configs, "POLL_SECONDS", 0.01)
    wanted = changed(running, topics="a,b,c")
    running.configs["c"] = dict(wanted["config"])
    read = provider.read("c", wanted)
    assert read.outs is not None
    assert read.outs["state"] == OUTDATED
    assert provider.diff("c", read.outs, wanted).changes is True
    assert provider.check(wanted, wanted).failures == []
    assert "an earlier configuration, which differs in topics" in capsys.readouterr().err


def test_a_refresh_during_a_change_is_no_drift(
    running: ConnectInMemory, provider: dynamic.ResourceProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_configs, "POLL_SECONDS", 0.01)
    wanted = changed(running, topics="a,b,c")
    running.configs["c"] = dict(wanted["config"])
    running.tasks["c"] = [tasks_of(CONFIG), tasks_of(wanted["config"])]
    read = provider.read("c", wanted)
    assert read.outs is not None
    assert provider.diff("c", read.outs, wanted).changes is False


@pytest.mark.parametrize("held", ["RUNNING", "STOPPED"])
def test_the_state_of_a_task_that_no_longer_exists_is_not_waited_for(
    running: ConnectInMemory, provider: dynamic.ResourceProvider, held: str
) -> None:
    present = [] if held == "STOPPED" else tasks_of(CONFIG)
    wanted = changed(running) | {"state": held, "start_timeout_seconds": 0.5}
    running.states = [state(held, *["RUNNING"] * len(present), "UNASSIGNED")]
    running.tasks["c"] = [present]
    outs = provider.create(wanted).outs
    assert outs is not None
    assert outs["tasks"] == ["RUNNING"] * len(present)
    assert outs["state"] == held


def test_a_task_that_exists_and_has_not_begun_is_waited_for(
    running: ConnectInMemory, provider: dynamic.ResourceProvider
) -> None:
    running.states = [state("RUNNING", "RUNNING", "UNASSIGNED")]
    running.tasks["c"] = [tasks_of(CONFIG)]
    with pytest.raises(NotInTimeError, match="1 of 2 tasks RUNNING"):
        provider.create(changed(running) | {"start_timeout_seconds": 0.2})


def test_nobody_passes_what_connect_adds() -> None:
    assert not ADDED_TO_TASKS & {key for added in PASSING_ALL.values() for key in added}
