"""The source layer's configuration (`datapipe:source`)."""

import hashlib
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from components.config.postgres_size import CacheSize, KeptWal, WalSize
from components.config.tables import ColumnName, TableName
from components.settings import Pattern, Settings
from kafka_connect.connector_state import State

# PostgreSQL truncates a longer name.
NAME_LENGTH = 63
# Of replication slots and of WAL senders.
MOST_SLOTS = 100

PostgresName = Annotated[
    str,
    AfterValidator(
        Pattern(
            r"[a-z_][a-z0-9_]{0,62}",
            name="PostgreSQL name",
            allowed="lower case letters, digits and underscores, at most 63",
        )
    ),
]
# At the start of a pattern: not a name that PostgreSQL reserves for its own roles.
NOT_RESERVED = "(?!pg_)"


def _not_a_template(database: str) -> str:
    if database in {"template0", "template1"}:
        raise ValueError("is one of PostgreSQL's templates, not a database for tables")
    return database


SlotName = Annotated[
    str,
    AfterValidator(
        Pattern(
            r"[a-z0-9_]{1,63}",
            name="replication slot name",
            allowed="1 to 63 lower case letters, digits and underscores",
        )
    ),
]
ObjectNames = Literal["short", "qualified"]

RowName = Annotated[
    str,
    AfterValidator(
        Pattern(
            r"[^/,]+\.[^/,]+/[0-9a-f]{16}",
            name="row",
            allowed="schema.table/ and 16 hexadecimal digits, as the source's failure names it",
        )
    ),
]


def name_for_table(prefix: str, table: str) -> str:
    """Return the name of a captured table's own slot or publication.

    It contains the table's name (schema.table), or where that would be ambiguous or too long, a
    digest of it.
    """
    schema, _, name = table.partition(".")
    readable = f"{prefix}__{schema}__{name}"
    if len(readable) <= NAME_LENGTH and readable.split("__") == [prefix, schema, name]:
        return readable
    digest = hashlib.sha256(table.encode()).hexdigest()[:16]
    return f"{prefix[: NAME_LENGTH - len(digest) - 1]}_{digest}"


class RecoveredServer(Settings):
    """The server from which `make recover SOURCE=…` had the tables read again; it writes this."""

    server: Annotated[
        str,
        AfterValidator(
            Pattern(
                r"[0-9]{1,20}/[0-9]{1,10}",
                name="server",
                allowed="its system identifier, a slash and its timeline",
            )
        ),
    ] = Field(
        description="System identifier and timeline of the server from which the tables were read"
        " again; written by `make recover SOURCE=<name>`."
    )
    position_shift: int = Field(
        default=0,
        ge=0,
        lt=2**62,
        description="What is added to the server's positions in the WAL to make __source_lsn, so"
        " that its changes come after those of the server before it; written by `make recover"
        " SOURCE=<name>`.",
    )


