"""The security layer's configuration (`datapipe:security`)."""

from typing import Literal

from pydantic import Field

from components.settings import Settings


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
