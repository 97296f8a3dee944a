"""Whether `cluster.nodeNetwork` contains the nodes that the cluster really has.

The network policies let in nothing else from outside. With a wrong range the stack would come up,
and its node ports and Connect's REST API would then not answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pulumi

from components.config.cluster import ClusterSettings
from components.config.load import refusal
from kafka_connect.cluster_access import ClusterAccess, ClusterAccessError

# How long a preview looks for the API server; without a cluster there is nothing to compare.
REACH_SECONDS = 3
# The size of the range in the message: Docker's and most clouds' networks are that large.
PREFIX = 16
FORBIDDEN = 403


def require_node_network(settings: ClusterSettings) -> None:
    """Compare the stack's range with the nodes' addresses, where the cluster can be asked.

    Raises ConfigError where a node's address is not in it.
    """
    nodes = _nodes(ClusterAccess(settings.context))
    if problem := outside(settings.node_network, internal_addresses(nodes)):
        stack_file = f"Pulumi.{pulumi.get_stack()}.yaml"
        raise refusal(stack_file, "datapipe", [f"cluster.nodeNetwork: {problem}"])


def outside(network: IPv4Network, addresses: Iterable[IPv4Address]) -> str | None:
    """Return what is wrong with the range, or None where it contains all addresses."""
    found = sorted(set(addresses))
    strangers = [str(address) for address in found if address not in network]
    if not strangers:
        return None
    ranges = {str(IPv4Network((address, PREFIX), strict=False)) for address in found}
    example = f", e.g. {ranges.pop()}" if len(ranges) == 1 else ""
    return (
        f"{network} does not contain the nodes' addresses {', '.join(strangers)}; set it to the"
        f" network of the cluster's nodes{example} (kind: docker network inspect kind)"
    )


def internal_addresses(nodes: Iterable[Mapping[str, Any]]) -> list[IPv4Address]:
    """Return the nodes' InternalIPs; a node may have a second one, of IPv6, which is left out."""
    return [
        IPv4Address(address["address"])
        for node in nodes
        for address in node.get("status", {}).get("addresses", ())
        if address["type"] == "InternalIP" and ":" not in address["address"]
    ]


def _nodes(access: ClusterAccess) -> list[Mapping[str, Any]]:
    """Return the cluster's nodes; none where no API server answers, or it may not be asked."""
    import requests  # noqa: PLC0415  slow, and a first preview has no cluster to ask

    try:
        with access.session() as session:
            url = f"{access.configuration().host.rstrip('/')}/api/v1/nodes"
            answer = session.get(url, timeout=REACH_SECONDS)
    except (ClusterAccessError, requests.RequestException) as error:
        # The provider reports a cluster that can't be reached; a first preview may have none.
        pulumi.log.debug(f"cluster.nodeNetwork was not compared with the nodes: {error}")
        return []
    if answer.status_code == FORBIDDEN:
        pulumi.log.info("cluster.nodeNetwork was not compared: the user may not list nodes")
        return []
    if not answer.ok:
        pulumi.log.warn(
            f"cluster.nodeNetwork was not compared with the nodes: {url} answers"
            f" {answer.status_code} {answer.reason}"
        )
        return []
    return list(answer.json()["items"])
