"""The security layer's configuration (`datapipe:security`)."""

from typing import Literal

from pydantic import Field

from components.config.kubernetes_names import OwnNamespaceName
from components.settings import Settings


def versioned_name(name: str, version: int, separator: str = "-") -> str:
    """Return the name of a credential in one of its versions; the first has the plain name.

    Each version is a resource of its own, so a rotation creates the new one first and deletes the
    old one once nothing refers to it.
    """
    return name if version == 1 else f"{name}{separator}{version}"


class SecuritySettings(Settings):
    """The namespace and what its pods may do."""

    namespace: OwnNamespaceName = Field(
        default="data-ingestion",
        description="Kubernetes namespace of the pipeline; the design's host names contain"
        " data-ingestion.",
    )
    pod_security: Literal["restricted", "baseline"] = Field(
        default="restricted",
        description="Pod Security level that the namespace enforces; the pods meet restricted"
        " (design: baseline_enforcement).",
    )
    connect_rbac: Literal["none", "design"] = Field(
        default="none",
        description="With design, kafka-connect-sa may read the ConfigMap and the Secret of Kafka"
        ' Connect (design: "data_access_controls"); Connect needs neither.',
    )
    certificate_days: int = Field(
        default=825,
        ge=1,
        le=3650,
        description="Days for which PostgreSQL's TLS certificate is valid, and those of Kafka's"
        " accounts where kafka.security is tls; 825 is the most that Apple's clients accept.",
    )
    credentials_version: int = Field(
        default=1,
        ge=1,
        le=1_000_000,
        description="Version of all passwords, access keys and Kafka's certificates; another number"
        " replaces them (`make rotate` raises it).",
    )
