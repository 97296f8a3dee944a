"""An existing PostgreSQL database as a source (`datapipe:sources`)."""

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from components.config.addresses import HostName, Network, address_of
from components.config.source import (
    NAME_LENGTH,
    NOT_RESERVED,
    ObjectNames,
    PostgresName,
    RecoveredServer,
    RowName,
    SlotName,
    SourceSettings,
)
from components.config.streaming import TopicOverride
from components.config.tables import ColumnName, TableName
from components.settings import Pattern, Settings
from kafka_connect.connector_state import State

# The topic prefix of the managed database, which no other source may have.
MANAGED = "postgres"
# A review's placeholder of an encrypted value (review/stack_file.py).
ENCRYPTED = "[encrypted]"
# What the names of the program's objects in a foreign database begin with.
OBJECT_PREFIX = "datapipe"


def _not_the_managed(name: str) -> str:
    if name == MANAGED:
        raise ValueError(
            f"is the topic prefix of the managed database; write another name, e.g. {name}_shop"
        )
    return name


SourceName = Annotated[
    str,
    AfterValidator(
        Pattern(
            r"[a-z][a-z0-9_]{0,29}",
            name="source name",
            allowed="a lower case letter, then up to 29 lower case letters, digits and underscores",
        )
    ),
    AfterValidator(_not_the_managed),
]
UserName = Annotated[
    str,
    AfterValidator(
        Pattern(
            rf"{NOT_RESERVED}[a-z_][a-z0-9_]{{0,62}}",
            name="PostgreSQL user name",
            allowed="lower case letters, digits and underscores, at most 63, but not pg_ first,"
            " which PostgreSQL reserves",
        )
    ),
]
DatabaseName = Annotated[
    str,
    AfterValidator(
        Pattern(
            r"[A-Za-z_][A-Za-z0-9_-]{0,62}",
            name="database name",
            allowed="1 to 63 letters, digits, _ and -, with a letter or _ first",
        )
    ),
]


def _certificates(text: str) -> str:
    """Require PEM certificates and nothing else: a key would end in the worker's ConfigMap."""
    if "PRIVATE KEY" in text:
        raise ValueError("contains a private key; give the authority's certificates only")
    from cryptography import x509  # noqa: PLC0415  slow, and most stacks give no authority

    try:
        x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        raise ValueError(
            "is not a certificate in PEM form; paste the authority's file, from"
            " -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----"
        ) from None
    return text


def _printable(password: SecretStr) -> SecretStr:
    text = password.get_secret_value()
    if not text or not all(" " <= character <= "~" for character in text):
        raise ValueError("must be text of printable ASCII characters, and not empty")
    return password


SslMode = Literal["verify-full", "verify-ca", "require", "disable"]


class SourceTable(TopicOverride):
    """What is special about one captured table of a source."""

    excluded_columns: tuple[ColumnName, ...] = Field(
        default=(),
        description="Columns that are not captured, such as generated ones; they do not appear in"
        " the topic or the archive.",
    )


