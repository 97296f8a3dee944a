"""Every container has requests and limits of memory and CPU."""

from __future__ import annotations

from collections.abc import Iterator

from policies.finding import Finding, judge
from policies.pods import Container, pod_template
from policies.quantities import parse_bytes, parse_millicores
from policies.resource import Resource
from policies.settings import Schemas, Settings

SETTINGS: Schemas = {
    "reservedMemory": {
        "type": "array",
        "items": {"type": "string"},
        "default": ["postgresql", "kafka-connect"],
        "description": "workloads whose memory request must equal the limit, so that the node"
        " reserves all of it (design: container_limits)",
    },
}
PARSERS = {"memory": parse_bytes, "cpu": parse_millicores}


def stated_resources(resource: Resource, settings: Settings) -> Iterator[Finding]:
    """Refuse missing requests and limits, and requests that are above or must equal the limit."""
    template = pod_template(resource)
    if template is None:
        return
    workload = resource.metadata.get("name", resource.name)
    for container in template.containers():
        for name in PARSERS:
            yield from judge(_stated, container, name)
        if workload in settings["reservedMemory"]:
            yield from judge(_reserved, container)


def _stated(container: Container, resource: str) -> Iterator[str]:
    stated = container.spec.get("resources", {})
    parse = PARSERS[resource]
    amounts = {}
    for kind in ("requests", "limits"):
        quantity = stated.get(kind, {}).get(resource)
        if quantity is None:
            yield f"{container.title} has no {resource} {kind}; set resources.{kind}.{resource}"
            continue
        try:
            amounts[kind] = parse(quantity)
        except ValueError as wrong:
            yield f"{container.title}, {resource} {kind}: {wrong}"
    if len(amounts) == len(("requests", "limits")) and amounts["requests"] > amounts["limits"]:
        yield (
            f"{container.title}: {resource} request {stated['requests'][resource]} exceeds the"
            f" limit {stated['limits'][resource]}; lower resources.requests.{resource}"
        )


def _reserved(container: Container) -> Iterator[str]:
    request, limit = (container.quantity(kind, "memory") for kind in ("requests", "limits"))
    if request is None or limit is None:
        return  # reported by `_stated`
    try:
        equal = parse_bytes(request) == parse_bytes(limit)
    except ValueError:
        return  # reported by `_stated`
    if not equal:
        yield (
            f"{container.title}: memory request {request} must equal the limit {limit}; set"
            f" resources.requests.memory to {limit}"
        )
