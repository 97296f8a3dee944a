"""A connector as a Pulumi resource, kept by Kafka Connect's REST API."""

import time
from collections.abc import Collection
from dataclasses import replace
from functools import partial
from typing import Any

import pulumi
from pulumi import dynamic

from components.dynamic_provider import Provider
from components.streaming.connectors import progress
from components.streaming.connectors.added_tables import (
    announce,
    announced,
    captured_tables,
    read_rows,
    reader_name,
    remove_reader,
    unread_tables,
)
from components.streaming.connectors.captured_server import with_server, without_server
from components.streaming.connectors.debezium import (
    CAPTURING_CLASSES,
    DEBEZIUM_POSTGRES,
    DebeziumPostgresConnector,
)
from components.streaming.connectors.lifecycle import converge, forget_offsets
from components.streaming.connectors.missed_tables import missed_tables, record_read, to_read
from components.streaming.connectors.model import Connector
from components.streaming.connectors.preview import examine, resets
from components.streaming.connectors.recovery import require_no_recovery
from components.streaming.connectors.slot import release_slot
from components.streaming.connectors.waiting import waiting_reasons
from kafka_connect.access import ServiceProxy, WorkerAccess, open_client
from kafka_connect.connector_state import State
from kafka_connect.failures import (
    ConnectorMissingError,
    WorkerMissingError,
)
from kafka_connect.startup import (
    Timeouts,
    wait_for_worker,
)
from kafka_connect.status import Status
from kafka_connect.task_configs import read_steady_status

# Inputs of which a change is an update.
COMPARED = ("config", "access", "state", "reset_offsets", "drop_slot", "captured")

Properties = dict[str, Any]


class KafkaConnectorProvider(Provider):
    """Create, read, update and delete over REST.

    Pulumi pickles the provider into the state: it has no attributes, and is found by its name.
    """

    serialize_as_secret_always = False

    def check(self, olds: Properties, news: Properties) -> dynamic.CheckResult:
        """Validate what is new, on the worker if it can be reached, and say which it was."""
        return dynamic.CheckResult(news, list(examine(olds, news)))

    def diff(self, _id: str, olds: Properties, news: Properties) -> dynamic.DiffResult:
        """Replace the connector for a different name or class; change the rest in place."""
        replaces = [key for key in ("name",) if olds.get(key) != news[key]]
        if _class_of(olds) != _class_of(news):
            replaces.append("config")
        # A resource from before there was drop_slot has none, which is the same as False.
        changed = any((olds.get(key) or None) != (news.get(key) or None) for key in COMPARED)
        changed = changed or bool(_tables_to_read(news, _rows_read(olds)))
        return dynamic.DiffResult(
            changes=bool(replaces) or changed,
            replaces=replaces,
            # Both would read the same replication slot or consumer group.
            delete_before_replace=True,
        )

    def create(self, props: Properties) -> dynamic.CreateResult:
        """Put the configuration and wait for the state; an existing connector is taken over.

        That is how a connector is imported: Pulumi's own import reads without inputs, and it is
        them that carry a dynamic provider. Offsets stay.
        """
        client = open_client(props["access"])
        wait_for_worker(client, _timeouts(props), progress.info)
        try:
            before = client.config(props["name"])
        except ConnectorMissingError:
            before = props["config"]  # a new connector reads all of them itself
        left = announced(client, props["name"])
        read = [table for table in captured_tables(before) if table not in left]
        return dynamic.CreateResult(props["name"], self._apply({}, props, read))

    def update(self, _id: str, olds: Properties, news: Properties) -> dynamic.UpdateResult:
        """Put configuration and state, restart what failed, forget offsets if newly asked to.

        The rows that newly captured tables have are read, too, before it returns.
        """
        applied = self._apply(olds, news, _rows_read(olds))
        if resets(olds, news):
            forget_offsets(open_client(news["access"]), news["name"])
        return dynamic.UpdateResult(applied)

    def read(self, id_: str, props: Properties) -> dynamic.ReadResult:
        """Return what Connect has now; an empty id where the connector is gone."""
        client = open_client(props["access"])
        try:
            config = without_server(client.config(id_), props.get("captured"))
            status = read_steady_status(client, id_)
        except (ConnectorMissingError, WorkerMissingError):
            return dynamic.ReadResult("", {})
        found = {**props, "name": id_, "config": config} | _observed(status)
        # As inputs too, so that the next preview shows each property that has drifted.
        inputs = {key: value for key, value in found.items() if key != "rows_read"}
        return dynamic.ReadResult(id_, found, inputs | {"tasks": None})

    def delete(self, id_: str, props: Properties) -> None:
        """Remove the connector and, with `drop_slot`, its offsets and slot; its topics stay.

        Offsets without their slot would make a later connector of the same name begin after
        changes that nobody has captured. Raises PodExecError if the slot can't be dropped.
        """
        client = open_client(props["access"])
        try:
            if captured_tables(props["config"]):
                remove_reader(client, id_)
            if props.get("drop_slot"):
                converge(client, id_, props["config"], "STOPPED", _timeouts(props))
                forget_offsets(client, id_)
            client.delete(id_)
        except (ConnectorMissingError, WorkerMissingError) as gone:
            progress.info(f"{id_}: nothing to delete: {gone}")
        if message := release_slot(props):
            progress.warn(f"{id_}: {message}")

    def _apply(self, olds: Properties, news: Properties, rows_read: Collection[str]) -> Properties:
        name, state = news["name"], news["state"]
        config = with_server(news["config"], news.get("captured"))
        client, timeouts = open_client(news["access"]), _timeouts(news)
        if captured_tables(config):
            require_no_recovery(client, name)
        missed = frozenset(missed_tables(olds, news))
        rows_read = [table for table in rows_read if table not in missed]
        tables = _tables_to_read(news, rows_read)
        if tables and not olds:
            # An existing connector's own list is all that says what it has read.
            announce(client, name, config, to_read(news, tables), timeouts)
        if tables:
            # No task that does not capture them yet may be left when their rows are read.
            converge(client, name, config, "STOPPED", timeouts)
        if news["config"] != olds.get("config") and "settle_seconds" in news:
            timeouts = replace(timeouts, settle=float(news["settle_seconds"]))
        explain_wait = partial(waiting_reasons, news, time.monotonic())
        status = converge(client, name, config, state, timeouts, explain_wait=explain_wait)
        if tables:
            limit = _timeouts(news, "snapshot_timeout_seconds")
            reader = {**news, "name": reader_name(name)}
            explain_wait = partial(waiting_reasons, reader, time.monotonic())
            read_rows(client, name, config, to_read(news, tables), limit, explain_wait=explain_wait)
        elif captured_tables(config):
            # That of a killed update: its tables are not wanted now, and may change meanwhile.
            remove_reader(client, name)
        done = _done(news, rows_read)
        record_read(news, done)
        return dict(news) | _observed(status) | {"rows_read": done}


