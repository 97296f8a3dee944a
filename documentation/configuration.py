"""The tables of docs/CONFIGURATION.md, made from the configuration's types and sizes."""

from pydantic.fields import FieldInfo

from components.config.fields import allowed_by, walk
from components.config.stack import StackConfig
from components.postgres_memory import postgres_memory
from components.settings import parse_mebibytes, parse_millicores
from components.sizing import (
    BROKER_JVM,
    CONNECT_JVM,
    DEFAULT_RESOURCES,
    MAINTENANCE_JVM,
    Resources,
    heap_for,
)


def keys() -> str:
    """Return a Markdown table of every key of a stack file: key, default, meaning."""
    rows = ["| key | default | meaning |", "|---|---|---|"]
    for key, field in walk(StackConfig, "datapipe:"):
        rows.append(f"| `{key}` | {_default(field)} | {_meaning(field)} |")
    return "\n".join(rows)


def sizes() -> str:
    """Return a Markdown table of the default sizes and of what is derived from them."""
    names = ("postgresql", "broker", "connect", "registry", "maintenance")
    sizes = postgresql, broker, connect, registry, maintenance = [
        DEFAULT_RESOURCES[name] for name in names
    ]
    shared_buffers = postgres_memory(postgresql.memory_limit).shared_buffers
    derived = {
        "postgresql": f"{shared_buffers} MiB of shared buffers",
        "kafka, 3 ×": f"{heap_for(broker.memory_limit, BROKER_JVM)} MiB of heap",
        "kafka-connect": f"{heap_for(connect.memory_limit, CONNECT_JVM)} MiB of heap",
        "schema-registry (converter avro: dev, prod)": "",
        "archive-maintenance (sink iceberg: sandbox)": (
            f"{heap_for(maintenance.memory_limit, MAINTENANCE_JVM)} MiB of heap"
        ),
    }
    rows = ["| pod | memory limit | CPU limit | of which |", "|---|---|---|---|"]
    for (pod, of_which), size in zip(derived.items(), sizes, strict=True):
        rows.append(f"| {pod} | {size.memory_limit}Mi | {size.cpu_limit / 1000:g} | {of_which} |")
    always = [postgresql, broker, broker, broker, connect]
    for stack, last in (("dev", registry), ("sandbox", maintenance)):
        memory, cpu = _sum([*always, last])
        rows.append(f"| **sum** in {stack} | **{memory}Mi** | **{cpu:g}** | |")
    return "\n".join(rows)


def _sum(pods: list[Resources]) -> tuple[int, float]:
    """Return MiB of memory and CPUs."""
    return sum(pod.memory_limit for pod in pods), sum(pod.cpu_limit for pod in pods) / 1000


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "(required)"
    value = field.default
    match value:
        case None | ():
            return "–"
        case Resources():
            requests, limits = value.manifest()["requests"], value.manifest()["limits"]
            return (
                f"memory {requests['memory']} to {limits['memory']},"
                f" CPU {requests['cpu']} to {limits['cpu']}"
            )
        case tuple():
            return ", ".join(f"`{item}`" for item in value)
        case bool():
            return f"`{str(value).lower()}`"
    parsers = {getattr(item, "func", None) for item in field.metadata}
    unit = "Mi" if parse_mebibytes in parsers else "m" if parse_millicores in parsers else ""
    return f"`{value}{unit}`"


def _meaning(field: FieldInfo) -> str:
    allowed = str(allowed_by(field))
    meaning = f"{field.description} Allowed: {allowed}." if allowed else str(field.description)
    return _escaped(meaning)


def _escaped(text: str) -> str:
    """Return text in which Markdown takes <source> for text, not for an element of HTML."""
    parts = text.split("`")  # every second one is code
    return "`".join(
        part if index % 2 else part.replace("<", "&lt;") for index, part in enumerate(parts)
    )
