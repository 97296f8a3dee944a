"""PostgreSQL's memory settings fit its container's limit.

    shared_buffers + wal_buffers
      + max_connections × (work_mem + 2MB)
      + autovacuum_max_workers × maintenance_work_mem
      + max_wal_senders × (logical_decoding_work_mem + 2MB)     ≤ limit

2MB is the private memory of an idle backend. One query may use work_mem several times; no
setting limits that, so this sum is the minimum that must fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from policies.finding import Finding, Violation, judge
from policies.pods import Container, PodTemplate, pod_template
from policies.quantities import MEBIBYTE, format_mebibytes, parse_bytes
from policies.resource import Resource
from policies.settings import Settings

CONFIGURATION_FILE = "postgresql.conf"
BACKEND = 2 * MEBIBYTE

# The defaults of PostgreSQL 15.
DEFAULTS = {
    "shared_buffers": "128MB",
    "wal_buffers": "-1",
    "work_mem": "4MB",
    "maintenance_work_mem": "64MB",
    "logical_decoding_work_mem": "64MB",
    "max_connections": "100",
    "autovacuum_max_workers": "3",
    "max_wal_senders": "10",
}

UNITS = {"B": 1, "kB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
# The unit of a bare number: pages of 8 KiB for these settings, kB for all others.
BARE_UNITS = {"shared_buffers": 8192, "wal_buffers": 8192}

SETTING = re.compile(r"^\s*(?P<name>[a-z_.]+)\s*=?\s*'?(?P<value>[^'#\n]*?)'?\s*(#.*)?$", re.M)
SIZE = re.compile(r"(-?\d+)\s*(B|kB|MB|GB|TB)?")


def postgres_memory_fits(resources: Sequence[Resource], _settings: Settings) -> Iterator[Finding]:
    """Refuse a postgresql.conf whose memory settings exceed the limit of the pod that mounts it."""
    for owner in resources:
        yield from judge(_pods_fit, owner, resources)


def _pods_fit(owner: Resource, resources: Sequence[Resource]) -> Iterator[Finding]:
    template = pod_template(owner)
    text = _configuration(template, resources) if template else None
    if template is None or text is None:
        return
    for container in template.containers():
        if container.role == "container":
            for message in _fits(container, text):
                yield Violation(f"{owner.title}, {message}", owner.urn)


def _configuration(template: PodTemplate, resources: Sequence[Resource]) -> str | None:
    """Return the postgresql.conf in the ConfigMaps that the pod mounts."""
    mounted = {
        volume["configMap"]["name"]
        for volume in template.spec.get("volumes", ())
        if "configMap" in volume
    }
    for resource in resources:
        if resource.is_kind("ConfigMap") and resource.namespace == template.owner.namespace:
            data = resource.properties.get("data", {})
            if CONFIGURATION_FILE in data and resource.metadata.get("name") in mounted:
                return str(data[CONFIGURATION_FILE])
    return None


def _fits(container: Container, text: str) -> Iterator[str]:
    stated = container.quantity("limits", "memory")
    if stated is None:
        return  # reported by the policy container-resources
    try:
        parts = memory_parts(parse_configuration(text))
    except ValueError as wrong:
        yield f"{CONFIGURATION_FILE}: {wrong}"
        return
    limit, total = parse_bytes(stated), sum(parts.values())
    if total > limit:
        terms = " + ".join(f"{name} {format_mebibytes(size)}" for name, size in parts.items())
        yield (
            f"{container.title}: {terms} = {format_mebibytes(total)}, above the limit of"
            f" {format_mebibytes(limit)}; lower shared_buffers or max_connections, or raise the"
            " limit"
        )


def parse_configuration(text: str) -> dict[str, str]:
    """Parse a postgresql.conf, with PostgreSQL's defaults; the last of two settings wins."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    given = {
        match["name"]: match["value"].strip() for line in lines if (match := SETTING.match(line))
    }
    return {**DEFAULTS, **given}


def memory_parts(settings: Mapping[str, str]) -> dict[str, int]:
    """Return the bytes of each term of the formula. Raises ValueError for an invalid size."""
    shared = _size(settings, "shared_buffers")
    wal = _size(settings, "wal_buffers")
    connections = int(settings["max_connections"])
    workers = int(settings["autovacuum_max_workers"])
    senders = int(settings["max_wal_senders"])
    return {
        "shared_buffers": shared,
        # -1 is a 32nd of shared_buffers, at most a WAL segment
        "wal_buffers": wal if wal >= 0 else min(shared // 32, 16 * MEBIBYTE),
        f"{connections} connections": connections * (_size(settings, "work_mem") + BACKEND),
        f"{workers} vacuum workers": workers * _size(settings, "maintenance_work_mem"),
        f"{senders} WAL senders": senders
        * (_size(settings, "logical_decoding_work_mem") + BACKEND),
    }


def _size(settings: Mapping[str, str], name: str) -> int:
    match = SIZE.fullmatch(settings[name])
    if match is None:
        raise ValueError(f"{name} = {settings[name]} is not a valid size; write e.g. 256MB")
    number, unit = int(match[1]), match[2]
    if number < 0:
        return number
    return number * (UNITS[unit] if unit else BARE_UNITS.get(name, 1024))
