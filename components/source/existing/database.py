"""An existing database as a resource: checked in each preview, and what the archive has of it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pulumi
from pulumi import dynamic

from components.config.existing_source import ENCRYPTED, ExistingSource
from components.dynamic_provider import Provider
from components.source.existing.captured import Tables
from components.source.existing.doctor import problems
from components.source.existing.identity import identity
from components.source.existing.problem import Problem, UnreachableError
from components.source.existing.reach import Way, connected
from components.source.existing.release import kept, release_slot
from components.source.existing.server_checks import Server
from components.source.existing.shared_servers import SharedServers
from components.source.existing.table_checks import MISSED
from components.source.existing.vantage_choice import open_way
from components.source.existing.worker_place import WorkerPlace

UNKNOWN = pulumi.runtime.rpc.UNKNOWN
INPUTS = ("name", "source", "avro_names")
# The tables as they are, in the form in which the state keeps what the archive has of them.
_LIVE = "SELECT name, entry FROM live"
# The variable by which `recover tables --again` has tables read again, as source.schema.table;
# clients/recover/tables.py has the same.
READ_AGAIN = "DATAPIPE_READ_AGAIN"
# Of all sources that are checked: Pulumi calls the providers of a stack in one process.
_SERVERS = SharedServers()
_WAL_POSITION = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint"


class ExistingDatabaseProvider(Provider):
    """Asks the database, and never changes it; its administrator does (`make source-sql`)."""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Refuse what can't be captured right, with what mends it; say what will be read again.

        A database that is captured already may be away for a while: that is a warning. The engine
        hands the old inputs, `seen` of the last update among them, and no outputs.
        """
        if any(news.get(name) == UNKNOWN for name in INPUTS):
            return dynamic.CheckResult(news, [])
        name, last = news["name"], olds.get("seen")
        if news["source"]["password"] == ENCRYPTED:
            print(f"{name} was not asked: its password is encrypted", file=sys.stderr)
            return dynamic.CheckResult(news, [])
        try:
            way = _way(news)
            if way.why_here:
                print(
                    f"{name} is looked at from {way.vantage.name}: {way.why_here}", file=sys.stderr
                )
            found, seen = _examine(way, olds, news)
            for problem in found:
                if problem.level == "warning":
                    print(f"warning: {name}: {problem}", file=sys.stderr)
            if refused := [f"{name}: {each}" for each in found if each.level == "refused"]:
                return dynamic.CheckResult(news, [dynamic.CheckFailure("", one) for one in refused])
        except UnreachableError as error:
            if not last or _to_read_again(name):
                return dynamic.CheckResult(news, [dynamic.CheckFailure("", f"{name}: {error}")])
            print(f"warning: {name} was not checked: {error}", file=sys.stderr)
            return dynamic.CheckResult(news | {"seen": last | {"missed": {}}}, [])
        for table, reason in seen["missed"].items():
            print(f"{table}: {reason}. up reads the table again.", file=sys.stderr)
        return dynamic.CheckResult(news | {"seen": seen}, [])

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        return dynamic.CreateResult(props["name"], self._apply({}, props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        changed = any(olds.get(name) != news.get(name) for name in INPUTS)
        return dynamic.DiffResult(changes=changed or olds.get("seen") != news.get("seen"))

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        return dynamic.UpdateResult(self._apply(olds, news))

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Drop the slot, or say that it stays; the connector is gone already."""
        name, source = props["name"], _source(props)
        drops = source.on_removal == "drop"
        # The state of an earlier version has none.
        worker = WorkerPlace(**props["worker"]) if "worker" in props else None
        message = release_slot(name, source, worker)[1] if drops else kept(name, source)
        print(f"warning: {message}", file=sys.stderr)

    def _apply(self, olds: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
        """Return the outputs. What was missed is kept by table and time: an update that fails
        before the connector has read one leaves it to the next.

        Raises UnreachableError where the database does not answer any more.
        """
        way, entries = _way(news), _parsed(olds.get("captured"))
        with connected(way) as connection:
            server = Server(way, connection)
            # Before the tables: what changes meanwhile comes after it.
            position = str(server.value(_WAL_POSITION))
            tables = Tables(server, news["avro_names"], entries)
            seen = _seen(tables, _captured_server(way.source, olds))
        now = datetime.now(UTC).isoformat()
        missed = (olds.get("captured") or {}).get("missed", {})
        return {
            **{name: news[name] for name in INPUTS},
            "worker": news["worker"],
            "seen": seen | {"missed": {}},
            "captured": {
                "applied": now,
                "entries": seen["entries"],
                "missed": missed | dict.fromkeys(seen["missed"], now),
                "wal_position": position,
                "server": seen["server"],
                "kept_in_state": True,
            },
        }


def _way(props: Mapping[str, Any]) -> Way:
    """Return the way to the database. Raises UnreachableError."""
    return open_way(props["name"], _source(props), WorkerPlace(**props["worker"]))


def _examine(
    way: Way, olds: Mapping[str, Any], news: Mapping[str, Any]
) -> tuple[list[Problem], dict[str, Any]]:
    """Return what is wrong with the database and, where nothing is refused, what it has now."""
    if problem := _SERVERS.account_problem(way):
        return [problem], {}
    captured = _captured_server(way.source, olds)
    with _SERVERS.connected(way) as connection:
        tables = Tables(Server(way, connection), news["avro_names"], _parsed(olds.get("seen")))
        found = list(problems(tables, captured, _SERVERS))
        if any(problem.level == "refused" for problem in found):
            return found, {}
        return found, _seen(tables, captured)


def _seen(tables: Tables, captured: str | None) -> dict[str, Any]:
    """Return what the database has now; `captured` is the server that is captured already."""
    live = dict(tables.rows(_LIVE))
    # After the tables as they are: a change in between is missed, and not taken for known.
    missed = {table: reason for kind, table, reason in tables.rows("found.sql") if kind == MISSED}
    (row,) = tables.rows("description.sql")
    return {
        # As text: the engine would turn numbers into floats, and lose the columns' order.
        "entries": json.dumps(live, sort_keys=True),
        "described": row[0],
        "server": captured or identity(tables.server.connection),
        "missed": {
            **{table: reason for table, reason in missed.items() if table in tables.entries},
            **dict.fromkeys(_to_read_again(tables.server.name), "it is to be read again"),
        },
    }


def _to_read_again(name: str) -> list[str]:
    """Return the source's tables that this update reads again, as schema.table."""
    asked = [one.partition(".") for one in os.environ.get(READ_AGAIN, "").split(",")]
    return [table for source, _, table in asked if source == name]


def _captured_server(source: ExistingSource, olds: Mapping[str, Any]) -> str | None:
    """Return the server that was captured first, or recovered from; None before the first update.

    It does not follow promotions: the connector compares each since then with what it has.
    """
    if source.recovered is not None:
        return source.recovered.server
    found: str | None = (olds.get("seen") or {}).get("server")
    return found


def _parsed(known: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the entries of `seen` or `captured`; none before the first update."""
    found: dict[str, Any] = json.loads(known["entries"]) if known else {}
    return found


def _source(props: Mapping[str, Any]) -> ExistingSource:
    return ExistingSource.model_validate(props["source"])


def inputs_of(source: ExistingSource) -> dict[str, Any]:
    """Return the source as the inputs of a resource, from which it can be read again."""
    given = source.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {**given, "password": source.password.get_secret_value()}


class ExistingDatabase(dynamic.Resource, module="datapipe", name="ExistingDatabase"):
    """A database that the program does not run."""

    # As DatabaseSchema's, except for `missed`: the time at which each table was missed.
    captured: pulumi.Output[dict[str, Any]]
    # What the database had at the last update, `described` among it.
    seen: pulumi.Output[dict[str, Any]]

    def __init__(
        self,
        resource_name: str,
        *,
        name: str,
        source: ExistingSource,
        avro_names: bool,
        worker: WorkerPlace,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Register the database of this name in `datapipe:sources`."""
        inputs = {
            "name": name,
            "source": pulumi.Output.secret(inputs_of(source)),
            "avro_names": avro_names,
            # INPUTS do not contain it: another context changes nothing in the database.
            "worker": asdict(worker),
            "captured": None,
            "seen": None,
        }
        always_secret = pulumi.ResourceOptions(additional_secret_outputs=["source"])
        super().__init__(
            ExistingDatabaseProvider(),
            resource_name,
            inputs,
            pulumi.ResourceOptions.merge(opts, always_secret),
        )
