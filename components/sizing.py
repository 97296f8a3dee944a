"""Every request, limit and volume of the pipeline, and the memory settings that follow from them.

This is the one place where a size is stated. The workloads take their resources from here, the
JVMs' and PostgreSQL's own memory settings are derived from the limits, and the tests of the budget
policy compare their sums with these. The defaults are the design's ("Resource Allocation").
All memory and storage is in MiB, all CPU in millicores.
"""

from dataclasses import dataclass

from pydantic import Field, ValidationInfo, field_validator, model_validator

from components.config.base import Mebibytes, Millicores, Settings

KAFKA_CLUSTER_STORAGE = 10 * 1024
"""MiB of log storage for the whole Kafka cluster (design: 10Gi; see decisions on the 4 GB)."""


class Resources(Settings):
    """A container's requests and limits."""

    memory_request: Mebibytes
    memory_limit: Mebibytes
    cpu_request: Millicores
    cpu_limit: Millicores

    @model_validator(mode="after")
    def _requests_within_limits(self) -> "Resources":
        if self.memory_request > self.memory_limit:
            raise ValueError(
                f"memoryRequest {self.memory_request}Mi is above memoryLimit {self.memory_limit}Mi"
            )
        if self.cpu_request > self.cpu_limit:
            raise ValueError(f"cpuRequest {self.cpu_request}m is above cpuLimit {self.cpu_limit}m")
        return self

    def manifest(self) -> dict[str, dict[str, str]]:
        """The `resources` field of a container."""
        return {
            "requests": {"memory": f"{self.memory_request}Mi", "cpu": f"{self.cpu_request}m"},
            "limits": {"memory": f"{self.memory_limit}Mi", "cpu": f"{self.cpu_limit}m"},
        }


def _resources(memory: tuple[int, int], cpu: tuple[int, int]) -> Resources:
    """Resources from (request, limit) pairs in MiB and millicores."""
    return Resources(
        memory_request=f"{memory[0]}Mi",
        memory_limit=f"{memory[1]}Mi",
        cpu_request=f"{cpu[0]}m",
        cpu_limit=f"{cpu[1]}m",
    )


@dataclass(frozen=True)
class JvmProfile:
    """What a JVM needs beside its heap, and how its collector is tuned.

    The numbers come from the resident memory measured in spikes.md; a container that outgrows them
    is killed, so they lie above what was seen.
    """

    metaspace: int
    """MiB, -XX:MaxMetaspaceSize"""
    code_cache: int
    """MiB, -XX:ReservedCodeCacheSize"""
    direct: int
    """MiB, -XX:MaxDirectMemorySize"""
    threads: int
    """threads at full load; their stacks are STACK_KIB each"""
    gc_pause_ms: int
    """-XX:MaxGCPauseMillis"""


STACK_KIB = 512
"""-Xss, KiB"""
COLLECTOR_SHARE = 0.08
"""G1's own tables, as a share of the heap"""
NATIVE_OVERHEAD = 32
"""MiB for the JVM's own code, symbols and malloc's slack"""
MINIMUM_HEAP = 128
"""MiB; below this none of the three programs starts"""

BROKER_JVM = JvmProfile(metaspace=72, code_cache=48, direct=64, threads=90, gc_pause_ms=20)
CONNECT_JVM = JvmProfile(metaspace=144, code_cache=64, direct=128, threads=90, gc_pause_ms=200)
REGISTRY_JVM = JvmProfile(metaspace=96, code_cache=48, direct=32, threads=60, gc_pause_ms=200)
JVM_PROFILES = {"broker": BROKER_JVM, "connect": CONNECT_JVM, "registry": REGISTRY_JVM}


