"""Connections to the source database from outside the cluster, over verified TLS."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row

from clients.stack import DatabaseOutput, StackError, StackOutputs

Row = dict[str, Any]
"""A row of a table by column name."""


@contextmanager
def connect(outputs: StackOutputs) -> Iterator[psycopg.Connection[Row]]:
    """An open connection in autocommit mode, closed at the end.

    The server must show a certificate for its host, signed by the stack's own authority.
    Raises StackError where the database is not reachable from outside or refuses us.
    """
    database = outputs.database
    if database.port is None:
        raise StackError(
            "the database has no node port in this stack (cluster.nodePorts is null); run this in"
            " the cluster, or forward a port"
        )
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as authority:
        authority.write(database.ca_certificate)
        authority.flush()
        connection = _open(database, database.port, outputs, authority.name)
    with connection:
        yield connection


def _open(
    database: DatabaseOutput, port: int, outputs: StackOutputs, authority: str
) -> psycopg.Connection[Row]:
    try:
        return psycopg.Connection[Row].connect(
            host=database.host,
            port=port,
            dbname=database.name,
            user=database.user,
            password=outputs.database_password.get_secret_value(),
            sslmode="verify-full",
            sslrootcert=authority,
            connect_timeout=10,
            application_name="datapipe-client",
            autocommit=True,
            row_factory=dict_row,
        )
    except psycopg.OperationalError as error:
        raise StackError(
            f"PostgreSQL at {database.host}:{port} can't be used: {error}".rstrip()
        ) from None
