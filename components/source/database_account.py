"""An account of the database as a resource: created, updated and dropped with it."""

from __future__ import annotations

import sys
from typing import Any

import pulumi
from pulumi import dynamic

from components.dynamic_provider import Provider
from components.source.psql import TARGET_INPUTS, Psql, pod_exists, run_script

INPUTS = (*TARGET_INPUTS, "user", "password", "script", "revoke_script", "schema_applied")


class DatabaseAccountProvider(Provider):
    """Creates the account, updates its privileges and drops it. Preview runs nothing."""

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        return dynamic.CreateResult(f"{props['namespace']}/{props['user']}", self._apply(props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        changes = any(olds.get(name) != news.get(name) for name in INPUTS)
        replaces = [name for name in ("user",) if olds.get(name) != news.get(name)]
        return dynamic.DiffResult(changes=changes, replaces=replaces)

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        return dynamic.UpdateResult(self._apply(news))

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Drop the account; without its server, it can't be used and is left alone."""
        if pod_exists(props):
            run_script(props, props["revoke_script"])
        else:
            pod = f"{props['namespace']}/{props['pod']}"
            print(f"account {props['user']} was not dropped: no pod {pod}", file=sys.stderr)

    def _apply(self, props: dict[str, Any]) -> dict[str, Any]:
        run_script(props, props["script"], password=props["password"])
        return {name: props[name] for name in INPUTS if name in props}


class DatabaseAccount(dynamic.Resource, module="datapipe", name="DatabaseAccount"):
    """An account that may log in with a password."""

    user: pulumi.Output[str]  # its name, known when it may log in

    def __init__(
        self,
        name: str,
        *,
        psql: Psql,
        user: str,
        password: pulumi.Input[str],
        script: str,
        revoke_script: str,
        schema_applied: pulumi.Input[str | None],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Register an account; `script` creates or updates it, `revoke_script` drops it.

        `schema_applied` is when the tables on which it has privileges last changed.
        """
        inputs = {
            **psql.inputs(),
            "user": user,
            "password": pulumi.Output.secret(password),
            "script": script,
            "revoke_script": revoke_script,
            "schema_applied": schema_applied,
        }
        always_secret = pulumi.ResourceOptions(additional_secret_outputs=["password"])
        super().__init__(
            DatabaseAccountProvider(),
            name,
            inputs,
            pulumi.ResourceOptions.merge(opts, always_secret),
        )
