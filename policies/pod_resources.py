"""What a pod as a whole requests or may use, by the rule of Kubernetes' scheduler.

Init containers run one after the other before the containers; a sidecar (an init container with
restartPolicy Always) starts in the same order and keeps running. So a pod counts the larger of

    containers + sidecars
    the largest init container + the sidecars that started before it

and the overhead of its runtime class (Kubernetes' documentation, "Sidecar Containers", "Resource
sharing within containers"). A pod-level `resources` field replaces the sum.
"""

from __future__ import annotations

from collections.abc import Callable

from policies.pods import PodTemplate
from policies.quantities import parse_bytes, parse_millicores
from policies.resource import Properties

# To bytes, or to millicores for CPU.
PARSERS: dict[str, Callable[[str], int]] = {
    "memory": parse_bytes,
    "ephemeral-storage": parse_bytes,
    "cpu": parse_millicores,
}


class UnboundedError(Exception):
    """A container has no limit, so the pod has none either; the text names the container."""


def effective(template: PodTemplate, kind: str, resource: str) -> int:
    """Return the pod's `requests` or `limits` (kind) of memory (bytes) or cpu (millicores).

    A missing request counts as 0, as in the scheduler. Raises UnboundedError for a missing limit,
    ValueError for an invalid quantity.
    """
    parse = PARSERS[resource]
    overhead = _quantity_or_zero(template.spec.get("overhead", {}), resource)
    of_pod = template.spec.get("resources", {}).get(kind, {}).get(resource)
    if of_pod is not None:
        return parse(of_pod) + overhead
    containers, sidecars, start = 0, 0, 0
    for container in template.containers():
        stated = container.quantity(kind, resource)
        if stated is None and kind == "limits":
            raise UnboundedError(container.title)
        amount = parse(stated) if stated is not None else 0
        if container.role == "container":
            containers += amount
        elif container.role == "sidecar":
            sidecars += amount
            start = max(start, sidecars)
        else:
            start = max(start, sidecars + amount)
    return max(containers + sidecars, start) + overhead


def _quantity_or_zero(quantities: Properties, resource: str) -> int:
    stated = quantities.get(resource)
    return PARSERS[resource](stated) if stated is not None else 0
