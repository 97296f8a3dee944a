"""JVM sizes fit the container's memory limit, and every part of the JVM has a bound.

    heap × 1.12 + metaspace + code cache + direct memory + threads × stack + 32Mi ≤ limit

    heap            -Xmx, or -XX:MaxRAMPercentage of the limit
    × 1.12          the collector's own tables (G1's remembered sets and marking bitmaps), measured
    metaspace       -XX:MaxMetaspaceSize; must be stated, the JVM's own bound is none
    code cache      -XX:ReservedCodeCacheSize, 240m where it is not stated
    direct memory   -XX:MaxDirectMemorySize, as much as the heap where it is not stated
    stack           128k, or -Xss where that is less: what a thread has in use; 102k were measured
    32Mi            the JVM's own code, symbols, and malloc's slack

What a container takes beyond its limit gets it killed. The page cache is not in the sum: the kernel
takes it back when the container needs the memory.
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
        "default": {"default": 90, "kafka": 150, "schema-registry": 60},
        "description": "threads at full load by workload; a manifest does not tell them",
    },
    "images": {
        "type": "array",
        "items": {"type": "string"},
        "default": ["kafka", "connect", "schema-registry"],
        "description": "parts of the names of images that run a JVM and must state its sizes",
    },
}

COLLECTOR_SHARE = 0.12
NATIVE_OVERHEAD = 32 * MEBIBYTE
DEFAULT_CODE_CACHE = 240 * MEBIBYTE
STACK_IN_USE = 128 * 1024
DEFAULT_RAM_PERCENTAGE = 25.0

OPTION_VARIABLE = re.compile(r"(_|^)(JAVA_OPTS|HEAP_OPTS|JVM_PERFORMANCE_OPTS|JAVA_TOOL_OPTIONS)$")
"""Environment variables whose values are options of a JVM, such as KAFKA_HEAP_OPTS."""

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
    """What a JVM's options say, in bytes; None where they say nothing."""

    heap: int | None = None
    metaspace: int | None = None
    code_cache: int | None = None
    direct: int | None = None
    stack: int | None = None
    ram_percentage: float | None = None

    def heap_within(self, limit: int) -> int:
        """Bytes of heap in a container with this limit."""
        if self.heap is not None:
            return self.heap
        return int(limit * (self.ram_percentage or DEFAULT_RAM_PERCENTAGE) / 100)

    def parts(self, limit: int, threads: int) -> dict[str, int]:
        """The bytes of each term of the formula, metaspace taken as stated."""
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
    """The sizes among a JVM's options; of an option that is given twice the last one holds."""
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
    """A size as the JVM takes it: 1024, 64k, 512m, 2g."""
    power = "bkmgt".find(text[-1].lower())
    return int(text[:-1]) * 1024**power if power > 0 else int(text)


def jvm_memory_fits(resource: Resource, settings: Settings) -> Iterator[Finding]:
    """Every JVM's memory is bounded and the bounds fit its container's limit."""
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
        return  # another policy asks for the limit
    limit, sizes = parse_bytes(stated), parse_options(words)
    if sizes.heap is None and sizes.ram_percentage is None:
        yield (
            f"{container.title} runs a JVM and states no heap; give -Xmx in the pod's environment"
            " (KAFKA_HEAP_OPTS, JAVA_TOOL_OPTIONS) or command, as a literal value"
        )
        return
    if sizes.metaspace is None:
        yield f"{container.title}: the JVM's metaspace has no bound; give -XX:MaxMetaspaceSize"
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
        yield f"{message}; give -XX:MaxDirectMemorySize, which is as large as the heap without it"
    elif fitting > 0:
        yield f"{message}; lower the heap to -Xmx{fitting // MEBIBYTE}m or raise the limit"
    else:
        yield f"{message}; no heap fits beside the rest, raise the limit"


def _runs_jvm(container: Container, options: list[str], jvm_images: list[str]) -> bool:
    """By its options or its command; by its image where it is one of the pod's main containers."""
    if any(word.startswith(("-Xm", "-Xs", "-XX:")) for word in options) or "java" in options:
        return True
    if container.role != "container":
        return False
    name = container.spec.get("image", "").rpartition("/")[2]
    return any(part in name for part in jvm_images)


def _option_words(container: Container) -> list[str]:
    """The words of the environment's JVM options, then those of the command, which prevail."""
    texts = [
        entry["value"]
        for entry in container.spec.get("env", ())
        if "value" in entry and OPTION_VARIABLE.search(entry["name"])
    ]
    texts += [*container.spec.get("command", ()), *container.spec.get("args", ())]
    return [word for text in texts for word in text.split()]
