"""What a preview says of a connector: contradictions, the worker's validation, what up will do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, get_args

import pulumi
from pulumi import dynamic

from components.streaming.connectors import progress
from components.streaming.connectors.added_tables import captured_tables, reader_name, unread_tables
from components.streaming.connectors.lifecycle import describe_takeover
from components.streaming.connectors.model import literal_secrets
from kafka_connect.access import open_client
from kafka_connect.cluster_access import ClusterAccessError
from kafka_connect.connector_state import State
from kafka_connect.failures import (
    ConnectError,
    ConnectorMissingError,
    ConnectUnavailableError,
)
from kafka_connect.status import RECONFIGURATION_ADVICE, explain
from kafka_connect.task_configs import read_steady_status

if TYPE_CHECKING:
    from kafka_connect.client import ConnectClient

# How long a preview looks for a worker before it validates offline.
REACH_SECONDS = 3

# Messages of a validation that depend on what runs at the moment, not on the configuration.
ENVIRONMENTAL = ("Unable to connect", "Error while validating connector config")
# A class that the worker's image lacks; the same update may bring another image.
NOT_ON_THIS_WORKER = "could not be found."

Properties = dict[str, Any]


def examine(olds: Properties, news: Properties) -> Iterator[dynamic.CheckFailure]:
    """Yield what is wrong with a connector's new inputs; show who validated them."""
    config, name = news["config"], news["name"]
    yield from _contradictions(olds, news)
    if not _known(news):
        return
    if config == olds.get("config"):
        _tell_of_failure(name, news["access"])
        return
    for key in literal_secrets(config):
        yield refused(f"{key} must not be a literal secret; use ${{env:NAME}}")
    _tell_of_added_tables(name, olds.get("config"), config)
    client = _reachable_client(news["access"])
    if client is None:
        progress.info(f"{name}: validated offline, no Kafka Connect worker answers yet")
        return
    yield from _validate_on_worker(client, name, config)
    if not olds:
        _tell_of_takeover(client, name, config)


def resets(olds: Properties, news: Properties) -> bool:
    """Return whether an existing connector is newly asked to forget its offsets."""
    wanted = news.get("reset_offsets")
    return bool(olds) and wanted is not None and wanted != olds.get("reset_offsets")


def refused(reason: str) -> dynamic.CheckFailure:
    """Return a failure of no property: of a named one Pulumi would print the whole value."""
    return dynamic.CheckFailure("", reason)


def _contradictions(olds: Properties, news: Properties) -> Iterator[dynamic.CheckFailure]:
    state = news["state"]
    if state not in get_args(State):
        yield refused(f"state {state!r}: write one of {', '.join(get_args(State))}")
    if resets(olds, news) and state != "STOPPED":
        yield refused(
            "reset_offsets has changed, but offsets can be reset while the connector is STOPPED"
            f" only, and state is {state}: set state to STOPPED together with reset_offsets, run"
            " up, then set state back"
        )


def _known(props: Properties) -> bool:
    """Return whether all inputs are known before the update."""
    values = [*props["config"].values(), *props["access"].values()]
    return not any(value == pulumi.runtime.rpc.UNKNOWN for value in values)


def _tell_of_added_tables(
    name: str, before: Mapping[str, str] | None, config: Mapping[str, str]
) -> None:
    if before is None:
        return
    if added := unread_tables(config, captured_tables(before)):
        progress.info(
            f"{name}: newly captures {', '.join(added)}; up reads the rows that are there already"
            f" with a connector of its own, {reader_name(name)}, and waits for it"
        )


def _tell_of_failure(name: str, access: Mapping[str, Any]) -> None:
    """Warn of a connector that does not run as declared and that the update does not change."""
    client = _reachable_client(access)
    if client is None:
        return
    try:
        status = read_steady_status(client, name)
    except ConnectError:  # the update itself meets it, or refresh does
        return
    if status.failed:
        progress.warn(explain(name, status))
    elif status.earlier:
        progress.warn(f"{name}: {status.progress()}. {RECONFIGURATION_ADVICE}")


def _tell_of_takeover(client: ConnectClient, name: str, config: dict[str, str]) -> None:
    try:
        present = client.config(name)
    except (ConnectorMissingError, ConnectUnavailableError):
        return
    changes = list(describe_takeover(present, config)) or ["no property changes"]
    heading = f"{name}: exists on the worker already; up takes it over with its offsets:"
    progress.warn("\n  ".join([heading, *changes]))


def _reachable_client(access: Mapping[str, Any]) -> ConnectClient | None:
    try:
        client = open_client(access)
    except ClusterAccessError:
        return None
    return client if client.answers(REACH_SECONDS) else None


def _validate_on_worker(
    client: ConnectClient, name: str, config: dict[str, str]
) -> list[dynamic.CheckFailure]:
    try:
        if config["connector.class"] not in client.plugin_classes():
            progress.warn(
                f"{name}: validated offline, the worker has no {config['connector.class']} (yet)"
            )
            return []
        complaints = client.validate(config["connector.class"], {**config, "name": name})
    except ConnectUnavailableError as error:
        progress.warn(f"{name}: validated offline, the worker could not do it: {error}")
        return []
    except ConnectError as error:
        return [refused(str(error))]
    progress.info(f"{name}: validated on the Kafka Connect worker")
    return list(_check_failures(name, complaints))


def _check_failures(name: str, complaints: Mapping[str, list[str]]) -> list[dynamic.CheckFailure]:
    failures = []
    for key, messages in complaints.items():
        for message in messages:
            if message.startswith(ENVIRONMENTAL) or message.endswith(NOT_ON_THIS_WORKER):
                # May be right once this update has been applied; the worker judges again then.
                progress.warn(f"{name}: {key}: {message}")
            else:
                failures.append(refused(f"{key}: {message}"))
    return failures
