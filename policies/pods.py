"""Pod templates, wherever a resource holds one, and the containers in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from policies.resource import Properties, Resource

TEMPLATE_PATHS = {
    "Deployment": "spec.template",
    "StatefulSet": "spec.template",
    "DaemonSet": "spec.template",
    "ReplicaSet": "spec.template",
    "ReplicationController": "spec.template",
    "Job": "spec.template",
    "CronJob": "spec.jobTemplate.spec.template",
    "Pod": "",
}
"""Where each kind keeps its pod template; a Pod is one."""


@dataclass(frozen=True)
class Container:
    """A container of a pod."""

    name: str
    role: str
    """container, init container or sidecar (an init container that is restarted always)"""
    spec: Properties

    @property
    def title(self) -> str:
        """How messages call it."""
        return f"{self.role} {self.name}"

    @property
    def security_context(self) -> Properties:
        """Its own security context; the pod's is not mixed in."""
        context: Properties = self.spec.get("securityContext", {})
        return context

    def quantity(self, kind: str, resource: str) -> str | None:
        """Its `requests` or `limits` (kind) of memory, cpu, …; None where it states none.

        Kubernetes takes a limit for the request where only the limit is stated.
        """
        stated = self.spec.get("resources", {})
        value: str | None = stated.get(kind, {}).get(resource)
        if value is None and kind == "requests":
            value = stated.get("limits", {}).get(resource)
        return value


@dataclass(frozen=True)
class PodTemplate:
    """The pods that a resource makes."""

    owner: Resource
    metadata: Properties
    spec: Properties

    @property
    def security_context(self) -> Properties:
        """The pod's security context, which containers may override."""
        context: Properties = self.spec.get("securityContext", {})
        return context

    def containers(self) -> Iterator[Container]:
        """Every container: init containers and sidecars first, in their order."""
        for spec in self.spec.get("initContainers", ()):
            is_sidecar = spec.get("restartPolicy") == "Always"
            yield Container(spec["name"], "sidecar" if is_sidecar else "init container", spec)
        for spec in self.spec.get("containers", ()):
            yield Container(spec["name"], "container", spec)


def pod_template(resource: Resource) -> PodTemplate | None:
    """The pod template of a resource; None where it makes no pods.

    Raises NotKnownYetError where the template is unknown.
    """
    if not resource.is_kubernetes or resource.kind not in TEMPLATE_PATHS:
        return None
    template: Properties = resource.properties
    for key in filter(None, TEMPLATE_PATHS[resource.kind].split(".")):
        template = template.get(key, {})
    return PodTemplate(resource, template.get("metadata", {}), template.get("spec", {}))
