"""Waiting for a connector and all its tasks to be RUNNING, or paused or stopped as wanted."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from kafka_connect.client import ConnectClient
from kafka_connect.connector_state import State
from kafka_connect.failures import (
    ConnectorMissingError,
    ConnectUnavailableError,
    UnsettledError,
)
from kafka_connect.status import (
    SETTLE_SECONDS,
    Status,
    advice_for,
    explain,
)

# How often failed tasks are restarted, for causes that pass: a new database or IAM policy.
MAXIMUM_RESTARTS = 2
# A task that fails after these seconds is reported immediately, so within a minute.
RESTART_SECONDS = 20


class ConnectorFailedError(Exception):
    """The connector or a task failed; the message has the first cause and what to do."""


class NotInTimeError(Exception):
    """The connector has neither the wanted state nor FAILED when the time is over."""


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds. Tests shorten them."""

    timeout: float
    poll: float = 1.0
    settle: float = SETTLE_SECONDS
    """RUNNING must last this long, another state at most SETTLE_SECONDS of it"""
    restart_delay: float = 5.0
    report: float = 10.0
    """between two lines that say the same"""


def wait_for_worker(client: ConnectClient, patience: Patience, say: Callable[[str], None]) -> None:
    """Return when a worker answers. Raises ConnectUnavailableError when the time is over."""
    began, next_line = time.monotonic(), 0.0
    while not client.answers(timeout=3):
        waited = time.monotonic() - began
        if waited > patience.timeout:
            raise ConnectUnavailableError(
                f"no Kafka Connect worker answered at {client.url} within {waited:.0f} s;"
                " kubectl get pod -l app.kubernetes.io/name=kafka-connect shows its state"
            )
        if waited >= next_line:
            say(f"waiting for a Kafka Connect worker ({waited:.0f} s)")
            next_line = waited + patience.report
        time.sleep(patience.poll)


def wait_until(
    client: ConnectClient,
    name: str,
    wanted: State,
    patience: Patience,
    say: Callable[[str], None],
) -> Status:
    """Return the status once all has had the wanted state for as long as `patience` wants it.

    A connector that is held gets its new configuration while it is: it is UNASSIGNED for a moment
    after it has been PAUSED or STOPPED already. Failed tasks are restarted MAXIMUM_RESTARTS times,
    within RESTART_SECONDS; a stopped connector has none left.
    Raises ConnectorFailedError with the first cause, NotInTimeError when the time is over.
    """
    settle = patience.settle if wanted == "RUNNING" else min(patience.settle, SETTLE_SECONDS)
    began, restarts, reached_at, said = time.monotonic(), 0, None, ""
    while True:
        now = time.monotonic()
        status, progress = _look(client, name)
        if status and status.reached(wanted):
            reached_at = reached_at or now
            if now - reached_at >= settle:
                return status
            if settle > SETTLE_SECONDS:
                progress += f", watched for {settle:.0f} s before it is believed"
        else:
            reached_at = None
        if status and status.failed and wanted != "STOPPED":
            if restarts == MAXIMUM_RESTARTS or now - began > RESTART_SECONDS:
                raise ConnectorFailedError(explain(name, status))
            restarts += 1
            progress += f", restart {restarts} of {MAXIMUM_RESTARTS}"
            _restart(client, name, patience)
        if reached_at is None and now - began > patience.timeout:
            raise NotInTimeError(
                f"connector {name} is not {wanted} after {now - began:.0f} s: {progress}."
                f" {advice_for('')}"
            )
        if progress != said:
            say(f"{name}: {progress} ({now - began:.0f} s)")
            said = progress
        time.sleep(patience.poll)


def _look(client: ConnectClient, name: str) -> tuple[Status | None, str]:
    """Return the status, or why it can't be read now, such as a worker that restarts."""
    try:
        status = Status.of(client.status(name))
        return status, status.progress()
    except ConnectorMissingError:
        return None, "not yet taken up by a worker"
    except (ConnectUnavailableError, UnsettledError) as error:
        return None, str(error)


def _restart(client: ConnectClient, name: str, patience: Patience) -> None:
    time.sleep(patience.restart_delay)
    client.restart_failed(name)
    time.sleep(patience.poll)
