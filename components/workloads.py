"""The pipeline's workloads: names, labels and the security contexts of their pods.

Names and labels are stable: selectors are immutable, and a changed one would replace a StatefulSet.
"""

from enum import StrEnum
from typing import Any

PART_OF = "datapipe"

# Where a container has our configuration and scripts. No image knows this folder: an image declares
# volumes in its own, such as /etc/kafka/secrets, and a mount above one keeps the pod from starting.
CONFIG_DIR = "/opt/datapipe/config"


class Workload(StrEnum):
    """A program of the pipeline; the value is the name of its Kubernetes objects and labels."""

    POSTGRESQL = "postgresql"
    KAFKA = "kafka"
    REGISTRY = "schema-registry"
    CONNECT = "kafka-connect"
    MAINTENANCE = "archive-maintenance"

    @property
    def service_account(self) -> str:
        """Design: "dedicated_per_component"."""
        return f"{self.value}-sa"

    @property
    def user_id(self) -> int:
        """Uid, gid and fsGroup of the pod (design: "Pod Security Contexts")."""
        return 70 if self is Workload.POSTGRESQL else 1000

    @property
    def selector(self) -> dict[str, str]:
        """The labels that select this workload's pods."""
        return {"app.kubernetes.io/name": self.value}

    @property
    def labels(self) -> dict[str, str]:
        """The labels of everything that belongs to this workload."""
        return {**self.selector, "app.kubernetes.io/part-of": PART_OF}

    def pod_security_context(self) -> dict[str, Any]:
        """Return the pod's security context; meets the Kubernetes restricted profile."""
        return {
            "runAsNonRoot": True,
            "runAsUser": self.user_id,
            "runAsGroup": self.user_id,
            "fsGroup": self.user_id,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        }


def container_security_context(read_only_root: bool = True) -> dict[str, Any]:
    """Return a container's security context: no privileges, and only volumes are writable."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": read_only_root,
    }


def service_host(service: str, namespace: str) -> str:
    """Return the cluster's DNS name of a service."""
    return f"{service}.{namespace}.svc.cluster.local"
