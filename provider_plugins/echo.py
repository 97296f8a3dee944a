"""A provider plugin that makes nothing: it answers every request with what it was given.

With it the real engine registers real resources of any type and hands them to the policy pack as
ever, unknown values included, on a machine without a cluster, a cloud or Kafka.
"""

from __future__ import annotations

import sys
from pathlib import Path

from provider_plugins import install
from provider_plugins.diff import Changes
from provider_plugins.provider import Found, Naming, Provider, Replacement, Resource
from provider_plugins.servicer import serve
from provider_plugins.wire import UNKNOWN, Properties

# AWS's account for documentation.
ACCOUNT = "123456789012"
# Properties, all of them ARNs, that AWS returns only once a resource exists.
COMPUTED = {"Bucket": ("arn",), "CatalogDatabase": ("arn",), "Role": ("arn",)}


def install_in(pulumi_home: Path) -> None:
    """Let it answer for all three packages wherever `pulumi_home` is the PULUMI_HOME."""
    environment = Path(sys.prefix)
    for name in (*install.PLUGINS, "kubernetes"):
        executable = install.executable_of(pulumi_home, environment, name)
        executable.write_text(install.wrapper("echo", environment, name))
        executable.chmod(0o755)


def prepare(folder: Path) -> None:
    """Give a folder a state and plugins of its own, which `variables` lets Pulumi use."""
    (folder / "state").mkdir()
    install_in(folder / "home")


def variables(folder: Path) -> dict[str, str]:
    """Return the environment of Pulumi in a prepared folder, without a cluster or a cloud.

    The passphrase is the caller's.
    """
    return {
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "KUBECONFIG": str(folder / "no-cluster"),
    }


class Echo(Provider):
    """Answers for any package."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def configure(self, configuration: Properties) -> None:
        """Do nothing: there is nothing to connect to."""

    def check(
        self, resource: Resource, old: Properties, new: Properties, naming: Naming
    ) -> Properties:
        """Accept every input."""
        return new

    def replacement(
        self, resource: Resource, old: Properties, new: Properties, changes: Changes
    ) -> Replacement:
        """Replace a topic with fewer partitions; make every other change in place."""
        if new.get("partitions", 0) < old.get("partitions", 0):
            return Replacement(frozenset({"partitions"}), delete_first=True)
        return Replacement()

    def preview_create(self, resource: Resource, inputs: Properties) -> Properties:
        """Return the inputs, and what only the real provider could compute as unknown."""
        kind = resource.type.rpartition(":")[2]
        return {**inputs, **dict.fromkeys(COMPUTED.get(kind, ()), UNKNOWN)}

    def create(
        self, resource: Resource, inputs: Properties, timeout: float
    ) -> tuple[str, Properties]:
        """Return the inputs, and made-up values of what only the real provider could compute."""
        kind = resource.type.rpartition(":")[2]
        computed = {name: _arn(resource) for name in COMPUTED.get(kind, ())}
        return resource.name, {**inputs, **computed}

    def read(
        self, resource: Resource, resource_id: str, outputs: Properties, inputs: Properties
    ) -> Found | None:
        """Return what the state says."""
        return Found(resource_id, outputs, inputs)

    def preview_update(
        self, resource: Resource, resource_id: str, outputs: Properties, new: Properties
    ) -> Properties:
        """Return the new inputs."""
        return new

    def update(
        self,
        resource: Resource,
        resource_id: str,
        outputs: Properties,
        new: Properties,
        timeout: float,
    ) -> Properties:
        """Return the new inputs."""
        return new

    def delete(
        self, resource: Resource, resource_id: str, outputs: Properties, timeout: float
    ) -> None:
        """Do nothing: nothing was created."""


def _arn(resource: Resource) -> str:
    """Return the ARN of a resource in the account that AWS has for documentation."""
    service = resource.type.split(":")[1].partition("/")[0]
    return f"arn:aws:{service}:us-east-1:{ACCOUNT}:{resource.name}"


if __name__ == "__main__":
    serve(Echo(sys.argv[1]))
