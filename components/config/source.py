"""The source layer's configuration (`datapipe:source`)."""

import hashlib
from typing import Literal

from pydantic import Field

from components.settings import Settings
from kafka_connect.connector_state import State

NAME_LENGTH = 63
"""PostgreSQL's limit for a name; it cuts off what is longer."""


def name_for_table(prefix: str, table: str) -> str:
    """A name for something that a captured table (schema.table) has of its own.

    Readable where that is unambiguous and short enough, otherwise with a digest of the table's.
    """
    schema, _, name = table.partition(".")
    readable = f"{prefix}__{schema}__{name}"
    if len(readable) <= NAME_LENGTH and readable.split("__") == [prefix, schema, name]:
        return readable
    digest = hashlib.sha256(table.encode()).hexdigest()[:16]
    return f"{prefix[: NAME_LENGTH - len(digest) - 1]}_{digest}"


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
    debezium_user: str = Field(
        default="debezium",
        pattern=r"^[a-z_][a-z0-9_]{0,54}$",
        description="with _2, _3 and so on in later versions of the credentials",
    )
    publication: str = Field(default="dbz_publication", pattern=r"^[a-z_][a-z0-9_]{0,62}$")
    slot: str = Field(default="debezium_slot", pattern=r"^[a-z0-9_]{1,63}$")
    isolation: Literal["shared", "per-table"] = Field(
        default="shared",
        description="one connector, slot and publication for all tables or for each; a changed"
        " choice captures every table anew from a snapshot",
    )
    state: State = Field(
        default="RUNNING",
        description="of the connectors; while they don't run, PostgreSQL keeps the changes",
    )
    protect: bool = Field(default=False, description="refuse to delete or replace the server")

    def slot_of(self, table: str) -> str:
        """The replication slot from which a table is captured."""
        return self.slot if self.isolation == "shared" else name_for_table(self.slot, table)

    def publication_of(self, table: str) -> str:
        """The publication that a table is in."""
        shared = self.isolation == "shared"
        return self.publication if shared else name_for_table(self.publication, table)