def heap_for(limit: int, profile: JvmProfile) -> int:
    """MiB of heap that fit under a container's memory limit (MiB) beside everything else.

    limit = heap × (1 + COLLECTOR_SHARE) + metaspace + code cache + direct + stacks + overhead

    Raises ValueError where less than MINIMUM_HEAP would be left.
    """
    stacks = profile.threads * STACK_KIB / 1024
    beside = profile.metaspace + profile.code_cache + profile.direct + stacks + NATIVE_OVERHEAD
    heap = int((limit - beside) / (1 + COLLECTOR_SHARE))
    if heap < MINIMUM_HEAP:
        needed = int(MINIMUM_HEAP * (1 + COLLECTOR_SHARE) + beside) + 1
        raise ValueError(f"a memory limit of {limit}Mi leaves no heap; give at least {needed}Mi")
    return heap


DEFAULT_RESOURCES = {
    "postgresql": _resources(memory=(512, 512), cpu=(500, 1000)),
    "broker": _resources(memory=(512, 682), cpu=(250, 500)),
    "connect": _resources(memory=(1024, 1024), cpu=(500, 1000)),
    "registry": _resources(memory=(384, 512), cpu=(250, 500)),
}
"""The design's "Resource Allocation (4Gi Total)"."""


class Sizing(Settings):
    """The sizes of a stack (`datapipe:sizing`); what is not given keeps the design's value."""

    postgresql: Resources = DEFAULT_RESOURCES["postgresql"]
    postgresql_storage: Mebibytes = 5 * 1024
    broker: Resources = DEFAULT_RESOURCES["broker"]
    broker_storage: Mebibytes | None = Field(
        default=None, description="per broker; by default the brokers share the cluster's 10Gi"
    )
    connect: Resources = DEFAULT_RESOURCES["connect"]
    registry: Resources = DEFAULT_RESOURCES["registry"]

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
        heap_for(given.memory_limit, JVM_PROFILES[str(info.field_name)])
        return given

    def storage_per_broker(self, brokers: int) -> int:
        """MiB of each broker's claim."""
        return self.broker_storage or KAFKA_CLUSTER_STORAGE // brokers


def jvm_heap_options(limit: int, profile: JvmProfile) -> str:
    """The JVM's memory options for a container limit (MiB)."""
    heap = heap_for(limit, profile)
    return (
        f"-Xms{heap // 2}m -Xmx{heap}m -Xss{STACK_KIB}k"
        f" -XX:MaxMetaspaceSize={profile.metaspace}m"
        f" -XX:ReservedCodeCacheSize={profile.code_cache}m"
        f" -XX:MaxDirectMemorySize={profile.direct}m"
    )


def jvm_collector_options(profile: JvmProfile) -> str:
    """The collector's options, those of the design's "Kafka Tuning"."""
    return (
        f"-server -XX:+UseG1GC -XX:MaxGCPauseMillis={profile.gc_pause_ms}"
        " -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent"
        " -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true"
    )


@dataclass(frozen=True)
class PostgresMemory:
    """PostgreSQL's memory settings, MiB except for the two counts."""

    shared_buffers: int
    wal_buffers: int
    work_mem: int
    maintenance_work_mem: int
    max_connections: int
    autovacuum_workers: int


BACKEND_OVERHEAD = 2
"""MiB of private memory of an idle PostgreSQL backend"""


def postgres_memory(limit: int) -> PostgresMemory:
    """PostgreSQL's settings for a container limit (MiB).

    Half of the limit is shared_buffers (design: 256MB of 512Mi); the rest holds the maintenance
    workers and as many connections as fit with their work_mem.
    """
    shared_buffers, work_mem, maintenance, workers = limit // 2, 4, limit // 16, 2
    left = limit - shared_buffers - maintenance * workers
    connections = left // (work_mem + BACKEND_OVERHEAD)
    return PostgresMemory(
        shared_buffers=shared_buffers,
        wal_buffers=min(16, max(1, shared_buffers // 16)),
        work_mem=work_mem,
        maintenance_work_mem=maintenance,
        max_connections=min(connections, 200),
        autovacuum_workers=workers,
    )
