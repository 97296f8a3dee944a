"""The database's schema as a resource: applied in the running server, in place."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi import dynamic

from components.cluster_access import ClusterAccess
from components.source.pod_exec import PodCommand

APPLY_TIMEOUT_SECONDS = 300
INPUTS = ("context", "namespace", "pod", "container", "command", "script", "passwords")


class DatabaseSchemaProvider(dynamic.ResourceProvider):
    """Runs the script in the server's pod, when it is new or has changed. Preview runs nothing."""

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        return dynamic.CreateResult(f"{props['namespace']}/{props['pod']}", self._apply(props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        return dynamic.DiffResult(changes=any(olds.get(name) != news.get(name) for name in INPUTS))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        return dynamic.UpdateResult(self._apply(news))

    def _apply(self, props: dict[str, Any]) -> dict[str, Any]:
        """Apply the script; what is in it goes with the database, so there is no delete."""
        command = PodCommand(props["namespace"], props["pod"], props["container"], props["command"])
        access = ClusterAccess(props.get("context"))  # Pulumi leaves out what is None
        command.run(access.api_client(), props["script"], APPLY_TIMEOUT_SECONDS)
        return {name: props[name] for name in INPUTS if name in props}


class DatabaseSchema(dynamic.Resource, module="datapipe", name="DatabaseSchema"):
    """Tables, accounts and publication of a database in a pod."""

    def __init__(
        self,
        name: str,
        *,
        access: ClusterAccess,
        namespace: pulumi.Input[str],
        target: tuple[str, str],
        command: list[str],
        script: str,
        passwords: pulumi.Input[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """`target`: pod and container; `passwords`: digest, so that new ones are applied."""
        pod, container = target
        inputs = {
            "context": access.context,
            "namespace": namespace,
            "pod": pod,
            "container": container,
            "command": command,
            "script": script,
            "passwords": pulumi.Output.secret(passwords),
        }
        always_secret = pulumi.ResourceOptions(additional_secret_outputs=["passwords"])
        super().__init__(
            DatabaseSchemaProvider(),
            name,
            inputs,
            pulumi.ResourceOptions.merge(opts, always_secret),
        )
