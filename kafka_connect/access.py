"""How Connect's REST API is reached: through the Kubernetes API server, or by a URL."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import requests

from kafka_connect.cluster_access import ClusterAccess


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
    if inputs.get("url"):
        return requests.Session(), str(inputs["url"]).rstrip("/")
    cluster = ClusterAccess(inputs.get("context"))
    # Pulumi hands numbers over as floats.
    port = int(inputs["port"])
    url = cluster.service_proxy_url(str(inputs["namespace"]), str(inputs["service"]), port)
    return cluster.session(), url
