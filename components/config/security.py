"""The security layer's configuration (`datapipe:security`)."""

from typing import Literal

from pydantic import Field

from components.settings import Settings


def versioned_name(name: str, version: int, separator: str = "-") -> str:
    """The name of a credential in one of its versions; the first bears the plain name.

    Each version is a resource of its own, so a rotation makes the new one first and removes the old
    one when nothing refers to it any more.
    """
    return name if version == 1 else f"{name}{separator}{version}"


class SecuritySettings(Settings):
    """The namespace and what its pods may do."""

    namespace: str = Field(
        default="data-ingestion", pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
    )
    pod_security: Literal["restricted", "baseline"] = Field(
        default="restricted", description="enforced Pod Security level (design: baseline)"
    )
    connect_rbac: Literal["none", "design"] = Field(
        default="none", description="design: kafka-connect-sa may read its own configuration"
    )
    certificate_days: int = Field(default=825, ge=1, le=3650)
    credentials_version: int = Field(
        default=1,
        ge=1,
        le=1_000_000,
        description="another number has every password and access key replaced; make rotate"
        " raises it",
    )
