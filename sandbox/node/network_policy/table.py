"""The table in the kernel: replaced, read, removed."""

import json

from sandbox.node import api_server
from sandbox.node.network_policy.objects import Cluster, read_cluster
from sandbox.node.network_policy.ruleset import PODS, TABLE, render
from sandbox.node.packet_filter import nft, tables


def is_present() -> bool:
    """Return whether the table is there."""
    return f"ip {TABLE}" in tables()


def close() -> None:
    """Let no pod send or receive before its policies are known."""
    nft("-f", "-", script=render(Cluster()))


def knows_every_pod() -> bool:
    """Return whether the table is there and was made for the pods that the cluster has now."""
    if not is_present():
        return False
    status, body = api_server.get("/api/v1/pods")
    if status != 200:
        return False
    running = {pod.address for pod in read_cluster(json.loads(body)["items"], (), ()).pods}
    listed = json.loads(nft("--json", "list", "set", "ip", TABLE, PODS))["nftables"]
    return running == {
        address for entry in listed for address in entry.get("set", {}).get("elem", ())
    }
