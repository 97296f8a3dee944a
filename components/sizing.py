"""Every request, limit and volume of the pipeline, and the JVMs' memory derived from them.

Sizes are declared only here. The workloads take their resources from here, the JVMs' memory
settings and PostgreSQL's (components/postgres_memory.py) are derived from the limits, and the tests
of the budget policy compare their sums with these. The defaults are the design's (design:
"Resource Allocation"). All memory and storage is in MiB, all CPU in millicores.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from components.settings import InvalidKeysError, Mebibytes, Millicores, Settings

# MiB of log storage of the whole cluster (design: 10Gi; docs/DESIGN.md, "Where we differ", has
# the 4 GB).
KAFKA_CLUSTER_STORAGE = 10 * 1024


class Resources(Settings):
    """A container's requests and limits."""

    memory_request: Mebibytes = Field(description="Memory that the node reserves, e.g. 512Mi.")
    memory_limit: Mebibytes = Field(
        description="Memory above which the container is killed, e.g. 512Mi."
    )
    cpu_request: Millicores = Field(description="CPU that the node reserves, e.g. 500m.")
    cpu_limit: Millicores = Field(
        description="CPU above which the container is throttled, e.g. 500m or 1."
    )

    def contradictions(self) -> Iterator[tuple[str, str]]:
        if self.memory_request > self.memory_limit:
            yield (
                "memoryRequest",
                f"{self.memory_request}Mi is above memoryLimit ({self.memory_limit}Mi); set at most"
                f" {self.memory_limit}Mi, or memoryLimit to at least {self.memory_request}Mi",
            )
        if self.cpu_request > self.cpu_limit:
            yield (
                "cpuRequest",
                f"{self.cpu_request}m is above cpuLimit ({self.cpu_limit}m); set at most"
                f" {self.cpu_limit}m, or cpuLimit to at least {self.cpu_request}m",
            )

    def manifest(self) -> dict[str, dict[str, str]]:
        """Return the `resources` field of a container."""
        return {
            "requests": {"memory": f"{self.memory_request}Mi", "cpu": f"{self.cpu_request}m"},
            "limits": {"memory": f"{self.memory_limit}Mi", "cpu": f"{self.cpu_limit}m"},
        }


def _resources(memory: tuple[int, int], cpu: tuple[int, int]) -> Resources:
    """Return resources from (request, limit) pairs in MiB and millicores."""
    return Resources(
        memory_request=f"{memory[0]}Mi",
        memory_limit=f"{memory[1]}Mi",
        cpu_request=f"{cpu[0]}m",
        cpu_limit=f"{cpu[1]}m",
    )


@dataclass(frozen=True)
class JvmProfile:
    """What a JVM needs in addition to its heap, and how its collector is tuned.

    A container that exceeds its limit is killed, so the numbers are above what was measured with
    the JVM's Native Memory Tracking; the figures are above each profile.
    """

    metaspace: int  # MiB, -XX:MaxMetaspaceSize
    code_cache: int  # MiB, -XX:ReservedCodeCacheSize
    direct: int  # MiB, -XX:MaxDirectMemorySize
    threads: int  # at full load
    page_cache: int  # MiB left to the kernel for files: Kafka serves consumers from there
    gc_pause_ms: int  # -XX:MaxGCPauseMillis of G1


Collector = Literal["g1", "parallel"]

# -Xss, KiB: the maximum of a thread's stack.
STACK_KIB = 512
# KiB of a thread's stack that are in use; 102 were measured.
THREAD_KIB = 128
# G1's own tables, as a share of the heap; measured. Workers with ParallelGC hold as much.
COLLECTOR_SHARE = Fraction(12, 100)
# MiB for the JVM's own code, symbols and malloc's unused memory.
NATIVE_OVERHEAD = 32
# Bytes of direct memory that a thread keeps for its next transfer.
LARGEST_CACHED_BUFFER = 256 * 1024
# MiB; with less, no broker, worker or registry starts.
MINIMUM_HEAP = 128

