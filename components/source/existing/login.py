"""The login to an existing database, and what a refused one means."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from components.config.existing_source import ExistingSource
from components.source.existing.problem import Problem, UnreachableError
from components.source.existing.quoting import identifier
from components.source.existing.settings import setting

LOGIN_SECONDS = 10

Connection = psycopg.Connection[tuple[Any, ...]]
# What the server says, whether it has the account or not.
WRONG_PASSWORD = "password authentication failed"


@contextmanager
def log_in(name: str, source: ExistingSource, **options: str) -> Iterator[Connection]:
    """Connect as the account that captures. `options` are libpq's, hostaddr and port among them.

    Raises UnreachableError with what the server refuses, and what mends it.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as authority:
        authority.write(source.ca_certificate or "")
        authority.flush()
        conninfo = make_conninfo(
            host=source.host,
            dbname=source.database,
            user=source.user,
            password=source.password.get_secret_value(),
            sslmode=source.ssl_mode,
            sslrootcert=authority.name if source.ca_certificate else None,
            connect_timeout=LOGIN_SECONDS,
            application_name="datapipe-doctor",
            client_encoding="UTF8",
            **options,
        )
        try:
            connection = psycopg.connect(conninfo, autocommit=True)
        except psycopg.OperationalError as error:
            raise UnreachableError(_refusal(name, source, str(error))) from None
    with connection:
        yield connection


def _refusal(name: str, source: ExistingSource, message: str) -> Problem:
    """Return what a refused login means; a connection that fails has no SQLSTATE."""
    _, _, refused = message.partition("FATAL:")
    said = (refused or message).strip().partition("\n")[0]
    for pattern, hop, remedy in _meanings(name, source):
        if re.search(pattern, said):
            return Problem(f"{hop}: {said}", remedy)
    return Problem(f"login: {said}", "see the server's log for the reason")


def _meanings(name: str, source: ExistingSource) -> tuple[tuple[str, str, str], ...]:
    """Return what the server says as a pattern, the hop that fails, and what mends it."""
    key = f"datapipe:sources.{name}"
    account, database = identifier(source.user), identifier(source.database)
    line = f"hostssl {source.database} {source.user} <network of the cluster> scram-sha-256"
    return (
        (
            WRONG_PASSWORD,
            "password",
            f"run the SQL of make source-sql SOURCE={name}, which creates the account with the"
            f" stack's password, set {key}.password to the database's, or, where the password has"
            f" expired, ALTER ROLE {account} VALID UNTIL 'infinity';",
        ),
        ("no pg_hba.conf entry", "pg_hba.conf", f"add a line: {line}, and reload"),
        (
            "pg_hba.conf rejects|valid client certificate|(Ident|Peer|GSSAPI) authentication",
            "pg_hba.conf",
            f"add a line before the one that is meant: {line}, and reload",
        ),
        ("not permitted to log in", "account", f"ALTER ROLE {account} LOGIN;"),
        (
            "connections for role",
            "account",
            f"ALTER ROLE {account} CONNECTION LIMIT -1;",
        ),
        (
            "connections for database|clients already|remaining connection slots",
            "connections",
            "end sessions that nobody needs (pg_stat_activity lists them), or "
            + setting(source, "max_connections", "200", restart=True),
        ),
        (
            "system is (starting up|shutting down|not yet accepting|in recovery mode)",
            "server",
            "run the command again when it has started",
        ),
        (f'database "{source.database}" does not exist', "database", f"correct {key}.database"),
        (
            "permission denied for database",
            "database",
            f"GRANT CONNECT ON DATABASE {database} TO {account};",
        ),
        (
            "not currently accepting connections",
            "database",
            f"ALTER DATABASE {database} ALLOW_CONNECTIONS true;",
        ),
    )
