"""The tables of docs/CONFIGURATION.md, made from the configuration's types and sizes."""

import types
import typing
from collections.abc import Iterator, Mapping

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from components.config.stack import StackConfig
from components.settings import parse_mebibytes, parse_millicores
from components.sizing import (
    BROKER_JVM,
    CONNECT_JVM,
    DEFAULT_RESOURCES,
    Resources,
    heap_for,
    postgres_memory,
)


def keys() -> str:
    """Return a Markdown table of every key of a stack file: key, default, meaning."""
    rows = ["| key | default | meaning |", "|---|---|---|"]
    for key, field in _keys(StackConfig, "datapipe:"):
        rows.append(f"| `{key}` | {_default(field)} | {_meaning(field)} |")
    return "\n".join(rows)


def sizes() -> str:
    """Return a Markdown table of the default sizes and of what is derived from them."""
    postgresql, broker, connect, registry = (
        DEFAULT_RESOURCES[name] for name in ("postgresql", "broker", "connect", "registry")
    )
    shared_buffers = postgres_memory(postgresql.memory_limit).shared_buffers
    derived = {
        "postgresql": f"{shared_buffers} MiB of shared buffers",
        "kafka, 3 ×": f"{heap_for(broker.memory_limit, BROKER_JVM)} MiB of heap",
        "kafka-connect": f"{heap_for(connect.memory_limit, CONNECT_JVM)} MiB of heap",
        "schema-registry (dev, prod)": "",
    }
    sizes = (postgresql, broker, connect, registry)
    rows = ["| pod | memory limit | CPU limit | of which |", "|---|---|---|---|"]
    for (pod, of_which), size in zip(derived.items(), sizes, strict=True):
        rows.append(f"| {pod} | {size.memory_limit}Mi | {size.cpu_limit / 1000:g} | {of_which} |")
    memory, cpu = _sum([postgresql, broker, broker, broker, connect])
    all_memory, all_cpu = memory + registry.memory_limit, cpu + registry.cpu_limit / 1000
    rows.append(
        f"| **sum** | **{all_memory}Mi** (sandbox: {memory}Mi)"
        f" | **{all_cpu:g}** (sandbox: {cpu:g}) | |"
    )
    return "\n".join(rows)


def _sum(pods: list[Resources]) -> tuple[int, float]:
    """Return MiB of memory and CPUs."""
    return sum(pod.memory_limit for pod in pods), sum(pod.cpu_limit for pod in pods) / 1000


def _keys(section: type[BaseModel], prefix: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in section.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        inner = _section_of(field)
        if inner is None or inner is Resources:
            yield key, field
        else:
            yield from _keys(inner, f"{key}.{_entry_of(field)}")


def _section_of(field: FieldInfo) -> type[BaseModel] | None:
    """Return the section that a key holds, also if it may be null; None if it holds a value."""
    for option in (field.annotation, *typing.get_args(field.annotation)):
        if isinstance(option, type) and issubclass(option, BaseModel):
            return option
    return None


def _entry_of(field: FieldInfo) -> str:
    """Return the part of the key that names a table, if there is a section for each table."""
    is_mapping = typing.get_origin(field.annotation) is Mapping
    return "<schema.table>." if is_mapping else ""


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
    choices = ""
    if typing.get_origin(field.annotation) in {typing.Literal, types.UnionType}:
        options = [item for item in typing.get_args(field.annotation) if isinstance(item, str)]
        choices = " or ".join(f"`{option}`" for option in options)
    return ". ".join(part for part in (field.description or "", choices) if part)
