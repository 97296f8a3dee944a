"""Pod templates of any resource that has one, and the containers in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from policies.resource import Properties, Resource

# The path of each kind's pod template; a Pod is one itself.
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


@dataclass(frozen=True)
class Container:
    """A container of a pod."""

    name: str
    role: str
    """`container`, `init container` or `sidecar` (an init container that is always restarted)."""
    spec: Properties

    @property
    def title(self) -> str:
        """Its name in messages."""
        return f"{self.role} {self.name}"

    @property
    def security_context(self) -> Properties:
        """The container's own security context, without the pod's."""
        context: Properties = self.spec.get("securityContext", {})
        return context

    def quantity(self, kind: str, resource: str) -> str | None:
        """Return its `requests` or `limits` (kind) of memory, cpu, …; None if it has none.

        Like Kubernetes, take the limit as the request if only the limit is set.
        """
        stated = self.spec.get("resources", {})
        value: str | None = stated.get(kind, {}).get(resource)
        if value is None and kind == "requests":
            value = stated.get("limits", {}).get(resource)
        return value


@dataclass(frozen=True)
class PodTemplate:
    """The template of the pods that a resource creates."""

    owner: Resource
    metadata: Properties
    spec: Properties

    @property
    def security_context(self) -> Properties:
        """The pod's security context, which containers may override."""
        context: Properties = self.spec.get("securityContext", {})
        return context

    def containers(self) -> Iterator[Container]:
        """Yield every container: init containers and sidecars first, in their order."""
        for spec in self.spec.get("initContainers", ()):
            is_sidecar = spec.get("restartPolicy") == "Always"
            yield Container(spec["name"], "sidecar" if is_sidecar else "init container", spec)
        for spec in self.spec.get("containers", ()):
            yield Container(spec["name"], "container", spec)


def pod_template(resource: Resource) -> PodTemplate | None:
    """Return a resource's pod template; None if it creates no pods.

    Raises NotKnownYetError if the template is unknown.
    """
    if not resource.is_kubernetes or resource.kind not in TEMPLATE_PATHS:
        return None
    template: Properties = resource.properties
    for key in filter(None, TEMPLATE_PATHS[resource.kind].split(".")):
        template = template.get(key, {})
    return PodTemplate(resource, template.get("metadata", {}), template.get("spec", {}))
