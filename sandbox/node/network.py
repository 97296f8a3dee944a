"""The node's bridge, its packet filter and the kernel settings that routing pods needs."""

import json
import os
import subprocess
from pathlib import Path

from sandbox import paths
from sandbox.errors import SandboxError
from sandbox.node import addresses
from sandbox.node.files import write_private

FILTER_TABLE = "datapipe-sandbox"
_PROXY_TABLES = ("ip kube-proxy", "ip6 kube-proxy")

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

# Pods have no way out and nobody else has one in: what leaves is refused at once instead of
# timing out, what comes from elsewhere is dropped. Only traffic with the sandbox's own addresses
# is looked at. kube-proxy's rules come before these (priority dstnat).
_FILTER = f"""
table inet {FILTER_TABLE} {{
  chain forward {{
    type filter hook forward priority filter; policy accept;
    ip saddr {addresses.NETWORK} ip daddr {addresses.NETWORK} accept
    ip saddr {addresses.NETWORK} reject with icmp type admin-prohibited
    ip daddr {addresses.NETWORK} drop
  }}
  chain input {{
    type filter hook input priority filter; policy accept;
    ip daddr {addresses.NETWORK} ip saddr != {addresses.NETWORK} fib saddr type != local drop
  }}
}}
"""


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
    _delete_table(f"inet {FILTER_TABLE}")
    _nft("-f", "-", script=_FILTER)


def is_complete() -> bool:
    """Tell whether bridge, filter and routing are as `create` made them."""
    return (
        _link_exists(addresses.BRIDGE)
        and f"inet {FILTER_TABLE}" in tables()
        and (_SYSCTL / "net/ipv4/ip_forward").read_text().strip() == "1"
    )


def remove() -> None:
    """Remove bridge, pods' links and packet filter; put the kernel's settings back."""
    for link in _links_with_node_address():
        _ip("link", "delete", link)
    if _link_exists(addresses.BRIDGE):
        _ip("link", "delete", addresses.BRIDGE)
    present = tables()
    for table in (f"inet {FILTER_TABLE}", *_PROXY_TABLES):
        if table in present:
            _delete_table(table)
    _restore_settings()


def tables() -> list[str]:
    """Return the packet filter's tables, as `family name`."""
    listed = json.loads(_nft("--json", "list", "tables"))["nftables"]
    return [
        f"{entry['table']['family']} {entry['table']['name']}"
        for entry in listed
        if "table" in entry
    ]


def has_proxy_tables() -> bool:
    """Tell whether some kube-proxy has left rules on this machine."""
    return any(table in tables() for table in _PROXY_TABLES)


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


def _links_with_node_address() -> list[str]:
    shown = _ip("-json", "address", "show", "to", str(addresses.NODE_ADDRESS))
    links = [link.get("ifname", "") for link in json.loads(shown or "[]")]
    return [name for name in links if name.startswith("veth")]


def _link_exists(name: str) -> bool:
    return Path("/sys/class/net", name).exists()


def _delete_table(table: str) -> None:
    # `add` first: deleting a table that is not there is an error.
    _nft("-f", "-", script=f"add table {table}\ndelete table {table}\n")


def _ip(*arguments: str) -> str:
    return _run(["ip", *arguments])


def _nft(*arguments: str, script: str | None = None) -> str:
    return _run([str(paths.binaries() / "nft"), *arguments], script)


def _run(command: list[str], script: str | None = None) -> str:
    done = subprocess.run(
        command,
        input=script,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    if done.returncode != 0:
        raise SandboxError(f"{' '.join(command)} failed: {done.stderr.strip()}")
    return done.stdout
