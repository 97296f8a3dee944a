"""The source layer's configuration (`datapipe:source`)."""

from typing import Literal

from pydantic import Field

from components.settings import Settings


class SourceSettings(Settings):
    """PostgreSQL with logical replication (design: "PostgreSQL (Source Database)")."""

    port: int = Field(default=5432, ge=1024, le=65535)
    database: str = Field(default="ecommerce", pattern=r"^[a-z_][a-z0-9_]{0,62}$")
    sample_schema: bool = Field(
        default=True, description="create the design's e-commerce tables and their triggers"
    )
    max_replication_slots: int = Field(default=4, ge=1, le=100)
    max_wal_senders: int = Field(default=4, ge=1, le=100)
    effective_cache_size: str = Field(default="1GB", pattern=r"^\d+(MB|GB)$")
    checkpoint_completion_target: float = Field(default=0.9, gt=0, le=1)
    max_wal_size: str = Field(default="2GB", pattern=r"^\d+(MB|GB)$")
    max_slot_wal_keep_size: str = Field(
        default="3GB",
        pattern=r"^(\d+(MB|GB)|-1)$",
        description="WAL kept for a slot whose reader is away; beyond it the slot is given up",
    )
    password_encryption: Literal["scram-sha-256", "md5"] = "scram-sha-256"
    replica_identity: Literal["full", "default"] = Field(
        default="full", description="of the captured tables; full keeps a deleted row's columns"
    )
    debezium_user: str = Field(default="debezium", pattern=r"^[a-z_][a-z0-9_]{0,62}$")
    publication: str = Field(default="dbz_publication", pattern=r"^[a-z_][a-z0-9_]{0,62}$")
    slot: str = Field(default="debezium_slot", pattern=r"^[a-z0-9_]{1,63}$")
