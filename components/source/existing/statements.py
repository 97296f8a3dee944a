"""The SQL that prepares an existing database: reviewed and run by its administrator.

Every statement may be run again, so that a table that is added later needs no other script. It is
plain SQL, for any client.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from components.config.existing_source import OBJECT_PREFIX, ExistingSource
from components.source.existing.quoting import identifier, indented, literal, table_name
from components.source.existing.scram import verifier

# A table in the publication that the connector writes to: a database whose captured tables are
# quiet would otherwise keep the WAL of all others on its server.
HEARTBEAT_TABLE = f"{OBJECT_PREFIX}.heartbeat"
PUBLISHED = "insert, update, delete, truncate"
# The policy by which the account reads all rows of a table with row level security.
POLICY = f"{OBJECT_PREFIX}_reads"
# Settings of the account's sessions, and what other values would lead to. Older versions do not
# have all of them.
SESSION_SETTINGS = {
    "statement_timeout": ("0", "which would end the reading of a large table"),
    "idle_in_transaction_session_timeout": ("0", "which would end the reading of a large table"),
    "transaction_timeout": ("0", "which would end the reading of a large table"),
    "idle_session_timeout": ("0", "which would end the sessions of a quiet connector"),
    "wal_sender_timeout": (
        "60s",
        "shorter than two of the connector's messages, so the server would end its connection",
    ),
    "default_transaction_read_only": ("off", "with which the heartbeat can't be written"),
}

_WHO = {
    "self-managed": "Run it as a role with CREATEROLE and REPLICATION; before PostgreSQL 16,"
    " REPLICATION\n-- may be given by a superuser only.",
    "rds": "Run it as the master user.",
    "aurora": "Run it as the master user.",
    "cloud-sql": "Run it as a member of cloudsqlsuperuser, such as postgres.",
}
_SETTINGS = {
    "self-managed": "In postgresql.conf: wal_level = logical, which needs a restart.",
    "rds": "In the instance's DB parameter group: rds.logical_replication = 1, which needs a\n"
    "-- reboot.",
    "aurora": "In the cluster's DB cluster parameter group: rds.logical_replication = 1, which\n"
    "-- needs a reboot of the writer.",
    "cloud-sql": "Flags of the instance: cloudsql.logical_decoding = on, which restarts it.",
}


@dataclass(frozen=True)
class Section:
    """A part of the script, and who runs it."""

    title: str
    who: str
    sql: str

    def __str__(self) -> str:
        return f"-- {self.title}\n-- {self.who}\n\n{self.sql}\n"


def preparation(name: str, source: ExistingSource) -> list[Section]:
    """Return the script's sections for the source of this name."""
    return [
        Section("1. The account that captures.", _WHO[source.service], account_sql(source)),
        Section(
            f"2. Rights, publication and replica identity, in the database {source.database}.",
            "Run it as the owner of the tables, who needs CREATE on the database.",
            tables_sql(name, source),
        ),
    ]


def preparation_script(name: str, source: ExistingSource) -> str:
    """Return what `make source-sql` prints."""
    head = (
        f"-- Prepares {source.host}:{source.port}, database {source.database}, as the source"
        f" {name}.\n-- Settings of the server: {_SETTINGS[source.service]}\n"
        "-- The account's password is in the stack's secrets; this script has its verifier only."
    )
    return "\n\n".join([head, *map(str, preparation(name, source))])


def account_sql(source: ExistingSource) -> str:
    """Return the statements that create the account, or change it."""
    account, text = identifier(source.user), literal(source.user)
    create = f"CREATE ROLE {account} LOGIN"
    settings = [
        _when(
            f"EXISTS (SELECT FROM pg_settings WHERE name = {literal(setting)})",
            f"ALTER ROLE {account} SET {setting} = {literal(value)}",
        )
        for setting, (value, _) in SESSION_SETTINGS.items()
    ]
    password = literal(verifier(source.password.get_secret_value()))
    return "\n".join(
        [
            _when(f"NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {text})", create),
            f"ALTER ROLE {account} PASSWORD {password};",
            replication_right(source),
            *settings,
        ]
    )


def replication_right(source: ExistingSource) -> str:
    """Return the statement by which the account may replicate."""
    if source.service in {"rds", "aurora"}:
        return f"GRANT rds_replication TO {identifier(source.user)};"
    return f"ALTER ROLE {identifier(source.user)} REPLICATION;"


def tables_sql(name: str, source: ExistingSource) -> str:
    """Return the statements for the captured tables and the heartbeat's."""
    parts = [
        "SET lock_timeout = '15s';",
        *([no_virtual_columns_sql(name, source)] if source.replica_identity == "full" else []),
        heartbeat_sql(source),
        *(grant_sql(source, table) for table in source.tables),
        row_security_sql(source, source.tables),
        replica_identity_sql(source, source.tables),
        publication_sql(name, source),
    ]
    return "\n\n".join(parts)


def heartbeat_sql(source: ExistingSource) -> str:
    """Return the statements that create the heartbeat's table."""
    account, table = identifier(source.user), table_name(HEARTBEAT_TABLE)
    return "\n".join(
        [
            f"CREATE SCHEMA IF NOT EXISTS {identifier(OBJECT_PREFIX)};",
            f"CREATE TABLE IF NOT EXISTS {table} (id int PRIMARY KEY, at timestamptz NOT NULL);",
            f"GRANT USAGE ON SCHEMA {identifier(OBJECT_PREFIX)} TO {account};",
            f"GRANT SELECT, INSERT, UPDATE ON {table} TO {account};",
        ]
    )


