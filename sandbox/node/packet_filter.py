"""The packet filter (nftables): the sandbox's own table, and its traffic let through others'."""

import json
from collections.abc import Iterator
from typing import Any

from sandbox.node import addresses
from sandbox.node.commands import run
from sandbox.node.network_policy.ruleset import TABLE as POLICY_TABLE
from tools import paths

TABLE = "datapipe-sandbox"
_PROXY_TABLES = ("ip kube-proxy", "ip6 kube-proxy")
_OWN_TABLES = (f"inet {TABLE}", f"ip {POLICY_TABLE}", *_PROXY_TABLES)

# Pods have no way out and nothing else has one in: what leaves is refused immediately instead of
# timing out, what comes from elsewhere is dropped. Only traffic with the sandbox's own addresses
# is looked at. kube-proxy's rules come before these (priority dstnat).
_RULES = f"""
table inet {TABLE} {{
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
    """Make the sandbox's table, and let its traffic pass the chains that drop what they don't know.

    Docker sets such a chain up for all routed traffic of the machine, firewalls do for incoming.
    """
    _delete_table(f"inet {TABLE}")
    nft("-f", "-", script=_RULES)
    _delete_exceptions()
    for chain in _dropping_chains():
        nft(
            *("insert", "rule", chain["family"], chain["table"], chain["name"]),
            *("ip", "saddr", str(addresses.NETWORK), "ip", "daddr", str(addresses.NETWORK)),
            *("accept", "comment", f'"{TABLE}"'),
        )


def is_complete() -> bool:
    """Return whether the sandbox's table is there and no chain drops its traffic."""
    excepted = {(rule["family"], rule["table"], rule["chain"]) for rule in _exceptions()}
    return f"inet {TABLE}" in tables() and all(
        (chain["family"], chain["table"], chain["name"]) in excepted for chain in _dropping_chains()
    )


def remove() -> None:
    """Remove the sandbox's and its kube-proxy's tables and exceptions in others'."""
    present = tables()
    for table in _OWN_TABLES:
        if table in present:
            _delete_table(table)
    _delete_exceptions()


def tables() -> list[str]:
    """Return the packet filter's tables, as `family name`."""
    return [f"{table['family']} {table['name']}" for table in _listed("table", "tables")]


def has_proxy_tables() -> bool:
    """Return whether some kube-proxy has left rules on this machine."""
    return any(table in tables() for table in _PROXY_TABLES)


def _dropping_chains() -> Iterator[dict[str, Any]]:
    for chain in _listed("chain", "chains"):
        seen = chain.get("hook") in {"forward", "input"} and chain["family"] in {"ip", "inet"}
        if seen and chain.get("policy") == "drop":
            yield chain


def _exceptions() -> Iterator[dict[str, Any]]:
    for rule in _listed("rule", "ruleset"):
        if rule.get("comment") == TABLE:
            yield rule


def _delete_exceptions() -> None:
    for rule in _exceptions():
        where = (rule["family"], rule["table"], rule["chain"])
        nft("delete", "rule", *where, "handle", str(rule["handle"]))


def _delete_table(table: str) -> None:
    # `add` first: deleting a table that is not there is an error.
    nft("-f", "-", script=f"add table {table}\ndelete table {table}\n")


def _listed(kind: str, what: str) -> list[dict[str, Any]]:
    entries = json.loads(nft("--json", "--handle", "list", what))["nftables"]
    return [entry[kind] for entry in entries if kind in entry]


def nft(*arguments: str, script: str | None = None) -> str:
    """Run nftables' command, with `script` as its input; return what it prints."""
    return run([str(paths.binaries() / "nft"), *arguments], script)
