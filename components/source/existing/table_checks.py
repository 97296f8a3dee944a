"""What of an existing database's tables keeps them from being archived right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg

from components.source.existing.captured import Tables
from components.source.existing.problem import Problem
from components.source.existing.publication_checks import publication_problems
from components.source.existing.quoting import identifier, literal, table_name
from components.source.existing.server_checks import Server
from components.source.existing.sort_checks import sort_problems
from components.source.existing.statements import (
    HEARTBEAT_TABLE,
    POLICY,
    grant_sql,
    heartbeat_sql,
    replica_identity_sql,
)

# The first that publishes partitioned tables.
PARTITIONED_VERSION = 13
REFUSED, MISSED = "refused", "missed"
# How long a table may be searched for values that the driver can't hand on.
SCAN_SECONDS = 30
SCAN_LIMIT = f"SET LOCAL statement_timeout = '{SCAN_SECONDS}s'".encode()

_RIGHTS = """
SELECT captured.name,
    has_schema_privilege(relnamespace, 'USAGE') AND has_table_privilege(relation::oid, 'SELECT'),
    pg_class.relkind,
    has_schema_privilege(relnamespace, 'USAGE') AND row_security_active(relation::oid)
        AND (NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = relation AND polpermissive
                AND polcmd IN ('r', '*') AND pg_get_expr(polqual, polrelid) = 'true'
                AND EXISTS (SELECT FROM unnest(polroles) AS role
                    WHERE role = 0 OR pg_has_role(role, 'USAGE')))
            OR EXISTS (SELECT FROM pg_policy WHERE polrelid = relation AND NOT polpermissive
                AND polcmd IN ('r', '*')
                AND EXISTS (SELECT FROM unnest(polroles) AS role
                    WHERE role = 0 OR pg_has_role(role, 'USAGE')))),
    EXISTS (SELECT FROM pg_class AS part WHERE part.relreplident <> :'identity'
        AND (part.oid = relation
            OR part.oid IN (SELECT relid FROM pg_partition_tree(relation)))),
    EXISTS (SELECT FROM pg_policy WHERE polrelid = relation AND NOT polpermissive
        AND polcmd IN ('r', '*')),
    (SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
        WHERE attrelid = relation AND attgenerated = 'v'),
    (SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
        JOIN pg_publication ON pubname = publication
        WHERE attrelid = relation AND attgenerated = 's' AND NOT attisdropped
            AND to_jsonb(pg_publication) ->> 'pubgencols' = 'n')
FROM captured JOIN pg_class ON pg_class.oid = relation AND relkind IN ('r', 'p')
"""


def table_problems(tables: Tables) -> Iterator[Problem]:
    """Yield what is wrong with the captured tables, the publication and the heartbeat's table."""
    yield from _shapes(tables)
    yield from publication_problems(tables)
    readable = []
    query = _RIGHTS.replace(":'identity'", literal(tables.server.source.replica_identity[0]))
    for name, may_read, *state in tables.rows(query):
        yield from _of_table(tables.server, name, _TableState(*state))
        if may_read:
            readable.append(name)
        else:
            yield Problem(
                f"{name}: the account {tables.server.source.user} may not read it",
                " ".join(grant_sql(tables.server.source, name).splitlines()),
            )
    yield from sort_problems(tables, readable)
    yield from _values(tables, readable)
    yield from _heartbeat(tables.server)


def _shapes(tables: Tables) -> Iterator[Problem]:
    """Yield the refusals of the managed database's tables, which name what to do themselves."""
    for kind, name, reason in tables.rows("found.sql"):
        if kind == REFUSED:
            yield _refusal(tables.server.name, name, reason)


def _refusal(source: str, table: str | None, reason: str) -> Problem:
    """Return a line of refusals.sql; its remedy comes after a semicolon or colon."""
    own = f"datapipe:sources.{source}"
    for managed, key in (
        ("datapipe:source.excludedColumns", f"{own}.tables.{table}.excludedColumns"),
        ("datapipe:source.replicaIdentity", f"{own}.replicaIdentity"),
        ("datapipe:tables", f"{own}.tables"),
    ):
        reason = reason.replace(managed, key)
    what, semicolon, remedy = reason.partition("; ")
    if not semicolon:
        what, _, remedy = reason.rpartition(": ")
    if not what:
        what, remedy = reason, f"take it off {own}.tables"
    return Problem(f"{table}: {what}" if table else what, remedy.strip())


@dataclass(frozen=True)
class _TableState:
    """A captured table, as the account sees it."""

    kind: str
    """r, or p where it is partitioned"""
    hides_rows: bool
    other_identity: bool
    """of it or of a partition"""
    restricts: bool
    """whether a restrictive policy hides rows, which no other policy can undo"""
    virtual: str | None
    """its generated columns that are not stored, separated by commas"""
    unpublished: str | None
    """its generated columns that are stored, where PostgreSQL 18 could publish them"""