class KafkaConnector(dynamic.Resource, module="kafka", name="Connector"):
    """A connector on a Connect cluster. Up waits until it and all its tasks have their state.

    An existing connector of the same name is taken over, with its offsets. A preview validates a
    changed configuration on the worker; refresh finds a changed configuration, a paused, stopped
    or failed connector, one whose tasks have an earlier configuration, and one that was deleted.
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
        snapshot_timeout_seconds: int = 3600,
        captured: pulumi.Input[dict[str, Any]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare `connector` on `worker`, whose processes have these environment variables.

        `reset_offsets` is any text, such as a date: when it changes while `state` is STOPPED, the
        connector forgets its offsets, and starts from the beginning once it runs again.
        `snapshot_timeout_seconds` is for the rows that newly captured tables had before.
        `captured` is what the database's schema says of a source's tables (DatabaseSchema).
        Raises pulumi.RunError if the connector refers to a variable that does not exist, or its
        slot must be dropped but the database can't be reached.
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
                "snapshot_timeout_seconds": snapshot_timeout_seconds,
                "settle_seconds": connector.settle_seconds(),
                "state": state,
                "tasks": None,
                "reset_offsets": reset_offsets,
                "drop_slot": drop_slot,
                "captured": captured,
            },
            opts,
        )


def require_way_to_slot(connector: Connector, worker: WorkerAccess) -> bool:
    """Return whether the connector's slot is dropped with it.

    Raises ValueError if it must be, but the worker is not reached through a Kubernetes API server.
    """
    if not (isinstance(connector, DebeziumPostgresConnector) and connector.drop_slot):
        return False
    if not isinstance(worker, ServiceProxy):
        raise ValueError(
            f"connector {connector.name}: drop_slot runs psql in the database's pod and needs a"
            " worker reached by ServiceProxy; drop the slot yourself, or leave drop_slot false"
        )
    return True


def _timeouts(props: Properties, limit: str = "start_timeout_seconds") -> Timeouts:
    return Timeouts(timeout=float(props[limit]))


def _rows_read(olds: Properties) -> list[str]:
    """Return the tables whose rows no update has to read any more.

    A resource from before this was remembered has read those that it captures.
    """
    read = olds.get("rows_read")
    return list(captured_tables(olds.get("config") or {}) if read is None else read)


def _tables_to_read(props: Properties, rows_read: Collection[str]) -> tuple[str, ...]:
    """Return the tables whose existing rows an additional connector must read now."""
    if props["state"] != "RUNNING":
        return ()
    return unread_tables(props["config"], rows_read)


def _done(props: Properties, rows_read: Collection[str]) -> list[str]:
    captured, read = captured_tables(props["config"]), frozenset(rows_read)
    return [table for table in captured if props["state"] == "RUNNING" or table in read]


def _observed(status: Status) -> Properties:
    """Return outputs with the status; transitional states are left out, so they are not drift."""
    return {"state": status.summary, "tasks": list(status.tasks)}


def _class_of(props: Properties) -> str | None:
    """Return a connector's class; ours takes over from Debezium's with its slot and offsets."""
    kind: str | None = (props.get("config") or {}).get("connector.class")
    return DEBEZIUM_POSTGRES if kind in CAPTURING_CLASSES else kind
