"""The database's schema as a resource, applied to the running server."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Any

import pulumi
from pulumi import dynamic

from components.dynamic_provider import Provider
from components.source.psql import TARGET_INPUTS, Psql, read_from_database, run_script
from components.source.schema import CAPTURED, CHANGED, DESCRIBED, MISSED, REFUSED

UNKNOWN = pulumi.runtime.rpc.UNKNOWN
INPUTS = (*TARGET_INPUTS, "script", "superuser_password")


class DatabaseSchemaProvider(Provider):
    """Runs the script in the server's pod if it is new or has changed, or the database has.

    A preview asks the running database whether its tables can be archived right, and whether they
    still are those that are captured.
    """

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Refuse tables and columns that cannot be archived right, before anything is changed.

        The input `drift` gets what has changed in the database since it was captured, and
        `described` the tables' keys and columns.
        """
        if any(news.get(name) == UNKNOWN for name in (*TARGET_INPUTS, "check_script")):
            return dynamic.CheckResult(news, [])
        printed = read_from_database(news, news["check_script"]) or ""
        refused = [
            line.removeprefix(REFUSED) for line in printed.splitlines() if line.startswith(REFUSED)
        ]
        drift = [line for line in printed.splitlines() if line.startswith((MISSED, CHANGED))]
        if olds and not refused:
            for line in drift:
                print(_explained(line), file=sys.stderr)
        # A failure of no property: of a named one Pulumi would print the whole value.
        return dynamic.CheckResult(
            news | {"drift": drift, "described": _described(printed)},
            [dynamic.CheckFailure("", reason) for reason in refused],
        )

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        return dynamic.CreateResult(f"{props['namespace']}/{props['pod']}", self._apply(props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        changed = _must_run(olds, news) or news.get("described") not in (
            None,
            olds.get("described"),
        )
        return dynamic.DiffResult(changes=changed)

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        if _must_run(olds, news):
            return dynamic.UpdateResult(self._apply(news))
        return dynamic.UpdateResult({**olds, "described": news["described"]})

    def _apply(self, props: dict[str, Any]) -> dict[str, Any]:
        """Apply the script. Its effects are deleted with the database, so there is no delete."""
        printed = run_script(
            props,
            props["script"],
            props["lock_holders_script"],
            superuser_password=props["superuser_password"],
        )
        captured = next(line for line in printed.splitlines() if line.startswith(CAPTURED))
        known = json.loads(captured.removeprefix(CAPTURED))
        return {
            **{name: props[name] for name in INPUTS if name in props},
            "captured": {
                "applied": datetime.now(UTC).isoformat(),
                # As text: the engine would turn numbers into floats.
                "entries": json.dumps(known["entries"]),
                "missed": known["missed"],
                "wal_position": str(known["wal_position"]),
            },
            "described": _described(printed),
        }


def _must_run(olds: dict[str, Any], news: dict[str, Any]) -> bool:
    """Return whether the script is another one, or the database is not what it made."""
    changed = any(olds.get(name) != news.get(name) for name in INPUTS)
    return changed or bool(news.get("drift"))


def _described(printed: str) -> str | None:
    """Return the tables' keys and columns as JSON; None where there was no database to ask."""
    lines = (line for line in printed.splitlines() if line.startswith(DESCRIBED))
    return next((line.removeprefix(DESCRIBED) for line in lines), None)


def _explained(line: str) -> str:
    """Return a line of the check with what `up` does about it."""
    if line.startswith(MISSED):
        return f"{line.removeprefix(MISSED)}. up repairs it and reads the table again."
    return f"{line.removeprefix(CHANGED)}. up repairs it."


class DatabaseSchema(dynamic.Resource, module="datapipe", name="DatabaseSchema"):
    """Tables and publications of a database in a pod, and its superuser's password."""

    # When the script was run (`applied`), the `entries` that record.sql takes when tables were
    # read, as JSON, the tables whose rows were `missed`, and the position in the WAL then.
    captured: pulumi.Output[dict[str, Any]]
    # Each table's `key` and its `columns` with their types, as JSON, which keeps their order; None
    # while it is not known.
    described: pulumi.Output[str | None]

    def __init__(
        self,
        name: str,
        *,
        psql: Psql,
        script: str,
        check_script: str,
        lock_holders_script: str,
        superuser_password: pulumi.Input[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        inputs = {
            **psql.inputs(),
            "script": script,
            "check_script": check_script,
            "captured": None,
            "described": None,
            "lock_holders_script": lock_holders_script,
            "superuser_password": pulumi.Output.secret(superuser_password),
        }
        always_secret = pulumi.ResourceOptions(additional_secret_outputs=["superuser_password"])
        super().__init__(
            DatabaseSchemaProvider(),
            name,
            inputs,
            pulumi.ResourceOptions.merge(opts, always_secret),
        )
