"""Whether a connector's tasks have the configuration that Kafka Connect has of the connector.

Connect answers a change as soon as it has stored the connector's configuration, and gives the
tasks theirs afterwards. Where it can't, such as for a transform whose class can't be loaded then,
it tries again, for as long as the connector exists, and writes the reason into the worker's log
only: the tasks are RUNNING all the time, with what they had.

Values can be secrets, so only keys are ever named.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from kafka_connect.status import IN_TRANSITION, Status

if TYPE_CHECKING:
    from kafka_connect.client import ConnectClient

Config = Mapping[str, str]
Found = TypeVar("Found")

# In a task's configuration and not in its connector's; some connectors number their tasks.
ADDED_TO_TASKS = frozenset({"name", "task.class", "task.id"})
# Connectors that give each task all of their own configuration, and what they add to it.
# tests/kafka_connect/test_task_configs_live.py compares it with real workers; what Confluent's S3
# sink does is known from its source (S3SinkConnector.taskConfigs).
PASSING_ALL: Mapping[str, frozenset[str]] = {
    "datapipe.postgres.ResumingConnector": frozenset(),
    "io.debezium.connector.postgresql.PostgresConnector": frozenset(),
    "io.confluent.connect.s3.S3SinkConnector": frozenset(),
    "org.apache.iceberg.connect.IcebergSinkConnector": frozenset(
        {"iceberg.coordinator.transactional.suffix"}
    ),
}
# Connect's own properties, which no connector has a reason to change for its tasks.
OF_CONNECT = re.compile(
    r"topics|topics\.regex|tasks\.max|transforms|predicates|(key|value|header)\.converter"
    r"|(transforms|predicates|(key|value|header)\.converter|errors|(consumer|producer)\.override)\..+"
)
# Named before others: what a connector reads.
PROMINENT = ("topics", "topics.regex", "table.include.list")
TASK_COUNT = "the number of tasks"
# Between a change that Connect has answered and tasks that have it: a rebalance of the workers.
CHANGE_SECONDS = 15
POLL_SECONDS = 1


def differing_keys(config: Config, tasks: Sequence[Config], running: int) -> tuple[str, ...]:
    """Return the keys in which the tasks' configurations are not what `config` leads to.

    `running` is how many tasks have a state. Placeholders such as ${env:NAME} are the same in both.
    Of a connector that is not in PASSING_ALL only Connect's own properties are compared, where a
    task has them.
    """
    keys = {key for task in tasks for key in _differing(config, task)}
    ordered = sorted(keys, key=lambda key: (key not in PROMINENT, key))
    return (*([TASK_COUNT] if len(tasks) != running else []), *ordered)


def _differing(config: Config, task: Config) -> Collection[str]:
    added = PASSING_ALL.get(config.get("connector.class", ""))
    own = task.keys() - ADDED_TO_TASKS
    if added is not None:
        keys = (own - added) | config.keys() - ADDED_TO_TASKS
    else:
        keys = {key for key in own if OF_CONNECT.fullmatch(key)}
    return {key for key in keys if task.get(key) != config.get(key)}


def current_status(client: ConnectClient, name: str) -> Status:
    """Return the status, without tasks that no longer exist.

    Raises ConnectError as the client's methods do.
    """
    answer = client.status(name)
    return Status.from_response(of_present_tasks(answer, lambda: client.task_configs(name)))


def of_present_tasks(
    answer: Mapping[str, Any], configurations: Callable[[], Sequence[object]]
) -> Mapping[str, Any]:
    """Return Connect's answer about a status without the states of tasks that no longer exist.

    A worker can report that it has stopped a task after Connect has deleted the connector and the
    states of its tasks. Connect then keeps this one, also for a later connector of that name.
    `configurations` asks for those of the tasks; Connect numbers them from 0.
    """
    if not any(task["state"] in IN_TRANSITION for task in answer["tasks"]):
        return answer
    count = len(configurations())
    kept = [
        task
        for task in answer["tasks"]
        if int(task["id"]) < count or task["state"] not in IN_TRANSITION
    ]
    return {**answer, "tasks": kept}


def read_status(client: ConnectClient, name: str, config: Config | None = None) -> Status:
    """Return the status, with the keys in which a running connector's tasks are not up to date.

    `config` is what the connector should have; by default that is what Connect says it has. Tasks
    of a paused connector get their configuration when it is resumed.

    Raises ConnectError as the client's methods do.
    """
    status = current_status(client, name)
    if status.connector != "RUNNING" or not status.tasks or set(status.tasks) & IN_TRANSITION:
        return status
    wanted = client.config(name) if config is None else config
    keys = differing_keys(wanted, client.task_configs(name), len(status.tasks))
    return replace(status, earlier=keys)


def read_steady_status(client: ConnectClient, name: str) -> Status:
    """Return the status; a change that Connect is about to give to the tasks has time to arrive.

    Raises ConnectError as the client's methods do.
    """
    return once_given(lambda: read_status(client, name), lambda status: status.earlier)


def once_given(read: Callable[[], Found], earlier: Callable[[Found], tuple[str, ...]]) -> Found:
    """Return what is read once the tasks have the configuration, or when that took too long."""
    deadline = time.monotonic() + CHANGE_SECONDS
    while earlier(found := read()) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return found
