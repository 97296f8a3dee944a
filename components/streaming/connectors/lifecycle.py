"""Bringing a connector to what its resource says: configuration, state, and offsets forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from components.streaming.connectors import progress
from components.streaming.connectors.model import SECRET_KEY
from kafka_connect.connector_state import State
from kafka_connect.failures import (
    ConnectError,
    ConnectorMissingError,
    ConnectUnavailableError,
)
from kafka_connect.startup import (
    ExplainWait,
    Timeouts,
    unexplained,
    wait_for_worker,
    wait_until,
)
from kafka_connect.status import Status, advice_for

if TYPE_CHECKING:
    from kafka_connect.client import ConnectClient


def converge(
    client: ConnectClient,
    name: str,
    config: dict[str, str],
    state: State,
    timeouts: Timeouts,
    *,
    explain_wait: ExplainWait = unexplained,
) -> Status:
    """Put the configuration and the state, and wait until both are reached.

    Raises ConnectError with what to do where the worker refuses the configuration, and what
    wait_until raises.
    """
    wait_for_worker(client, timeouts, progress.info)
    try:
        _put(client, name, config, state)
    except ConnectUnavailableError:
        raise
    except ConnectError as refusal:
        # The worker tries the database's address and password before it accepts a source.
        raise ConnectError(f"{refusal}\n  what to do: {advice_for(str(refusal))}") from None
    return wait_until(
        client, name, state, timeouts, progress.info, config=config, explain_wait=explain_wait
    )


def _put(client: ConnectClient, name: str, config: dict[str, str], state: State) -> None:
    """Put the configuration so that a connector that must not run never runs with it."""
    if state == "RUNNING":
        client.put(name, config)
        client.resume(name)
        return
    hold = client.pause if state == "PAUSED" else client.stop
    try:
        hold(name)
    except ConnectorMissingError:
        client.create(name, config, state)
        return
    client.put(name, config)


def forget_offsets(client: ConnectClient, name: str) -> None:
    """Reset the offsets of a stopped connector, and show what they were."""
    for line in describe_offsets(client.offsets(name)):
        progress.info(f"{name}: offset before the reset: {line}")
    progress.info(f"{name}: {client.reset_offsets(name)}")


def describe_offsets(offsets: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a line for each partition of a connector's own terms."""
    for entry in offsets:
        yield f"{_pairs(entry['partition'])}: {_pairs(entry['offset'])}"


def _pairs(fields: Mapping[str, Any] | None) -> str:
    return ", ".join(f"{key}={value}" for key, value in (fields or {}).items()) or "none"


def describe_takeover(present: Mapping[str, str], wanted: Mapping[str, str]) -> Iterator[str]:
    """Yield the changes of an existing connector, property by property, secrets masked."""
    for key in sorted({*present, *wanted}):
        before, after = present.get(key), wanted.get(key)
        if before != after:
            yield f"{key}: {_shown(key, before)} → {_shown(key, after)}"


def _shown(key: str, value: str | None) -> str:
    if value is None:
        return "(none)"
    return "[secret]" if SECRET_KEY.search(key.lower()) else value