def _of_table(server: Server, name: str, state: _TableState) -> Iterator[Problem]:
    if state.kind == "p" and server.version < PARTITIONED_VERSION:
        yield Problem(
            f"{name}: PostgreSQL {server.version} does not publish partitioned tables",
            "list its partitions instead, or upgrade the server",
        )
        return
    if state.hides_rows:
        yield Problem(
            f"{name}: row level security hides rows from {server.source.user} when they are first"
            " read",
            f"ALTER ROLE {identifier(server.source.user)} BYPASSRLS;"
            if state.restricts
            else f"CREATE POLICY {identifier(POLICY)} ON {table_name(name)} FOR SELECT TO"
            f" {identifier(server.source.user)} USING (true);",
        )
    yield from _identity(server, name, state)


def _identity(server: Server, name: str, state: _TableState) -> Iterator[Problem]:
    """Yield what is wrong with the replica identity; PostgreSQL 18 may refuse updates for it."""
    is_full = server.source.replica_identity == "full"
    if state.virtual and is_full:
        yield Problem(
            f"{name}: with the replica identity FULL, PostgreSQL {server.version} refuses every"
            f" UPDATE and DELETE of a published table with virtual generated columns"
            f" ({state.virtual})",
            f"set datapipe:sources.{server.name}.replicaIdentity to default, and ALTER TABLE"
            f" {table_name(name)} REPLICA IDENTITY DEFAULT; or make the columns STORED",
        )
        return
    if state.unpublished and is_full:
        publication = identifier(server.source.publication_name(server.name))
        yield Problem(
            f"{name}: with the replica identity FULL, PostgreSQL {server.version} refuses every"
            f" UPDATE and DELETE while the publication leaves out generated columns"
            f" ({state.unpublished})",
            f"ALTER PUBLICATION {publication} SET (publish_generated_columns = stored);",
        )
    if state.other_identity:
        wanted = server.source.replica_identity.upper()
        yield Problem(
            f"{name}: its replica identity, or a partition's, is not {wanted}, so its changes lack"
            " values",
            f"ALTER TABLE {table_name(name)} REPLICA IDENTITY {wanted};"
            if state.kind == "r"
            else " ".join(replica_identity_sql(server.source, [name]).split()),
        )


def _values(tables: Tables, readable: list[str]) -> Iterator[Problem]:
    """Yield values that the driver can't hand on, of tables whose rows were not read yet."""
    for name, _, column, kind, condition in tables.rows("risky_values.sql"):
        if name in tables.entries or name not in readable:
            continue
        # Both are of the catalog, and quoted.
        query = f"SELECT EXISTS (SELECT FROM {table_name(name)} WHERE {condition})"  # noqa: S608
        try:
            with tables.server.connection.transaction():
                tables.server.connection.execute(SCAN_LIMIT)
                exists = tables.server.value(query)
        except psycopg.errors.QueryCanceled:
            yield Problem(
                f"{name}: column {column} was not searched for {kind} within {SCAN_SECONDS} s",
                f"look for it yourself: {query};",
                "warning",
            )
            continue
        if exists:
            yield Problem(
                f"{name}: column {column} has {kind}",
                f"exclude it (datapipe:sources.{tables.server.name}.tables.{name}"
                ".excludedColumns), or change the rows",
            )


def _heartbeat(server: Server) -> Iterator[Problem]:
    """Yield that the connector can't write its heartbeat, or that its changes are not published."""
    schema, _, table = HEARTBEAT_TABLE.partition(".")
    row = server.connection.execute(
        b"SELECT has_schema_privilege(relnamespace, 'USAGE')"
        b" AND has_table_privilege(pg_class.oid, 'SELECT')"
        b" AND has_table_privilege(pg_class.oid, 'INSERT')"
        b" AND has_table_privilege(pg_class.oid, 'UPDATE'),"
        b" EXISTS (SELECT FROM pg_publication WHERE pubname = %s AND NOT puballtables"
        b"     AND NOT EXISTS (SELECT FROM pg_publication_rel"
        b"         WHERE prpubid = pg_publication.oid AND prrelid = pg_class.oid))"
        b" FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
        b" WHERE nspname = %s AND relname = %s",
        [server.source.publication_name(server.name), schema, table],
    ).fetchone()
    may_write, is_left_out = row or (False, False)
    if not may_write:
        yield Problem(
            f"the account {server.source.user} can't write to {HEARTBEAT_TABLE}, so a quiet"
            " database would keep the WAL of the whole server",
            " ".join(heartbeat_sql(server.source).splitlines()),
        )
    elif is_left_out:
        publication = identifier(server.source.publication_name(server.name))
        yield Problem(
            f"the publication does not contain {HEARTBEAT_TABLE}, so a quiet database would keep"
            " the WAL of the whole server",
            f"ALTER PUBLICATION {publication} ADD TABLE {table_name(HEARTBEAT_TABLE)};",
        )
