"""A connector as a Pulumi resource, kept by Kafka Connect's REST API."""

import functools
from collections.abc import Callable, Collection, Mapping
from typing import Any, ParamSpec, TypeVar

import pulumi
from pulumi import dynamic

from components.cluster_access import ClusterAccessError
from components.streaming.connectors import progress
from components.streaming.connectors.access import WorkerAccess, open_access
from components.streaming.connectors.client import ConnectClient
from components.streaming.connectors.failures import (
    ConnectError,
    ConnectorMissingError,
    ConnectUnavailableError,
    WorkerMissingError,
)
from components.streaming.connectors.model import Connector, literal_secrets
from components.streaming.connectors.startup import (
    ConnectorFailedError,
    NotRunningInTimeError,
    Patience,
    wait_for_worker,
    wait_until_running,
)
from components.streaming.connectors.status import Status, advice_for

PREVIEW_REACH_SECONDS = 3
"""How long a preview looks for a worker before it validates offline."""

ENVIRONMENTAL = ("Unable to connect", "Error while validating connector config")
"""Messages of a validation that depend on what runs at the moment, not on the configuration."""

Properties = dict[str, Any]
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def _without_traceback(method: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Let errors that explain themselves reach the user without the way they took.

    Pulumi prints the whole traceback of whatever a dynamic provider raises.
    """

    @functools.wraps(method)
    def shortened(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return method(*args, **kwargs)
        except (
            ClusterAccessError,
            ConnectError,
            ConnectorFailedError,
            NotRunningInTimeError,
        ) as error:
            explained = error
        raise explained.with_traceback(None) from None

    return shortened


class KafkaConnectorProvider(dynamic.ResourceProvider):
    """Create, read, update and delete over REST.

    Pulumi pickles the provider into the state: it has no attributes, and is found by its name.
    """

    serialize_as_secret_always = False

    @_without_traceback
    def check(self, olds: Properties, news: Properties) -> dynamic.CheckResult:
        """Validate what is new, on the worker if it can be reached, and say which it was."""
        config = news["config"]
        if config == olds.get("config") or not _known(news):
            return dynamic.CheckResult(news, [])
        name = news["name"]
        failures = [
            _refused(f"{key} is a secret and stands there literally")
            for key in literal_secrets(config)
        ]
        client = _reachable_client(news["access"])
        if client is None:
            progress.info(f"{name}: validated offline, no Kafka Connect worker answers yet")
        else:
            failures += _validate_on_worker(client, name, config)
        return dynamic.CheckResult(news, failures)

    def diff(self, _id: str, olds: Properties, news: Properties) -> dynamic.DiffResult:
        """A different name or class is another connector; the rest changes in place."""
        replaces = [key for key in ("name",) if olds.get(key) != news[key]]
        if _class_of(olds) != _class_of(news):
            replaces.append("config")
        changed = any(olds.get(key) != news[key] for key in ("config", "access", "state"))
        return dynamic.DiffResult(
            changes=bool(replaces) or changed,
            replaces=replaces,
            # Both would read the same replication slot or consumer group.
            delete_before_replace=True,
        )

    @_without_traceback
    def create(self, props: Properties) -> dynamic.CreateResult:
        """Put the configuration and wait until all runs; an existing connector is taken over."""
        return dynamic.CreateResult(props["name"], self._apply(props))

    @_without_traceback
    def update(self, _id: str, _olds: Properties, news: Properties) -> dynamic.UpdateResult:
        """Put the configuration, restart what failed, and wait until all runs."""
        return dynamic.UpdateResult(self._apply(news))

    @_without_traceback
    def read(self, id_: str, props: Properties) -> dynamic.ReadResult:
        """What Connect has now; an empty id where the connector is gone."""
        client = _client(props["access"])
        try:
            config, status = client.config(id_), Status.of(client.status(id_))
        except (ConnectorMissingError, WorkerMissingError):
            return dynamic.ReadResult("", {})
        found = {**props, "name": id_, "config": config} | _observed(status)
        # As inputs too, so that the next preview shows each property that has drifted.
        return dynamic.ReadResult(id_, found, found | {"tasks": None})

    @_without_traceback
    def delete(self, id_: str, props: Properties) -> None:
        """Remove the connector, if it is still there; topics, offsets and slot stay."""
        try:
            _client(props["access"]).delete(id_)
        except (ConnectorMissingError, WorkerMissingError) as gone:
            progress.info(f"{id_}: nothing to delete: {gone}")

    def _apply(self, props: Properties) -> Properties:
        client, name = _client(props["access"]), props["name"]
        patience = Patience(timeout=float(props["start_timeout_seconds"]))
        wait_for_worker(client, patience, progress.info)
        _put(client, name, props["config"])
        client.resume(name)
        status = wait_until_running(client, name, patience, progress.info)
        return dict(props) | _observed(status)


class KafkaConnector(dynamic.Resource, module="kafka", name="Connector"):
    """A connector on a Connect cluster. Up waits until it and all its tasks are RUNNING.

    A preview validates a changed configuration on the worker; refresh finds a changed
    configuration, a paused, stopped or failed connector, and one that was deleted.
    """

    config: pulumi.Output[dict[str, str]]
    state: pulumi.Output[str]
    tasks: pulumi.Output[list[str]]

    def __init__(
        self,
        resource_name: str,
        connector: Connector,
        worker: WorkerAccess,
        *,
        environment: Collection[str],
        start_timeout_seconds: int = 180,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare `connector` on `worker`, whose processes have these environment variables.

        Raises pulumi.RunError where the connector refers to a variable that is not there.
        """
        try:
            connector.require_environment(environment)
        except ValueError as error:
            raise pulumi.RunError(str(error)) from None
        super().__init__(
            KafkaConnectorProvider(),
            resource_name,
            {
                "name": connector.name,
                "config": connector.properties(),
                "access": worker.inputs(),
                "start_timeout_seconds": start_timeout_seconds,
                "state": "RUNNING",
                "tasks": None,
            },
            opts,
        )


def _put(client: ConnectClient, name: str, config: dict[str, str]) -> None:
    """Raises ConnectError with what to do where the worker refuses the configuration.

    The worker tries the database's address and password before it accepts a source.
    """
    try:
        client.put(name, config)
    except ConnectUnavailableError:
        raise
    except ConnectError as refusal:
        raise ConnectError(f"{refusal}\n  what to do: {advice_for(str(refusal))}") from None


def _client(access: Mapping[str, Any]) -> ConnectClient:
    return ConnectClient(*open_access(access))


def _reachable_client(access: Mapping[str, Any]) -> ConnectClient | None:
    try:
        client = _client(access)
    except ClusterAccessError:
        return None
    return client if client.answers(PREVIEW_REACH_SECONDS) else None


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
        return [_refused(str(error))]
    progress.info(f"{name}: validated on the Kafka Connect worker")
    return list(_check_failures(name, complaints))


def _check_failures(name: str, complaints: Mapping[str, list[str]]) -> list[dynamic.CheckFailure]:
    failures = []
    for key, messages in complaints.items():
        for message in messages:
            if message.startswith(ENVIRONMENTAL):
                # May be right once this update has been applied; the worker judges again then.
                progress.warn(f"{name}: {key}: {message}")
            else:
                failures.append(_refused(f"{key}: {message}"))
    return failures


def _refused(reason: str) -> dynamic.CheckFailure:
    # Of a named property Pulumi would print the whole value, here all of the configuration.
    return dynamic.CheckFailure("", reason)


def _observed(status: Status) -> Properties:
    """Outputs that say how it is; what passes by itself is not shown, so it is no drift."""
    return {"state": status.summary, "tasks": list(status.tasks)}


def _known(props: Properties) -> bool:
    """Whether nothing is left that only the update itself will tell."""
    values = [*props["config"].values(), *props["access"].values()]
    return not any(value == pulumi.runtime.rpc.UNKNOWN for value in values)


def _class_of(props: Properties) -> str | None:
    config = props.get("config") or {}
    return config.get("connector.class")
