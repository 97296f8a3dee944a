"""The JVM's sizes fit the container's memory limit, and every part of the JVM has a limit.

    heap × 1.12 + metaspace + code cache + direct memory + threads × stack + 32Mi ≤ limit

    heap            -Xmx, or -XX:MaxRAMPercentage of the limit
    × 1.12          the collector's own tables (G1's remembered sets and marking bitmaps), measured
    metaspace       -XX:MaxMetaspaceSize; must be set, the JVM's default is unlimited
    code cache      -XX:ReservedCodeCacheSize, 240m by default
    direct memory   -XX:MaxDirectMemorySize, as much as the heap by default
    stack           128k, or -Xss if that is less: what a thread uses; 102k was measured
    32Mi            the JVM's own code, symbols, and malloc's slack

The kernel kills a container that exceeds its limit. The page cache is not in the sum: the kernel
reclaims it when the container needs the memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from policies.finding import Finding, judge
from policies.pods import Container, pod_template
from policies.quantities import MEBIBYTE, format_mebibytes, parse_bytes
from policies.resource import Resource
from policies.settings import Schemas, Settings

SETTINGS: Schemas = {
    "threads": {
        "type": "object",
        "additionalProperties": {"type": "integer", "minimum": 1},
        "default": {
            "default": 90,
            "kafka": 150,
            "kafka-connect": 150,
            "schema-registry": 60,
            "archive-maintenance": 40,
        },
        "description": "threads at full load by workload, which a manifest does not contain",
    },
    "images": {
        "type": "array",
        "items": {"type": "string"},
        "default": ["kafka", "connect", "schema-registry"],
        "description": "parts of the names of images that run a JVM, whose sizes must be set",
    },
}

COLLECTOR_SHARE = 0.12
NATIVE_OVERHEAD = 32 * MEBIBYTE
DEFAULT_CODE_CACHE = 240 * MEBIBYTE
STACK_IN_USE = 128 * 1024
DEFAULT_RAM_PERCENTAGE = 25.0

# Environment variables whose values are options of a JVM, such as KAFKA_HEAP_OPTS.
OPTION_VARIABLE = re.compile(r"(_|^)(JAVA_OPTS|HEAP_OPTS|JVM_PERFORMANCE_OPTS|JAVA_TOOL_OPTIONS)$")

SIZE_OPTIONS = {
    "heap": re.compile(r"-Xmx(\d+[kKmMgGtT]?)$|-XX:MaxHeapSize=(\d+[kKmMgGtT]?)$"),
    "metaspace": re.compile(r"-XX:MaxMetaspaceSize=(\d+[kKmMgGtT]?)$"),
    "code_cache": re.compile(r"-XX:ReservedCodeCacheSize=(\d+[kKmMgGtT]?)$"),
    "direct": re.compile(r"-XX:MaxDirectMemorySize=(\d+[kKmMgGtT]?)$"),
    "stack": re.compile(r"-Xss(\d+[kKmMgGtT]?)$"),
}
RAM_PERCENTAGE = re.compile(r"-XX:MaxRAMPercentage=(\d+(?:\.\d+)?)$")


@dataclass(frozen=True)
class JvmSizes:
    """The sizes in a JVM's options, in bytes; None for an option that is not given."""

    heap: int | None = None
    metaspace: int | None = None
    code_cache: int | None = None
    direct: int | None = None
    stack: int | None = None
    ram_percentage: float | None = None

    def heap_within(self, limit: int) -> int:
        """Return the bytes of heap in a container with this limit."""
        if self.heap is not None:
            return self.heap
        return int(limit * (self.ram_percentage or DEFAULT_RAM_PERCENTAGE) / 100)

    def parts(self, limit: int, threads: int) -> dict[str, int]:
        """Return the bytes of each term of the formula; metaspace without a limit counts 0."""
        heap = self.heap_within(limit)
        stack = STACK_IN_USE if self.stack is None else min(self.stack, STACK_IN_USE)
        return {
            "heap": heap,
            "collector": int(heap * COLLECTOR_SHARE),
            "metaspace": self.metaspace or 0,
            "code cache": DEFAULT_CODE_CACHE if self.code_cache is None else self.code_cache,
            "direct": heap if self.direct is None else self.direct,
            f"{threads} stacks": threads * stack,
            "native": NATIVE_OVERHEAD,
        }


