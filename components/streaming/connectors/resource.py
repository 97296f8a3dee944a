"""A connector as a Pulumi resource, kept by Kafka Connect's REST API."""

import functools
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, ParamSpec, TypeVar, get_args

import pulumi
from pulumi import dynamic

from components.cluster_access import ClusterAccessError
from components.streaming.connectors import progress
from components.streaming.connectors.access import ServiceProxy, WorkerAccess, open_access
from components.streaming.connectors.client import ConnectClient
from components.streaming.connectors.debezium import DebeziumPostgresConnector
from components.streaming.connectors.failures import (
    ConnectError,
    ConnectorMissingError,
    ConnectUnavailableError,
    WorkerMissingError,
)
from components.streaming.connectors.lifecycle import (
    bring_to,
    describe_takeover,
    forget_offsets,
)
from components.streaming.connectors.model import Connector, literal_secrets
from components.streaming.connectors.slot import release_slot
from components.streaming.connectors.startup import (
    ConnectorFailedError,
    NotInTimeError,
    Patience,
)
from components.streaming.connectors.status import State, Status

COMPARED = ("config", "access", "state", "reset_offsets", "drop_slot")
"""Inputs of which a change is an update."""

PREVIEW_REACH_SECONDS = 3
"""How long a preview looks for a worker before it validates offline."""

ENVIRONMENTAL = ("Unable to connect", "Error while validating connector config")
"""Messages of a validation that depend on what runs at the moment, not on the configuration."""
NOT_ON_THIS_WORKER = "could not be found."
"""A class that the worker's image lacks; the same update may bring another image."""

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
            NotInTimeError,
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
        config, name = news["config"], news["name"]
        failures = list(_contradictions(olds, news))
        if config == olds.get("config") or not _known(news):
            return dynamic.CheckResult(news, failures)
        failures += [
            _refused(f"{key} is a secret and stands there literally")
            for key in literal_secrets(config)
        ]
        client = _reachable_client(news["access"])
        if client is None:
            progress.info(f"{name}: validated offline, no Kafka Connect worker answers yet")
        else:
            failures += _validate_on_worker(client, name, config)
            if not olds:
                _tell_of_takeover(client, name, config)
        return dynamic.CheckResult(news, failures)

    def diff(self, _id: str, olds: Properties, news: Properties) -> dynamic.DiffResult:
        """A different name or class is another connector; the rest changes in place."""
        replaces = [key for key in ("name",) if olds.get(key) != news[key]]
        if _class_of(olds) != _class_of(news):
            replaces.append("config")
        # A resource from before there was drop_slot has none, which is the same as False.
        changed = any((olds.get(key) or None) != (news.get(key) or None) for key in COMPARED)
        return dynamic.DiffResult(
            changes=bool(replaces) or changed,
            replaces=replaces,
            # Both would read the same replication slot or consumer group.
            delete_before_replace=True,
        )

    @_without_traceback
    def create(self, props: Properties) -> dynamic.CreateResult:
        """Put the configuration and wait for the state; an existing connector is taken over.

        That is how a connector is imported: Pulumi's own import reads without inputs, and it is
        them that carry a dynamic provider. Offsets stay.
        """
        return dynamic.CreateResult(props["name"], self._apply(props))

    @_without_traceback
    def update(self, _id: str, olds: Properties, news: Properties) -> dynamic.UpdateResult:
        """Put configuration and state, restart what failed, forget offsets if newly told to."""
        applied = self._apply(news)
        if _resets(olds, news):
            forget_offsets(_client(news["access"]), news["name"])
        return dynamic.UpdateResult(applied)

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
        """Remove the connector; topics and offsets stay, and its slot unless told otherwise.

        Raises PodExecError where the slot can't be dropped.
        """
        try:
            _client(props["access"]).delete(id_)
        except (ConnectorMissingError, WorkerMissingError) as gone:
            progress.info(f"{id_}: nothing to delete: {gone}")
        if told := release_slot(props):
            progress.warn(f"{id_}: {told}")

    def _apply(self, props: Properties) -> Properties:
        patience = Patience(timeout=float(props["start_timeout_seconds"]))
        client = _client(props["access"])
        status = bring_to(client, props["name"], props["config"], props["state"], patience)
        return dict(props) | _observed(status)


class KafkaConnector(dynamic.Resource, module="kafka", name="Connector"):
    """A connector on a Connect cluster. Up waits until it and all its tasks have their state.

    An existing connector of the same name is taken over, with its offsets. A preview validates a
    changed configuration on the worker; refresh finds a changed configuration, a paused, stopped
    or failed connector, and one that was deleted.
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
        state: State = "RUNNING",
        reset_offsets: str | None = None,
        start_timeout_seconds: int = 180,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare `connector` on `worker`, whose processes have these environment variables.

        `reset_offsets` is any text, such as a date: when it changes while `state` is STOPPED, the
        connector forgets how far it was, and begins anew once it runs again.
        Raises pulumi.RunError where the connector refers to a variable that is not there, or its
        slot shall be dropped but the database can't be reached.
        """
        try:
            connector.require_environment(environment)
            drop_slot = require_way_to_slot(connector, worker)
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
                "state": state,
                "tasks": None,
                "reset_offsets": reset_offsets,
                "drop_slot": drop_slot,
            },
            opts,
        )


def require_way_to_slot(connector: Connector, worker: WorkerAccess) -> bool:
    """Whether the connector's slot is dropped with it.

    Raises ValueError where it shall be, but there is no Kubernetes API server to do it through.
    """
    if not (isinstance(connector, DebeziumPostgresConnector) and connector.drop_slot):
        return False
    if not isinstance(worker, ServiceProxy):
        raise ValueError(
            f"connector {connector.name}: drop_slot runs psql in the database's pod and needs a"
            " worker reached by ServiceProxy; drop the slot yourself, or leave drop_slot false"
        )
    return True


def _contradictions(olds: Properties, news: Properties) -> Iterator[dynamic.CheckFailure]:
    state = news["state"]
    if state not in get_args(State):
        yield _refused(f"state {state!r}: write one of {', '.join(get_args(State))}")
    if _resets(olds, news) and state != "STOPPED":
        yield _refused(
            "reset_offsets has changed, but offsets can be reset while the connector is STOPPED"
            f" only, and state is {state}: set state to STOPPED together with reset_offsets, run"
            " up, then set state back"
        )


def _resets(olds: Properties, news: Properties) -> bool:
    """Whether an existing connector is newly told to forget its offsets."""
    wanted = news.get("reset_offsets")
    return bool(olds) and wanted is not None and wanted != olds.get("reset_offsets")


def _tell_of_takeover(client: ConnectClient, name: str, config: dict[str, str]) -> None:
    try:
        present = client.config(name)
    except (ConnectorMissingError, ConnectUnavailableError):
        return
    changes = list(describe_takeover(present, config)) or ["no property changes"]
    told = f"{name}: exists on the worker already; up takes it over with its offsets:"
    progress.warn("\n  ".join([told, *changes]))


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
            if message.startswith(ENVIRONMENTAL) or message.endswith(NOT_ON_THIS_WORKER):
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
