"""Waiting for a connector and all its tasks to be RUNNING, or paused or stopped as wanted."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kafka_connect.connector_state import State
from kafka_connect.explained_error import ExplainedError
from kafka_connect.failures import (
    ConnectError,
    ConnectorMissingError,
    ConnectUnavailableError,
    UnsettledError,
)
from kafka_connect.status import (
    RECONFIGURATION_ADVICE,
    SETTLE_SECONDS,
    Status,
    advice_for,
    explain,
    is_known,
)
from kafka_connect.task_configs import Config, current_status, read_status
from polling import poll_until

if TYPE_CHECKING:
    from kafka_connect.client import ConnectClient

# How often failed tasks are restarted, for causes that pass: a new database or IAM policy.
MAXIMUM_RESTARTS = 2
# A task that fails after these seconds is reported immediately, so within a minute.
RESTART_SECONDS = 20


# Returns in words what a connector of this status waits for; None: the status can't be read.
ExplainWait = Callable[[Status | None], str]


def unexplained(_status: Status | None) -> str:
    """Return that nothing is known of what a connector waits for."""
    return ""


class ConnectorFailedError(ExplainedError):
    """The connector or a task failed; the message has the first cause and what to do."""


class NotInTimeError(ExplainedError):
    """The connector has neither the wanted state nor FAILED when the time is over."""


@dataclass(frozen=True)
class Timeouts:
    """How long to wait, in seconds. Tests shorten them."""

    timeout: float
    poll: float = 1.0
    settle: float = SETTLE_SECONDS
    """RUNNING must last this long, another state at most SETTLE_SECONDS of it"""
    restart_delay: float = 5.0
    report: float = 10.0
    """between two messages of the same progress"""


class ProgressLog:
    """Logs a message with the seconds since the start, at most once an interval."""

    def __init__(self, log: Callable[[str], None], interval: float, first: float = 0) -> None:
        """Log the first message `first` seconds after the start, which is now."""
        self._log, self._interval, self._next = log, interval, first
        self._began = time.monotonic()

    def __call__(self, message: str) -> None:
        """Log the message, unless one was logged within the interval."""
        waited = time.monotonic() - self._began
        if waited >= self._next:
            self._log(f"{message} ({waited:.0f} s)")
            self._next = waited + self._interval


def wait_for_worker(client: ConnectClient, timeouts: Timeouts, log: Callable[[str], None]) -> None:
    """Return when a worker answers. Raises ConnectUnavailableError when the time is over."""
    progress = ProgressLog(log, timeouts.report)

    def answers() -> bool:
        if client.answers(timeout=3):
            return True
        progress("waiting for a Kafka Connect worker")
        return False

    poll_until(
        answers,
        timeout=timeouts.timeout,
        interval=timeouts.poll,
        description=f"a Kafka Connect worker at {client.url}",
        error=lambda message: ConnectUnavailableError(
            f"{message}; its state: kubectl -n data-ingestion get pod -l"
            " app.kubernetes.io/name=kafka-connect"
        ),
    )


def wait_until(
    client: ConnectClient,
    name: str,
    wanted: State,
    timeouts: Timeouts,
    log: Callable[[str], None],
    *,
    config: Config | None = None,
    explain_wait: ExplainWait = unexplained,
) -> Status:
    """Return the status once all has had the wanted state for as long as `timeouts` says.

    A connector is RUNNING when its tasks have its configuration, too: `config`, or by default what
    Connect says that it is. While it is not, `explain_wait` is asked once in `timeouts.report`
    seconds what it waits for.

    A connector that is held gets its new configuration while it is: it is UNASSIGNED for a moment
    after it has been PAUSED or STOPPED already. Failed tasks are restarted MAXIMUM_RESTARTS times,
    within RESTART_SECONDS; a stopped connector has none left.
    Raises ConnectorFailedError with the first cause, NotInTimeError when the time is over.
    """
    settle = timeouts.settle if wanted == "RUNNING" else min(timeouts.settle, SETTLE_SECONDS)
    began, restarts, reached_at, last_message = time.monotonic(), 0, None, ""
    waits_for, asked_at = "", began
    while True:
        now = time.monotonic()
        status, progress = _look(client, name, config, wanted)
        if status and status.reached(wanted):
            reached_at = reached_at or now
            if now - reached_at >= settle:
                return status
            if settle > SETTLE_SECONDS:
                progress += f", must last {settle:.0f} s"
        else:
            reached_at = None
            if now - asked_at >= timeouts.report:
                waits_for, asked_at = explain_wait(status), now
            progress += f"; it waits for {waits_for}" if waits_for else ""
        # Tasks that have failed with an earlier configuration say nothing of the present one.
        if status and status.failed and not status.earlier and wanted != "STOPPED":
            if restarts == MAXIMUM_RESTARTS or now - began > RESTART_SECONDS:
                raise ConnectorFailedError(explain(name, status))
            restarts += 1
            progress += f", restart {restarts} of {MAXIMUM_RESTARTS}"
            _restart(client, name, timeouts)
        if reached_at is None and now - began > timeouts.timeout:
            if not waits_for and (waits_for := explain_wait(status)):
                progress += f"; it waits for {waits_for}"
            unconfigured = wanted == "RUNNING" and _is_unconfigured(client, name, status)
            raise NotInTimeError(
                f"connector {name} is not {wanted} after {now - began:.0f} s: {progress}."
                f" {_reconfiguration_advice(waits_for) if unconfigured else advice_for('')}"
            )
        if progress != last_message:
            log(f"{name}: {progress} ({now - began:.0f} s)")
            last_message = progress
        time.sleep(timeouts.poll)


def _look(
    client: ConnectClient, name: str, config: Config | None, wanted: State
) -> tuple[Status | None, str]:
    """Return the status, or why it can't be read now, such as a worker that restarts."""
    try:
        if wanted == "RUNNING":
            status = read_status(client, name, config)
        else:
            status = current_status(client, name)
        return status, status.progress()
    except ConnectorMissingError:
        return None, "not yet taken up by a worker"
    except (ConnectUnavailableError, UnsettledError) as error:
        return None, str(error)


def _is_unconfigured(client: ConnectClient, name: str, status: Status | None) -> bool:
    """Return whether Connect has not given the tasks a running connector's configuration.

    A task that has one and no state is starting.
    """
    if status is None or status.connector != "RUNNING" or status.earlier:
        return status is not None and bool(status.earlier)
    try:
        return not status.tasks and not client.task_configs(name)
    except ConnectError:  # the caller reports that the connector is not as wanted
        return False


def _reconfiguration_advice(waits_for: str) -> str:
    known = f" {advice_for(waits_for)}" if is_known(waits_for) else ""
    return f"{RECONFIGURATION_ADVICE}.{known} Then run up again."


def _restart(client: ConnectClient, name: str, timeouts: Timeouts) -> None:
    time.sleep(timeouts.restart_delay)
    client.restart_failed(name)
    time.sleep(timeouts.poll)