def grant_sql(source: ExistingSource, table: str) -> str:
    """Return the statements by which the account may read a table."""
    account, schema = identifier(source.user), identifier(table.partition(".")[0])
    return "\n".join(
        [
            f"GRANT USAGE ON SCHEMA {schema} TO {account};",
            f"GRANT SELECT ON {table_name(table)} TO {account};",
        ]
    )


def row_security_sql(source: ExistingSource, tables: Iterable[str]) -> str:
    """Return a block that lets the account read all rows of tables with row level security."""
    account = identifier(source.user)
    return _for_each(
        "SELECT oid::regclass AS relation FROM pg_class WHERE relrowsecurity"  # noqa: S608  quoted
        f"\n    AND oid IN ({_listed(tables)})"
        "\n    AND NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid"
        f" AND polname = {literal(POLICY)})",
        f"CREATE POLICY {identifier(POLICY)} ON %s FOR SELECT TO {account} USING (true)",
    )


def no_virtual_columns_sql(name: str, source: ExistingSource) -> str:
    """Return a block that fails where the replica identity would make updates fail.

    PostgreSQL 18 refuses UPDATE and DELETE of a published table whose replica identity has a
    generated column that is not published, and does not publish virtual ones.
    """
    tables = _listed(source.tables)
    reason = (
        "REPLICA IDENTITY FULL would end all updates of %, whose column % is generated and VIRTUAL;"
        f" give datapipe:sources.{name}.replicaIdentity the value default, or make it STORED"
    )
    return _block(
        f"FOR generated IN\n    SELECT attrelid::regclass AS relation, attname"  # noqa: S608  quoted
        f" FROM pg_attribute\n    WHERE attgenerated = 'v' AND attrelid IN ({tables})\n"
        f"LOOP\n    RAISE EXCEPTION {literal(reason)}, generated.relation, generated.attname;\n"
        "END LOOP;",
        "DECLARE\n    generated record;\n",
    )


def replica_identity_sql(source: ExistingSource, tables: Iterable[str]) -> str:
    """Return a block that sets the replica identity of tables and their partitions."""
    wanted = source.replica_identity
    return _for_each(
        "SELECT oid::regclass AS relation FROM pg_class WHERE relreplident <>"  # noqa: S608  quoted
        f" {literal(wanted[0])}\n    AND (oid IN ({_listed(tables)})"
        "\n        OR EXISTS (SELECT FROM pg_partition_ancestors(pg_class.oid) AS root"
        f" (oid)\n            WHERE root.oid IN ({_listed(tables)})))",
        f"ALTER TABLE %s REPLICA IDENTITY {wanted.upper()}",
    )


def publication_sql(name: str, source: ExistingSource) -> str:
    """Return the statements that create the publication, or change it.

    PostgreSQL 12 has no publish_via_partition_root, and publishes no partitioned table.
    """
    publication = source.publication_name(name)
    quoted = identifier(publication)
    members = ", ".join(table_name(table) for table in (*source.tables, HEARTBEAT_TABLE))
    this = f"SELECT FROM pg_publication WHERE pubname = {literal(publication)}"
    # A publication that was altered is one that may have left out changes meanwhile, so what is
    # right already is left alone.
    return "\n".join(
        [
            _when(
                f"NOT EXISTS ({this})",
                f"CREATE PUBLICATION {quoted} WITH (publish = {literal(PUBLISHED)})",
            ),
            _when(
                f"EXISTS ({this} AND NOT (pubinsert AND pubupdate AND pubdelete AND pubtruncate))",
                f"ALTER PUBLICATION {quoted} SET (publish = {literal(PUBLISHED)})",
            ),
            _when(
                f"EXISTS ({this} AND to_jsonb(pg_publication) ->> 'pubviaroot' = 'false')",
                f"ALTER PUBLICATION {quoted} SET (publish_via_partition_root = true)",
            ),
            _when(
                f"EXISTS ({this} AND to_jsonb(pg_publication) ->> 'pubgencols' = 'n')"
                "\n        AND EXISTS (SELECT FROM pg_attribute WHERE attgenerated = 's'"
                f"\n            AND attrelid IN ({_listed(source.tables)}))",
                f"ALTER PUBLICATION {quoted} SET (publish_generated_columns = stored)",
            ),
            f"ALTER PUBLICATION {quoted} SET TABLE {members};",
        ]
    )


def heartbeat_query() -> str:
    """Return the statement that the connector runs with each of its heartbeats."""
    return (
        f"INSERT INTO {table_name(HEARTBEAT_TABLE)}"  # noqa: S608  quoted
        " VALUES (1, now())"
        " ON CONFLICT (id) DO UPDATE SET at = excluded.at"
    )


def _listed(tables: Iterable[str]) -> str:
    return ", ".join(f"to_regclass({literal(table_name(table))})" for table in tables)


def _when(condition: str, statement: str) -> str:
    return _block(f"IF {condition} THEN\n    {statement};\nEND IF;")


def _for_each(query: str, statement: str) -> str:
    """Return a block that runs the statement for each `relation` of the query."""
    return _block(
        f"FOR each_table IN\n{indented(query)}\nLOOP\n"
        f"    EXECUTE format({literal(statement)}, each_table.relation);\nEND LOOP;",
        "DECLARE\n    each_table record;\n",
    )


def _block(body: str, declarations: str = "") -> str:
    return f"DO $$\n{declarations}BEGIN\n{indented(body)}\nEND;\n$$;"