def parse_options(words: list[str]) -> JvmSizes:
    """Return the sizes in a JVM's options; the last one wins if an option is given twice."""
    sizes: dict[str, int] = {}
    percentage = None
    for word in words:
        for name, pattern in SIZE_OPTIONS.items():
            if match := pattern.match(word):
                sizes[name] = _parse_size(next(filter(None, match.groups())))
        if match := RAM_PERCENTAGE.match(word):
            percentage = float(match[1])
    return JvmSizes(ram_percentage=percentage, **sizes)


def _parse_size(text: str) -> int:
    """Return the bytes of a size in the JVM's syntax: 1024, 64k, 512m, 2g."""
    power = "bkmgt".find(text[-1].lower())
    return int(text[:-1]) * 1024**power if power > 0 else int(text)


def parse_container(container: Container) -> JvmSizes:
    """Return the sizes in a container's JVM options."""
    return parse_options(_option_words(container))


def jvm_memory_fits(resource: Resource, settings: Settings) -> Iterator[Finding]:
    """Refuse JVMs whose memory has no limit or exceeds the container's limit."""
    template = pod_template(resource)
    if template is None:
        return
    workload = resource.metadata.get("name", resource.name)
    threads = settings["threads"].get(workload, settings["threads"].get("default", 1))
    for container in template.containers():
        yield from judge(_fits, container, int(threads), settings["images"])


def _fits(container: Container, threads: int, jvm_images: list[str]) -> Iterator[str]:
    words = _option_words(container)
    if not _runs_jvm(container, words, jvm_images):
        return
    stated = container.quantity("limits", "memory")
    if stated is None:
        return  # reported by the policy container-resources
    limit, sizes = parse_bytes(stated), parse_options(words)
    if sizes.heap is None and sizes.ram_percentage is None:
        yield (
            f"{container.title} runs a JVM without a heap size; set -Xmx in the pod's environment"
            " (KAFKA_HEAP_OPTS, JAVA_TOOL_OPTIONS) or command, as a literal value"
        )
        return
    if sizes.metaspace is None:
        yield f"{container.title}: the JVM's metaspace has no limit; set -XX:MaxMetaspaceSize"
        return
    yield from _sum_fits(container, sizes, limit, threads)


def _sum_fits(container: Container, sizes: JvmSizes, limit: int, threads: int) -> Iterator[str]:
    parts = sizes.parts(limit, threads)
    excess = sum(parts.values()) - limit
    if excess <= 0:
        return
    terms = " + ".join(f"{name} {format_mebibytes(size)}" for name, size in parts.items())
    message = (
        f"{container.title}: {terms} = {format_mebibytes(sum(parts.values()))}, above the limit"
        f" of {format_mebibytes(limit)}"
    )
    fitting = parts["heap"] - int(excess / (1 + COLLECTOR_SHARE)) - MEBIBYTE
    if sizes.direct is None:
        yield f"{message}; set -XX:MaxDirectMemorySize, which defaults to the heap's size"
    elif fitting > 0:
        yield f"{message}; lower the heap to -Xmx{fitting // MEBIBYTE}m or raise the limit"
    else:
        yield f"{message}; no heap fits next to the rest; raise the limit"


def _runs_jvm(container: Container, options: list[str], jvm_images: list[str]) -> bool:
    """Return whether its options or command name a JVM, or a main container's image does."""
    if any(word.startswith(("-Xm", "-Xs", "-XX:")) for word in options) or "java" in options:
        return True
    if container.role != "container":
        return False
    name = container.spec.get("image", "").rpartition("/")[2]
    return any(part in name for part in jvm_images)


def _option_words(container: Container) -> list[str]:
    """Return the words of the environment's JVM options, then those of the command, which win."""
    texts = [
        entry["value"]
        for entry in container.spec.get("env", ())
        if "value" in entry and OPTION_VARIABLE.search(entry["name"])
    ]
    texts += [*container.spec.get("command", ()), *container.spec.get("args", ())]
    return [word for text in texts for word in text.split()]