class ExistingSource(Settings):
    """A PostgreSQL server that the program does not run."""

    service: Literal["self-managed", "rds", "aurora", "cloud-sql"] = Field(
        default="self-managed",
        description="Who runs the server. The SQL of `make source-sql` and the remedies of"
        " `make doctor` follow from it; self-managed is a server whose postgresql.conf you edit.",
    )
    host: HostName = Field(
        description="DNS name or IPv4 address of the server, as the Connect worker reaches it. Name"
        " the primary or the writer's endpoint."
    )
    port: int = Field(default=5432, ge=1, le=65535, description="Port of the server.")
    database: DatabaseName = Field(description="Database whose tables are captured.")
    user: UserName = Field(
        default=OBJECT_PREFIX,
        description="The account that captures; the SQL of `make source-sql` creates it.",
    )
    password: Annotated[SecretStr, AfterValidator(_printable)] = Field(
        description="Password of the account; set it with"
        " `pulumi config set --secret --path datapipe:sources.<name>.password`.",
    )
    ssl_mode: SslMode = Field(
        default="verify-full",
        description="libpq's sslmode. verify-full checks the certificate and the host's name,"
        " verify-ca the certificate only, require encrypts without a check, and disable sends"
        " rows in clear text.",
    )
    ca_certificate: Annotated[str, AfterValidator(_certificates)] | None = Field(
        default=None,
        description="Certificates, in PEM form, of the authority that signed the server's; required"
        " with verify-full and verify-ca. RDS: the bundle of its region.",
    )
    networks: tuple[Network, ...] = Field(
        default=(),
        description="Networks of the server's addresses: the worker may connect to the port there,"
        " and nowhere else. Required where host is a name; 10.20.0.0/24, or a /32.",
    )
    tables: Mapping[TableName, SourceTable] = Field(
        description="Tables to capture, by schema.table, each with its options or {}."
    )
    replica_identity: Literal["full", "default"] = Field(
        default="full",
        description="REPLICA IDENTITY of the captured tables; with default, a deleted row's event"
        " has the key only.",
    )
    incomplete_rows: tuple[RowName, ...] = Field(
        default=(),
        description="Rows above kafka.maxRowSize that are archived without their largest values, as"
        " the source's failure names them: table/digest.",
    )
    state: State = Field(
        default="RUNNING",
        description="State of the source connector; while it does not run, the server keeps the"
        " changes up to its max_slot_wal_keep_size.",
    )
    slot: SlotName | None = Field(
        default=None, description="Replication slot; by default datapipe_<name of the source>."
    )
    publication: PostgresName | None = Field(
        default=None, description="Publication; by default datapipe_<name of the source>."
    )
    recovered: RecoveredServer | None = Field(
        default=None,
        description="The server of which the archive is a copy since the last `make recover"
        " SOURCE=<name>`, which writes this key. By default the one that was captured first.",
    )
    on_removal: Literal["drop", "keep"] | None = Field(
        default=None,
        description="What happens to the replication slot when the source leaves"
        " datapipe:sources, or the stack is removed: drop it, or keep it, for which the server"
        " keeps all WAL. Required before the source is removed: run up with it first.",
    )
    object_names: ObjectNames | None = Field(
        default=None,
        description="Whether the names of this database's objects in the stack's state and in the"
        " worker are short, or qualified by the source. By default those of a stack's only database"
        " are short, and so are the managed one's. They can't change afterwards: the preview says"
        " when to write this key.",
    )

    def contradictions(self) -> Iterator[tuple[str, str]]:
        if not self.tables:
            yield "tables", "must not be empty; list at least one table as schema.table: {}"
        if self.ssl_mode.startswith("verify") and self.ca_certificate is None:
            yield (
                "caCertificate",
                f"is required where sslMode is {self.ssl_mode}: the PEM certificates of the"
                " authority that signed the server's",
            )
        if not self.ssl_mode.startswith("verify") and self.ca_certificate is not None:
            yield (
                "caCertificate",
                f"is not used where sslMode is {self.ssl_mode}; set verify-full, or remove it",
            )
        address = address_of(self.host)
        if address is None and not self.networks:
            yield (
                "networks",
                f"is required, as the host {self.host} is a name and a NetworkPolicy allows"
                " addresses only; list the networks of its addresses, e.g. [10.20.0.0/24]",
            )
        outside = address is not None and not any(address in one for one in self.networks)
        if self.networks and outside:
            yield "networks", f"does not contain the host {self.host}; add {self.host}/32"
        for row in self.incomplete_rows:
            if row.partition("/")[0] not in self.tables:
                yield "incompleteRows", f"{row} is not a row of one of the source's tables"

    @property
    def allowed_networks(self) -> tuple[IPv4Network, ...]:
        """The networks to which the worker may connect, at the source's port."""
        address = address_of(self.host)
        return self.networks or ((IPv4Network(address),) if address else ())

    def slot_name(self, name: str) -> str:
        """Return the replication slot of the source of this name."""
        return self.slot or f"{OBJECT_PREFIX}_{name}"[:NAME_LENGTH]

    def publication_name(self, name: str) -> str:
        """Return the publication of the source of this name."""
        return self.publication or f"{OBJECT_PREFIX}_{name}"[:NAME_LENGTH]

    def settings(self, name: str) -> SourceSettings:
        """Return what the connectors and the checks of the managed database's tables need."""
        # Not validated again: a foreign port or database may have what the managed one may not.
        return SourceSettings().model_copy(
            update={
                "port": self.port,
                "database": self.database,
                "sample_schema": False,
                "excluded_columns": {
                    table: options.excluded_columns
                    for table, options in self.tables.items()
                    if options.excluded_columns
                },
                "replica_identity": self.replica_identity,
                "incomplete_rows": self.incomplete_rows,
                "debezium_user": self.user,
                "publication": self.publication_name(name),
                "slot": self.slot_name(name),
                "state": self.state,
                "recovered": self.recovered,
            }
        )
