"""What a pod may take as a whole, by the rule of Kubernetes' scheduler.

Init containers run one after the other before the containers; a sidecar (an init container with
restartPolicy Always) starts in its turn and stays. So a pod takes the larger of

    containers + sidecars
    the largest init container + the sidecars that started before it

and the overhead of its runtime class (Kubernetes' documentation, "Sidecar Containers", "Resource
sharing within containers"). A pod-level `resources` field, where given, holds instead of the sum.
"""

from __future__ import annotations

from collections.abc import Callable

from policies.pods import PodTemplate
from policies.quantities import parse_bytes, parse_millicores
from policies.resource import Properties

PARSERS: dict[str, Callable[[str], int]] = {
    "memory": parse_bytes,
    "ephemeral-storage": parse_bytes,
    "cpu": parse_millicores,
}
"""To bytes, or to millicores."""


class UnboundedError(Exception):
    """A container states nothing, so the pod's sum has no bound; the text names the container."""


def effective(template: PodTemplate, kind: str, resource: str) -> int:
    """The pod's `requests` or `limits` (kind) of memory (bytes) or cpu (millicores).

    Raises UnboundedError where a limit is missing (a missing request counts as nothing, as the
    scheduler has it), ValueError where a quantity is none.
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
