"""How Connect's REST API is reached: through the Kubernetes API server, or by a URL.

The program imports this to declare connectors, and sends no request: the HTTP client, which takes
long to import, is imported where one is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi

from kafka_connect.cluster_access import ClusterAccess

if TYPE_CHECKING:
    import requests

    from kafka_connect.client import ConnectClient


@dataclass(frozen=True)
class ServiceProxy:
    """The worker's service behind the API server's proxy, with the user's own kubeconfig.

    The REST API then needs no NodePort and no port-forward, and RBAC says who may use it.
    """

    namespace: pulumi.Input[str]
    service: str
    port: int
    context: str | None = None

    def inputs(self) -> dict[str, Any]:
        """As inputs of a resource."""
        return {
            "context": self.context,
            "namespace": self.namespace,
            "service": self.service,
            "port": self.port,
        }


@dataclass(frozen=True)
class DirectUrl:
    """A worker whose REST API can be reached from here."""

    url: str

    def inputs(self) -> dict[str, Any]:
        """As inputs of a resource."""
        return {"url": self.url}


WorkerAccess = ServiceProxy | DirectUrl


def open_access(inputs: Mapping[str, Any]) -> tuple[requests.Session, str]:
    """Return a session and base URL from the inputs that a WorkerAccess made.

    Raises ClusterAccessError where the kubeconfig can't be used.
    """
    import requests  # noqa: PLC0415

    if inputs.get("url"):
        return requests.Session(), str(inputs["url"]).rstrip("/")
    cluster = ClusterAccess(inputs.get("context"))
    # Pulumi hands numbers over as floats.
    port = int(inputs["port"])
    url = cluster.service_proxy_url(str(inputs["namespace"]), str(inputs["service"]), port)
    return cluster.session(), url


def open_client(inputs: Mapping[str, Any]) -> ConnectClient:
    """Return a client of the workers from the inputs that a WorkerAccess made.

    Raises ClusterAccessError where the kubeconfig can't be used.
    """
    from kafka_connect.client import ConnectClient  # noqa: PLC0415

    return ConnectClient(*open_access(inputs))
