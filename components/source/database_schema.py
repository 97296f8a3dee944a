"""The database's schema as a resource, applied to the running server."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi import dynamic

from components.source.psql import TARGET_INPUTS, Psql, run_script

INPUTS = (*TARGET_INPUTS, "script", "superuser_password")


class DatabaseSchemaProvider(dynamic.ResourceProvider):
    """Runs the script in the server's pod if it is new or has changed. Preview runs nothing."""

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        return dynamic.CreateResult(f"{props['namespace']}/{props['pod']}", self._apply(props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        return dynamic.DiffResult(changes=any(olds.get(name) != news.get(name) for name in INPUTS))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        return dynamic.UpdateResult(self._apply(news))

    def _apply(self, props: dict[str, Any]) -> dict[str, Any]:
        """Apply the script. Its effects are deleted with the database, so there is no delete."""
        run_script(props, props["script"], superuser_password=props["superuser_password"])
        return {name: props[name] for name in INPUTS if name in props}


class DatabaseSchema(dynamic.Resource, module="datapipe", name="DatabaseSchema"):
    """Tables and publications of a database in a pod, and its superuser's password."""

    def __init__(
        self,
        name: str,
        *,
        psql: Psql,
        script: str,
        superuser_password: pulumi.Input[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        inputs = {
            **psql.inputs(),
            "script": script,
            "superuser_password": pulumi.Output.secret(superuser_password),
        }
        always_secret = pulumi.ResourceOptions(additional_secret_outputs=["superuser_password"])
        super().__init__(
            DatabaseSchemaProvider(),
            name,
            inputs,
            pulumi.ResourceOptions.merge(opts, always_secret),
        )
