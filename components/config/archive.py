"""The archive layer's configuration (`datapipe:archive`)."""

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from components.settings import Settings
from kafka_connect.connector_state import State

BUCKET_NAME = re.compile(
    r"(?!xn--|sthree-)[a-z0-9][a-z0-9-]{1,61}[a-z0-9](?<!-s3alias)(?<!--ol-s3)"
)
"""S3's naming rules for general purpose buckets, without dots (they break TLS to the bucket)."""


class ArchiveSettings(Settings):
    """The bucket, who may write to it, and how the sink writes."""

    bucket: str = Field(description="globally unique, by convention datapipe-ingestion-<suffix>")
    prefix: str = Field(default="topics", pattern=r"^[A-Za-z0-9_-]+$")
    retain: bool = Field(default=True, description="false: destroying the stack empties the bucket")
    protect: bool = Field(default=False, description="refuse to delete or replace the bucket")
    sink: str = Field(
        default="confluent-s3",
        description="The sink connector of the archive: confluent-s3 writes Parquet files,"
        " iceberg writes tables of the Glue catalog.",
    )
    access: Literal["user", "role"] = Field(
        default="user", description="an IAM user with access keys, or a role for pods (IRSA)"
    )
    oidc_provider_arn: str | None = Field(
        default=None, description="of the EKS cluster; needed where access is role"
    )
    encryption: Literal["AES256", "aws:kms"] = "AES256"
    kms_key_arn: str | None = None
    catalog_database: str = Field(
        default="cdc", pattern=r"^[a-z0-9_]{1,255}$", description="Glue database of the tables"
    )
    tasks: int | None = Field(
        default=None,
        ge=1,
        description="of the sink; by default 24 for confluent-s3 (the design), 2 for iceberg",
    )
    flush_size: int = Field(default=1000, ge=1, description="records per file, confluent-s3 only")
    rotate_interval_ms: int = Field(
        default=60_000, ge=1000, description="age at which a file is closed or a commit is made"
    )
    state: State = Field(
        default="RUNNING",
        description="of the sink connector; while it doesn't run, the topics keep the changes",
    )
    infrequent_access_days: int = Field(default=30, ge=30)
    glacier_days: int = Field(default=180, ge=60)

    @field_validator("bucket")
    @classmethod
    def _bucket_name_is_legal(cls, name: str) -> str:
        if not BUCKET_NAME.fullmatch(name):
            raise ValueError(
                f"{name!r} is no bucket name that S3 accepts: 3 to 63 of a-z, 0-9 and -,"
                " beginning and ending with a letter or digit"
            )
        return name

    @model_validator(mode="after")
    def _choices_are_complete(self) -> "ArchiveSettings":
        if self.access == "role" and not self.oidc_provider_arn:
            raise ValueError("access: role needs oidcProviderArn, the EKS cluster's OIDC provider")
        if self.encryption == "aws:kms" and not self.kms_key_arn:
            raise ValueError("encryption: aws:kms needs kmsKeyArn")
        if self.glacier_days <= self.infrequent_access_days:
            raise ValueError(
                f"glacierDays {self.glacier_days} must be above infrequentAccessDays"
                f" {self.infrequent_access_days}"
            )
        return self