class SourceSettings(Settings):
    """PostgreSQL with logical replication (design: "PostgreSQL (Source Database)")."""

    port: int = Field(
        default=5432,
        ge=1024,
        le=65535,
        description='Port of PostgreSQL in the cluster (design: "Debezium CDC Connector").',
    )
    database: Annotated[PostgresName, AfterValidator(_not_a_template)] = Field(
        default="ecommerce",
        description='Database whose tables are captured (design: "Debezium CDC Connector").',
    )
    sample_schema: bool = Field(
        default=True,
        description="Whether to create the design's e-commerce tables and their triggers (design:"
        ' "Schema Design"); existing tables are left alone.',
    )
    max_replication_slots: int = Field(
        default=4,
        ge=1,
        le=MOST_SLOTS,
        description="PostgreSQL's max_replication_slots; each source connector needs one (design:"
        ' "PostgreSQL (Source Database)").',
    )
    max_wal_senders: int = Field(
        default=4,
        ge=1,
        le=MOST_SLOTS,
        description="PostgreSQL's max_wal_senders; each running source connector needs one (design:"
        ' "PostgreSQL (Source Database)").',
    )
    effective_cache_size: CacheSize = Field(
        default="1GB",
        description="PostgreSQL's effective_cache_size, the planner's estimate of the kernel's file"
        ' cache; no memory is reserved (design: "PostgreSQL Tuning").',
    )
    checkpoint_completion_target: float = Field(
        default=0.9,
        gt=0,
        le=1,
        description="PostgreSQL's checkpoint_completion_target, the share of the time between"
        ' checkpoints over which one is spread (design: "PostgreSQL Tuning").',
    )
    max_wal_size: WalSize = Field(
        default="2GB",
        description="PostgreSQL's max_wal_size, the amount of WAL that triggers a checkpoint"
        ' (design: "PostgreSQL Tuning").',
    )
    max_slot_wal_keep_size: KeptWal = Field(
        default="3GB",
        description="PostgreSQL's max_slot_wal_keep_size: WAL kept for a connector that is away."
        " Beyond it PostgreSQL invalidates the replication slot, so that the volume of 5Gi does not"
        " fill up.",
    )
    password_encryption: Literal["scram-sha-256", "md5"] = Field(
        default="scram-sha-256",
        description="Authentication method of the accounts; md5 is the design's (design:"
        ' "Security") and deprecated.',
    )
    excluded_columns: dict[TableName, tuple[ColumnName, ...]] = Field(
        default={},
        description="Columns of captured tables that are not captured, such as generated ones:"
        " {public.users: [full_name]}. They do not appear in the topics or the archive.",
    )
    replica_identity: Literal["full", "default"] = Field(
        default="full",
        description="REPLICA IDENTITY of the captured tables; with default, a deleted row's event"
        " has the key only.",
    )
    debezium_user: Annotated[
        str,
        AfterValidator(
            Pattern(
                rf"{NOT_RESERVED}(?!postgres$)[a-z_][a-z0-9_]{{0,54}}",
                name="PostgreSQL user name",
                allowed="lower case letters, digits and underscores, at most 55, but neither"
                " postgres, the superuser, nor pg_ first, which PostgreSQL reserves",
            )
        ),
    ] = Field(
        default="debezium",
        description="PostgreSQL account of the source connectors (design:"
        ' "Security"); later versions of the credentials append _2, _3 and'
        " so on.",
    )
    incomplete_rows: tuple[RowName, ...] = Field(
        default=(),
        description="Rows above kafka.maxRowSize that are archived without their largest values, as"
        " the source's failure names them: table/digest. The archive names the columns in __lost.",
    )
    publication: PostgresName = Field(
        default="dbz_publication",
        description="Publication of the captured tables (design: publication.name); with isolation"
        " per-table, the first part of each table's publication.",
    )
    slot: SlotName = Field(
        default="debezium_slot",
        description="Replication slot of the source connector (design: slot.name); with isolation"
        " per-table, the first part of each table's slot.",
    )
    isolation: Literal["shared", "per-table"] = Field(
        default="shared",
        description="One source connector, slot and publication for all tables, or one of each per"
        ' table (design: "Scalability"); changing it captures every table again'
        " from a snapshot.",
    )
    state: State = Field(
        default="RUNNING",
        description="State of the source connectors; while they do not run, PostgreSQL keeps the"
        " changes up to maxSlotWalKeepSize.",
    )
    protect: bool = Field(
        default=False,
        description="Whether Pulumi refuses to delete or replace PostgreSQL's StatefulSet.",
    )
    recovered: RecoveredServer | None = Field(
        default=None, description="As sources.<name>.recovered, after the loss of the volume."
    )
    object_names: ObjectNames | None = Field(
        default=None,
        description="As sources.<name>.objectNames; by default short, unless a source has short.",
    )

    def connectors(self, tables: int) -> int:
        """Return the number of source connectors that capture so many tables."""
        return 1 if self.isolation == "shared" else tables

    def slot_of(self, table: str) -> str:
        """Return the replication slot from which a table is captured."""
        return self.slot if self.isolation == "shared" else name_for_table(self.slot, table)

    def publication_of(self, table: str) -> str:
        """Return the publication that contains a table."""
        shared = self.isolation == "shared"
        return self.publication if shared else name_for_table(self.publication, table)
