"""The way to an existing database, hop by hop: DNS, TCP, TLS, password.

libpq's message names the last hop that worked at best, so each is tried by itself.
"""

from __future__ import annotations

import socket
import ssl
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from components.config.existing_source import ExistingSource
from components.source.existing.problem import Problem, UnreachableError
from components.source.existing.quoting import identifier
from components.source.existing.settings import setting
from components.source.existing.statements import replication_right

CONNECT_SECONDS = 5
# PostgreSQL's SSLRequest: its length and its code.
SSL_REQUEST = struct.pack("!ii", 8, 80877103)

Connection = psycopg.Connection[tuple[Any, ...]]


@contextmanager
def connected(name: str, source: ExistingSource, **options: str) -> Iterator[Connection]:
    """Connect to the database as the account that captures.

    `options` are libpq's. Raises UnreachableError with the hop that failed.
    """
    addresses = _resolve(name, source)
    _require_tcp(source, addresses)
    _require_tls(name, source, addresses[0])
    with _open(name, source, options) as connection:
        try:
            yield connection
        except psycopg.OperationalError as error:
            # Also a lock that another session holds for too long.
            reason = f"the database's answer: {str(error).strip()}"
            raise _unreachable(reason, "run the command again") from None


def _unreachable(reason: str, remedy: str) -> UnreachableError:
    return UnreachableError(Problem(reason, remedy))


def _resolve(name: str, source: ExistingSource) -> list[IPv4Address]:
    """Return the host's addresses. Raises UnreachableError where it has none that is allowed."""
    try:
        found = socket.getaddrinfo(
            source.host, source.port, family=socket.AF_INET, type=socket.SOCK_STREAM
        )
    except socket.gaierror as error:
        raise _unreachable(
            f"DNS: {source.host} has no IPv4 address ({error.strerror})",
            f"correct datapipe:sources.{name}.host, or the name servers of this machine and of the"
            " cluster",
        ) from None
    addresses = sorted({IPv4Address(address[0]) for *_, address in found})
    refused = [
        str(address)
        for address in addresses
        if not any(address in network for network in source.allowed_networks)
    ]
    if refused:
        raise _unreachable(
            f"NetworkPolicy: {source.host} is {', '.join(refused)}, to which the worker may not"
            " connect",
            f"add the network of that address to datapipe:sources.{name}.networks",
        )
    return addresses


def _require_tcp(source: ExistingSource, addresses: list[IPv4Address]) -> None:
    for address in addresses:
        try:
            socket.create_connection((str(address), source.port), CONNECT_SECONDS).close()
        except TimeoutError:
            raise _unreachable(
                f"TCP: {address}:{source.port} does not answer within {CONNECT_SECONDS} s",
                "allow connections to the port in the server's firewall or security group",
            ) from None
        except OSError as error:
            raise _unreachable(
                f"TCP: {address}:{source.port} can't be reached: {error.strerror}",
                "start the server, let it listen at that address (listen_addresses), or correct"
                " the port",
            ) from None


def _require_tls(name: str, source: ExistingSource, address: IPv4Address) -> None:
    """Shake hands as libpq would with this sslmode; nothing where that is disable."""
    if source.ssl_mode == "disable":
        return
    key = f"datapipe:sources.{name}"
    where = (str(address), source.port)
    with socket.create_connection(where, CONNECT_SECONDS) as plain:
        plain.sendall(SSL_REQUEST)
        if plain.recv(1) != b"S":
            raise _unreachable(
                "TLS: the server does not offer it",
                "set ssl = on in postgresql.conf with a certificate and reload, or, where rows may"
                f" pass in clear text, {key}.sslMode to disable",
            )
        try:
            with _tls_context(source).wrap_socket(plain, server_hostname=source.host):
                pass
        except ssl.SSLCertVerificationError as error:
            raise _unreachable(
                f"TLS: the server's certificate is not valid for {source.host}:"
                f" {error.verify_message}",
                f"put the certificates of the authority that signed it into {key}.caCertificate,"
                " connect to a name that the certificate has, or renew the certificate",
            ) from None
        except OSError as error:
            raise _unreachable(
                f"TLS: the handshake failed: {error}",
                "allow TLS 1.2 or newer (ssl_min_protocol_version, ssl_max_protocol_version)",
            ) from None


def _tls_context(source: ExistingSource) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = source.ssl_mode == "verify-full"
    if source.ca_certificate is None:
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_verify_locations(cadata=source.ca_certificate)
    return context


@contextmanager
def _open(name: str, source: ExistingSource, options: dict[str, str]) -> Iterator[Connection]:
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as authority:
        authority.write(source.ca_certificate or "")
        authority.flush()
        conninfo = make_conninfo(
            host=source.host,
            port=source.port,
            dbname=source.database,
            user=source.user,
            password=source.password.get_secret_value(),
            sslmode=source.ssl_mode,
            sslrootcert=authority.name if source.ca_certificate else None,
            connect_timeout=CONNECT_SECONDS,
            application_name="datapipe-doctor",
            client_encoding="UTF8",
            **options,
        )
        try:
            connection = psycopg.connect(conninfo, autocommit=True)
        except psycopg.OperationalError as error:
            raise UnreachableError(_login_problem(name, source, str(error))) from None
    with connection:
        yield connection


def _login_problem(name: str, source: ExistingSource, message: str) -> Problem:
    """Return what a refused login means; a connection that fails has no SQLSTATE."""
    _, _, refused = message.partition("FATAL:")
    said = (refused or message).strip().partition("\n")[0]
    key = f"datapipe:sources.{name}"
    known = (
        (
            "password authentication failed",
            "password",
            f"run the SQL of make source-sql SOURCE={name}, which creates the account with the"
            f" stack's password, or set {key}.password to the database's",
        ),
        (
            "no pg_hba.conf entry",
            "pg_hba.conf",
            f"add a line: hostssl {source.database} {source.user} <network of the cluster>"
            " scram-sha-256, and reload",
        ),
        ("not permitted to log in", "account", f"ALTER ROLE {identifier(source.user)} LOGIN;"),
        (f'database "{source.database}" does not exist', "database", f"correct {key}.database"),
        (
            "permission denied for database",
            "database",
            f"GRANT CONNECT ON DATABASE {identifier(source.database)}"
            f" TO {identifier(source.user)};",
        ),
    )
    for part, hop, remedy in known:
        if part in said:
            return Problem(f"{hop}: {said}", remedy)
    return Problem(f"login: {said}", "see the server's log for the reason")


def replication_problem(name: str, source: ExistingSource) -> Problem | None:
    """Try what the connector does: a connection that replicates. Return why it is refused.

    The catalog does not tell: RDS grants the right by membership in a role.
    """
    try:
        with _open(name, source, {"replication": "database"}):
            return None
    except UnreachableError as error:
        said = error.problem.reason
    if "max_wal_senders" in said or "standby connections" in said:
        return Problem(
            f"no free WAL sender is left ({said})",
            setting(source, "max_wal_senders", "10", restart=True),
        )
    return Problem(
        f"the account {source.user} may not replicate ({said})", replication_right(source)
    )
