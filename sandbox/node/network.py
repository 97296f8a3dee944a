"""The node's bridge and the kernel settings that routing pods needs."""

import json
from pathlib import Path

from sandbox import paths
from sandbox.node import addresses, packet_filter
from sandbox.node.commands import run
from sandbox.node.files import write_private
from sandbox.node.network_policy import table as policy_table
from tools.errors import UserError

# What the sandbox, its CNI plugins and its kubelet change, and `down` puts back.
_CHANGED_SETTINGS = (
    "net/ipv4/ip_forward",
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "kernel/panic",
    "kernel/panic_on_oops",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)
_SETTINGS_BEFORE = paths.STATE / "kernel-settings-before.json"
_SYSCTL = Path("/proc/sys")


def create() -> None:
    """Make the bridge, the filter and the routes, and switch routing on."""
    _remember_settings()
    if not _link_exists(addresses.BRIDGE):
        _ip("link", "add", addresses.BRIDGE, "type", "bridge")
    _ip("address", "replace", f"{addresses.NODE_ADDRESS}/24", "dev", addresses.BRIDGE)
    _ip("link", "set", addresses.BRIDGE, "up")
    # The host's own connections to Services start from the node's address, not from the one
    # towards the default route, and work without a default route.
    _ip(
        *("route", "replace", str(addresses.SERVICES), "dev", addresses.BRIDGE),
        *("src", str(addresses.NODE_ADDRESS)),
    )
    (_SYSCTL / "net/ipv4/ip_forward").write_text("1")
    packet_filter.create()
    if not policy_table.is_present():
        policy_table.close()


def is_complete() -> bool:
    """Return whether bridge, filter and routing are as `create` made them."""
    return (
        _link_exists(addresses.BRIDGE)
        and packet_filter.is_complete()
        and policy_table.is_present()
        and (_SYSCTL / "net/ipv4/ip_forward").read_text().strip() == "1"
    )


def remove() -> None:
    """Remove bridge, pods' links and packet filter; put the kernel's settings back."""
    for link in (*_links_with_node_address(), addresses.BRIDGE):
        _delete_link(link)
    packet_filter.remove()
    _restore_settings()


def _remember_settings() -> None:
    if _SETTINGS_BEFORE.exists():
        return
    before = {
        name: (_SYSCTL / name).read_text().strip()
        for name in _CHANGED_SETTINGS
        if (_SYSCTL / name).exists()
    }
    write_private(_SETTINGS_BEFORE, json.dumps(before, indent=2))


def _restore_settings() -> None:
    if not _SETTINGS_BEFORE.exists():
        return
    for name, value in json.loads(_SETTINGS_BEFORE.read_text()).items():
        file = _SYSCTL / name
        if file.read_text().strip() != value:
            file.write_text(value)


def _delete_link(name: str) -> None:
    try:
        _ip("link", "delete", name)
    except UserError:
        if _link_exists(name):  # a pod's link goes by itself when its network namespace does
            raise


def _links_with_node_address() -> list[str]:
    shown = _ip("-json", "address", "show", "to", str(addresses.NODE_ADDRESS))
    links = [link.get("ifname", "") for link in json.loads(shown or "[]")]
    return [name for name in links if name.startswith("veth")]


def _link_exists(name: str) -> bool:
    return Path("/sys/class/net", name).exists()


def _ip(*arguments: str) -> str:
    return run(["ip", *arguments])