# Measured with three brokers in 682Mi and half a CPU each, at 10,000 records of 1 KB per second:
# metaspace 45, code 21, direct 2, 142 threads, and 300 to 330 MiB resident in all. The metrics
# exporter adds 4 MiB of metaspace and two threads. The kernel uses the rest of the limit as page
# cache for the logs and frees it on demand.
BROKER_JVM = JvmProfile(
    metaspace=72, code_cache=48, direct=48, threads=150, page_cache=128, gc_pause_ms=20
)
# Measured in 1024Mi and one CPU while 480,000 rows went from PostgreSQL to Iceberg, with two sink
# tasks: metaspace 110, code 29, direct 12, 84 threads, and up to 876 MiB resident in all. With 24
# tasks of Confluent's sink: 127 to 142 threads, and up to 923 MiB.
CONNECT_JVM = JvmProfile(
    metaspace=144, code_cache=64, direct=128, threads=150, page_cache=0, gc_pause_ms=200
)
REGISTRY_JVM = JvmProfile(
    metaspace=96, code_cache=48, direct=32, threads=60, page_cache=0, gc_pause_ms=200
)
# Measured: 80 MiB of metaspace and 48 of code are never reached, and 256 MiB of heap hold what is
# sorted at a time.
MAINTENANCE_JVM = JvmProfile(
    metaspace=80, code_cache=48, direct=48, threads=40, page_cache=0, gc_pause_ms=200
)
# TLS is not counted: each connection takes 50 KiB of the heap at each end (three buffers of 16 KiB;
# 3 KiB in all without TLS), measured with 300 connections to a broker. Under the bench's load, up
# to 44 clients were connected to a broker, and the worker had 59 connections: 3 MiB each, 1 % of
# the heap at most.
JVM_PROFILES = {
    "broker": BROKER_JVM,
    "connect": CONNECT_JVM,
    "registry": REGISTRY_JVM,
    "maintenance": MAINTENANCE_JVM,
}


def heap_for(limit: int, profile: JvmProfile) -> int:
    """Return the MiB of heap that fit into a container's memory limit (MiB).

    limit = heap × (1 + COLLECTOR_SHARE) + metaspace + code cache + direct + stacks + page cache
            + overhead

    Raises ValueError if less than MINIMUM_HEAP would be left.
    """
    heap = int((limit - _reserved(profile)) / (1 + COLLECTOR_SHARE))
    if heap < MINIMUM_HEAP:
        needed = limit_for(MINIMUM_HEAP, profile)
        raise ValueError(f"{limit}Mi leaves no memory for the heap; allowed: {needed}Mi or more")
    return heap


def limit_for(heap: int, profile: JvmProfile) -> int:
    """Return the lowest memory limit (MiB) of a container that leaves so many MiB of heap."""
    return ceil(heap * (1 + COLLECTOR_SHARE) + _reserved(profile))


def _reserved(profile: JvmProfile) -> Fraction:
    """Return the MiB that a JVM needs in addition to its heap and the collector's tables."""
    stacks = Fraction(profile.threads * THREAD_KIB, 1024)
    jvm = profile.metaspace + profile.code_cache + profile.direct + stacks + NATIVE_OVERHEAD
    return jvm + profile.page_cache


# Design: "Resource Allocation (4Gi Total)".
DEFAULT_RESOURCES = {
    "postgresql": _resources(memory=(512, 512), cpu=(500, 1000)),
    "broker": _resources(memory=(512, 682), cpu=(250, 500)),
    "connect": _resources(memory=(1024, 1024), cpu=(500, 1000)),
    "registry": _resources(memory=(384, 512), cpu=(250, 500)),
    # Little CPU is reserved for a pod that runs for a minute an hour: a node with two cores must
    # have room for it in addition to all others.
    "maintenance": _resources(memory=(512, 512), cpu=(50, 500)),
}


