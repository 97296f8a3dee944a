"""An account of the database as a resource: there from its creation to its deletion."""

from __future__ import annotations

import sys
from typing import Any

import pulumi
from pulumi import dynamic

from components.source.psql import WHERE, Psql, pod_is_there, run_script

INPUTS = (*WHERE, "user", "password", "script", "revoke_script")


class DatabaseAccountProvider(dynamic.ResourceProvider):
    """Makes the account, keeps its rights, and takes it away. Preview runs nothing."""

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        return dynamic.CreateResult(f"{props['namespace']}/{props['user']}", self._apply(props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        changes = any(olds.get(name) != news.get(name) for name in INPUTS)
        replaces = [name for name in ("user",) if olds.get(name) != news.get(name)]
        return dynamic.DiffResult(changes=changes, replaces=replaces)

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        return dynamic.UpdateResult(self._apply(news))

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Revoke the account; where its server is gone already, nobody can use it anyway."""
        if pod_is_there(props):
            run_script(props, props["revoke_script"])
        else:
            print(f"{props['user']} not revoked: there is no {props['pod']}", file=sys.stderr)

    def _apply(self, props: dict[str, Any]) -> dict[str, Any]:
        run_script(props, props["script"], password=props["password"])
        return {name: props[name] for name in INPUTS if name in props}


class DatabaseAccount(dynamic.Resource, module="datapipe", name="DatabaseAccount"):
    """An account that may log in with a password."""

    user: pulumi.Output[str]
    """its name, for those who must wait until it may log in"""

    def __init__(
        self,
        name: str,
        *,
        psql: Psql,
        user: str,
        password: pulumi.Input[str],
        script: str,
        revoke_script: str,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """`script` makes the account or brings its rights up to date, `revoke_script` ends it."""
        inputs = {
            **psql.inputs(),
            "user": user,
            "password": pulumi.Output.secret(password),
            "script": script,
            "revoke_script": revoke_script,
        }
        always_secret = pulumi.ResourceOptions(additional_secret_outputs=["password"])
        super().__init__(
            DatabaseAccountProvider(),
            name,
            inputs,
            pulumi.ResourceOptions.merge(opts, always_secret),
        )
