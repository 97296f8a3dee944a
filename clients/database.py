"""Connects to the source database from outside the cluster, over verified TLS."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row

from clients.stack import DatabaseOutput, StackError, StackOutputs

# A row of a table, by column name.
Row = dict[str, Any]


@contextmanager
def connect(outputs: StackOutputs) -> Iterator[psycopg.Connection[Row]]:
    """Open a connection in autocommit mode for the block.

    A managed server must present a certificate for its host that the stack's own authority has
    signed; how an existing one is checked is datapipe:sources' sslMode.
    Raises StackError if the database is not reachable from outside or refuses the connection.
    """
    database = outputs.database
    if database.port is None:
        raise StackError(
            "the database has no node port in this stack (cluster.nodePorts is null); run the"
            " command in the cluster, or forward a port"
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
            sslmode=database.ssl_mode,
            sslrootcert=authority if database.ca_certificate else None,
            connect_timeout=10,
            application_name="datapipe-client",
            autocommit=True,
            row_factory=dict_row,
        )
    except psycopg.OperationalError as error:
        raise StackError(
            f"can't connect to PostgreSQL at {database.host}:{port}: {error}".rstrip()
        ) from None