class Sizing(Settings):
    """The sizes of a stack (`datapipe:sizing`); a key that is not set keeps the design's value."""

    postgresql: Resources = Field(
        default=DEFAULT_RESOURCES["postgresql"],
        description="Requests and limits of PostgreSQL; its memory settings follow from the memory"
        ' limit (design: "Resource Allocation").',
    )
    postgresql_storage: Mebibytes = Field(
        default=5 * 1024,
        description='Volume of PostgreSQL (design: "PostgreSQL (Source Database)").',
    )
    broker: Resources = Field(
        default=DEFAULT_RESOURCES["broker"],
        description="Requests and limits of each broker; its heap follows from the memory limit"
        ' (design: "Resource Allocation").',
    )
    broker_storage: Mebibytes | None = Field(
        default=None,
        description="Volume of each broker; by default the brokers share 10Gi (design:"
        ' "Apache Kafka (Event Streaming Platform)").',
    )
    connect: Resources = Field(
        default=DEFAULT_RESOURCES["connect"],
        description="Requests and limits of each Kafka Connect worker; its heap follows from the"
        ' memory limit (design: "Resource Allocation").',
    )
    registry: Resources = Field(
        default=DEFAULT_RESOURCES["registry"],
        description="Requests and limits of Schema Registry; its heap follows from the memory limit"
        ' (design: "Resource Allocation").',
    )

    maintenance: Resources = Field(
        default=DEFAULT_RESOURCES["maintenance"],
        description="Requests and limits of the pod that maintains an Iceberg archive"
        " (archive.maintenance.kind job); its heap follows from the memory limit.",
    )

    @field_validator(*DEFAULT_RESOURCES, mode="before")
    @classmethod
    def _keep_what_is_not_given(cls, given: object, info: ValidationInfo) -> object:
        if not isinstance(given, dict):
            return given
        default = DEFAULT_RESOURCES[str(info.field_name)]
        stated = {
            "memoryRequest": f"{default.memory_request}Mi",
            "memoryLimit": f"{default.memory_limit}Mi",
            "cpuRequest": f"{default.cpu_request}m",
            "cpuLimit": f"{default.cpu_limit}m",
        }
        return {**stated, **given}

    @field_validator(*JVM_PROFILES)
    @classmethod
    def _leaves_room_for_a_heap(cls, given: Resources, info: ValidationInfo) -> Resources:
        try:
            heap_for(given.memory_limit, JVM_PROFILES[str(info.field_name)])
        except ValueError as error:
            raise InvalidKeysError(("memoryLimit", str(error))) from None
        return given

    def storage_per_broker(self, brokers: int) -> int:
        """Return the MiB of each broker's volume claim."""
        return self.broker_storage or KAFKA_CLUSTER_STORAGE // brokers


# Share of a broker's volume for the topics' logs. The rest is for Kafka's and Connect's own topics,
# the metadata log, indexes, and the one segment by which a log may exceed its limit.
LOG_SHARE = 0.7
# MiB of a log's segment, the unit in which old records are deleted.
MINIMUM_SEGMENT = 4
MAXIMUM_SEGMENT = 1024
# Share of a broker's volume that logs may fill with the segment by which each exceeds its limit.
FULL_SHARE = 0.9


@dataclass(frozen=True)
class LogSize:
    """The limit of a partition's log, in MiB."""

    retention: int
    segment: int

    def shortage(self, storage: int, replicas: int) -> str:
        """Say that so many full logs would fill a broker's volume (MiB); empty if not."""
        each = self.retention + self.segment
        if each * replicas <= storage * FULL_SHARE:
            return ""
        enough = ceil(self.segment * replicas / (FULL_SHARE - LOG_SHARE) / 1024)
        return (
            f"the {replicas} partitions on a broker would fill its volume of {storage} MiB, and"
            f" stop it, if all were full: each may have {each} MiB. Capture fewer tables or, in a"
            " new stack, lower datapipe:topics.partitions or raise datapipe:sizing.brokerStorage"
            f" to {enough}Gi"
        )


def log_size(storage: int, replicas: int, largest_batch: int = 0) -> LogSize:
    """Return the limit of each log if `replicas` of them share a broker's volume (MiB).

    A segment must hold the largest batch of records (bytes).
    """
    retention = int(storage * LOG_SHARE / replicas)
    least = max(MINIMUM_SEGMENT, ceil(largest_batch / 1024 / 1024))
    segment = min(max(retention // 4, least), MAXIMUM_SEGMENT)
    return LogSize(max(retention, segment), segment)


def jvm_heap_options(limit: int, profile: JvmProfile) -> str:
    """Return the JVM's memory options for a container limit (MiB)."""
    heap = heap_for(limit, profile)
    return (
        f"-Xms{heap // 2}m -Xmx{heap}m -Xss{STACK_KIB}k"
        f" -XX:MaxMetaspaceSize={profile.metaspace}m"
        f" -XX:ReservedCodeCacheSize={profile.code_cache}m"
        f" -XX:MaxDirectMemorySize={profile.direct}m"
        # Each thread would keep a direct buffer as large as the largest that it ever needed.
        f" -Djdk.nio.maxCachedBufferSize={LARGEST_CACHED_BUFFER}"
    )


def jvm_collector_options(profile: JvmProfile, collector: Collector = "g1") -> str:
    """Return the collector's options: G1's are the design's ("Kafka Tuning").

    The parallel collector has no pause target: it would meet one with a smaller young generation.
    """
    chosen = {
        "g1": f"-XX:+UseG1GC -XX:MaxGCPauseMillis={profile.gc_pause_ms}"
        " -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent",
        "parallel": "-XX:+UseParallelGC",
    }
    return f"-server {chosen[collector]} -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true"
