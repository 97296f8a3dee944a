"""The source connectors' buffers fit the heap of the Connect workers.

    48Mi + connectors on a worker × (2 × max.queue.size.in.bytes + producer.override.buffer.memory
        + 8 × producer.override.max.request.size)  ≤  85 % of the worker's heap

Each captured database has a connector of its own. The sinks' files are not in the sum: how many of
them are open at the same time depends on the tables that are written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policies.connectors import configuration, is_sink
from policies.finding import Finding, Violation, judge
from policies.jvm import parse_container
from policies.pods import pod_template
from policies.quantities import MEBIBYTE, format_mebibytes, parse_bytes
from policies.resource import Properties, Resource
from policies.settings import Schemas, Settings

SETTINGS: Schemas = {
    "worker": {
        "type": "string",
        "default": "kafka-connect",
        "description": "name of the Connect workers' Deployment",
    },
}

# Measured: what a worker holds without a connector, and the part that the collector needs free.
WORKER = 48 * MEBIBYTE
USABLE = 0.85
# By how much each property of a connector counts, and its default in Debezium or Kafka.
BUFFERS = {
    "max.queue.size.in.bytes": (2, 0),
    "producer.override.buffer.memory": (1, 32 * MEBIBYTE),
    "producer.override.max.request.size": (8, MEBIBYTE),
}


def connectors_fit_the_worker(
    resources: Sequence[Resource], settings: Settings
) -> Iterator[Finding]:
    """Refuse more source connectors than the workers' heap has room for."""
    sources = list(_sources(resources))
    for resource in resources:
        if resource.is_kind("Deployment") and resource.name == settings["worker"]:
            yield from judge(_fit, resource, sources)


def _fit(worker: Resource, sources: Sequence[Properties]) -> Iterator[Finding]:
    heap = _heap(worker)
    if heap is None or not sources:
        return
    largest = max(map(_bytes_of, sources))
    workers = int(worker.properties["spec"].get("replicas", 1))
    needed, usable = WORKER + -(-len(sources) // workers) * largest, int(heap * USABLE)
    if needed > usable:
        fitting = workers * max(0, (usable - WORKER) // largest)
        yield Violation(
            f"{len(sources)} source connectors can hold {format_mebibytes(needed)} of a worker's"
            f" heap of {format_mebibytes(heap)}, of which {format_mebibytes(usable)} may be used;"
            f" {fitting} fit: capture fewer databases (datapipe:sources), set"
            " datapipe:source.isolation to shared where it is per-table, or give more memory"
            " (datapipe:sizing.connect) or workers (datapipe:connect.workers)",
            worker.urn,
        )


def _sources(resources: Sequence[Resource]) -> Iterator[Properties]:
    for resource in resources:
        config = configuration(resource)
        if config is not None and not is_sink(config):
            yield config


def _bytes_of(config: Properties) -> int:
    return sum(factor * int(config.get(key, default)) for key, (factor, default) in BUFFERS.items())


def _heap(worker: Resource) -> int | None:
    template = pod_template(worker)
    for container in template.containers() if template else ():
        limit = container.quantity("limits", "memory")
        if container.role == "container" and limit is not None:
            return parse_container(container).heap_within(parse_bytes(limit))
    return None
