"""What a machine must have before anything is started: one clear sentence for each lack.

The checks are pure functions of the facts; `facts` collects them.
"""

import os
import platform
import re
import shutil
import socket
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Network
from pathlib import Path

from sandbox import paths
from sandbox.node import addresses, cgroups
from tools import paths as tool_paths
from tools.errors import UserError

# Kubernetes 1 GiB, the pipeline's budget 4 GiB, moto and builds the rest.
NEEDED_MEMORY_MIB = 6 * 1024
# Go's modules and build cache 7 GiB, images 2 GiB, volumes and logs.
NEEDED_DISK_MIB = 12 * 1024

PROCESSORS = ("x86_64", "aarch64")

# Each program with the Debian package that brings it.
TOOLS: Mapping[str, str] = {
    "apt-get": "apt",
    "dpkg": "dpkg",
    "flock": "util-linux",
    "go": "golang (or the archive of the Go project)",
    "ip": "iproute2",
    "java": "openjdk-17-jre-headless",
    "mount": "mount",
    "mvn": "maven",
    "tar": "tar",
}


@dataclass(frozen=True)
class Facts:
    """What preflight judges."""

    user_id: int
    processor: str
    missing_tools: Sequence[str]
    cgroup_controllers: frozenset[str]
    available_memory_mib: int
    free_disk_mib: Mapping[Path, int]
    ports_in_use: Sequence[tuple[str, int]]
    routes: Sequence[str]
    other_node_programs: Sequence[str]


def require(found: Facts) -> None:
    """Raise UserError with every lack, one line each."""
    if lacks := problems(found):
        raise UserError("\n".join(["this machine can't run the sandbox:", *lacks]))


def problems(found: Facts) -> list[str]:
    """Return one sentence for each obstacle."""
    return [
        *_privileges(found),
        *_tools(found),
        *_room(found),
        *_ports(found),
        *_addresses(found),
        *_other_node(found),
    ]


def _privileges(found: Facts) -> Iterable[str]:
    if found.user_id != 0:
        yield "- root is needed for containers and networks: run it as root or with sudo -E"
    if found.processor not in PROCESSORS:
        yield f"- its processor is {found.processor}; supported are {', '.join(PROCESSORS)}"
    missing = [name for name in cgroups.REQUIRED if name not in found.cgroup_controllers]
    if missing:
        yield (
            f"- the cgroup controllers {', '.join(missing)} are not mounted; without them no "
            "limit is in force (in a container: run it privileged; on a virtual machine: see "
            "the kernel's cgroup_enable= parameter)"
        )


def _tools(found: Facts) -> Iterable[str]:
    for tool in found.missing_tools:
        yield f"- `{tool}` is missing; Debian package: {TOOLS[tool]}"


def _room(found: Facts) -> Iterable[str]:
    if found.available_memory_mib < NEEDED_MEMORY_MIB:
        yield (
            f"- {found.available_memory_mib} MiB of memory are available, "
            f"{NEEDED_MEMORY_MIB} MiB are needed"
        )
    for folder, free in found.free_disk_mib.items():
        if free < NEEDED_DISK_MIB:
            yield f"- {free} MiB are free in {folder}, {NEEDED_DISK_MIB} MiB are needed"


def _ports(found: Facts) -> Iterable[str]:
    for address, port in found.ports_in_use:
        yield (
            f"- port {port} on {address} is taken; `ss -ltnp 'sport = :{port}'` shows by whom: "
            "stop that program"
        )


def _addresses(found: Facts) -> Iterable[str]:
    for route in found.routes:
        if overlaps_sandbox(route):
            yield (
                f"- the route `{route}` overlaps {addresses.NETWORK}, which the sandbox uses: "
                "remove it or leave the network (VPN?) that it belongs to"
            )


def _other_node(found: Facts) -> Iterable[str]:
    if found.other_node_programs:
        yield (
            f"- another Kubernetes node runs here ({', '.join(found.other_node_programs)}); "
            "the two would share packet filter tables and folders: stop it first"
        )


def overlaps_sandbox(route: str) -> bool:
    """Return whether a line of `ip -4 route`, other than a default one, leads into our network."""
    words = route.split()
    destination = words[1] if words[:1] in (["unreachable"], ["blackhole"]) else words[0]
    try:
        return IPv4Network(destination).overlaps(addresses.NETWORK)
    except (AddressValueError, ValueError):
        return False


def available_memory_mib(meminfo: str) -> int:
    """Return MemAvailable of /proc/meminfo in MiB."""
    match = re.search(r"^MemAvailable:\s+(\d+) kB", meminfo, re.MULTILINE)
    return int(match[1]) // 1024 if match else 0


def facts() -> Facts:
    """Look at this machine. Call it while no sandbox runs: its own ports would count as taken."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    return Facts(
        user_id=os.geteuid(),
        processor=platform.machine(),
        missing_tools=missing,
        cgroup_controllers=frozenset().union(*cgroups.mounted().values()),
        available_memory_mib=available_memory_mib(Path("/proc/meminfo").read_text()),
        free_disk_mib={
            folder: _free_disk_mib(folder) for folder in (tool_paths.cache(), paths.STATE)
        },
        ports_in_use=[listener for listener in addresses.LISTENERS if _is_taken(listener[1])],
        routes=[] if "ip" in missing else _routes(),
        other_node_programs=_node_programs(),
    )


def _free_disk_mib(folder: Path) -> int:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free // 2**20


def _is_taken(port: int) -> bool:
    # On all addresses: the node's own does not exist yet.
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104
        except OSError:
            return True
    return False


def _routes() -> list[str]:
    shown = subprocess.run(["ip", "-4", "route"], capture_output=True, text=True, check=True)
    return [line for line in shown.stdout.splitlines() if line.strip()]


def _node_programs() -> list[str]:
    """Return kubelets and kube-proxies of this network namespace, so not those in containers."""
    ours = Path("/proc/self/ns/net").readlink()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            name = (process / "comm").read_text().strip()
            if name in {"kubelet", "kube-proxy"} and (process / "ns/net").readlink() == ours:
                found.append(f"{name}, process {process.name}")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # ended meanwhile, or not ours to look at
    return found
