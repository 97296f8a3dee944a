"""The way to an existing database, hop by hop: DNS, TCP, TLS; login.py has what comes after.

libpq's message names the last hop that worked at best, so each is tried by itself.
"""

from __future__ import annotations

import re
import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address

import psycopg
from cryptography import x509

from components.config.existing_source import ExistingSource
from components.source.existing.login import LOGIN_SECONDS, Connection, log_in
from components.source.existing.problem import Problem, UnreachableError
from components.source.existing.settings import setting
from components.source.existing.statements import replication_right
from components.source.existing.vantage import (
    CONNECT_SECONDS,
    UnresolvedHostError,
    UnusableVantageError,
    Vantage,
)

# PostgreSQL's SSLRequest: its length and its code.
SSL_REQUEST = struct.pack("!ii", 8, 80877103)
# OpenSSL's codes of a certificate with another name or address, and of one that has expired or is
# not valid yet.
OTHER_NAME, OUTSIDE_ITS_DAYS = {62, 64}, {9, 10}
# What the server says without a free WAL sender, and without the right: from 16 on in other words.
NO_SENDER = re.compile("max_wal_senders|standby connections")
NO_RIGHT = re.compile("replication role|permission denied to start WAL sender", re.IGNORECASE)


@dataclass(frozen=True)
class Way:
    """The way to a database that is open as far as TLS."""

    name: str
    source: ExistingSource
    vantage: Vantage
    address: str
    """of the host, as the vantage point resolves it"""
    certificate: x509.Certificate | None
    """the server's; None without TLS"""
    why_here: str | None = None
    """why it is not looked at from the worker's pod; None where it is"""

    @contextmanager
    def login(self, **options: str) -> Iterator[Connection]:
        """Connect as the account that captures; `options` are libpq's.

        Raises UnreachableError with what the server refuses.
        """
        with (
            self.vantage.forwarded(self.address, self.source.port) as (address, port),
            log_in(
                self.name, self.source, hostaddr=address, port=str(port), **options
            ) as connection,
        ):
            yield connection


@contextmanager
def connected(way: Way) -> Iterator[Connection]:
    """Connect to the database. Raises UnreachableError where it refuses, or ends the connection."""
    try:
        with way.login() as connection:
            yield connection
    except psycopg.OperationalError as error:
        # Also a lock that another session holds for too long.
        reason = f"the database's answer: {str(error).strip()}"
        raise _unreachable(reason, "run the command again") from None
    except UnusableVantageError as error:
        # Also of the login: the relay raises it when it ends.
        raise _unreachable(f"Kubernetes: {error}", "run the command again") from None


def way_to(name: str, source: ExistingSource, vantage: Vantage, why_here: str | None = None) -> Way:
    """Try the hops before the password. Raises UnreachableError with the one that fails."""
    addresses = _resolve(name, source, vantage)
    for address in addresses:
        _require_tcp(source, address, vantage)
    with vantage.forwarded(addresses[0], source.port) as forwarded:
        certificate = _require_tls(name, source, forwarded)
    return Way(name, source, vantage, addresses[0], certificate, why_here)


def _unreachable(reason: str, remedy: str) -> UnreachableError:
    return UnreachableError(Problem(reason, remedy))


def _resolve(name: str, source: ExistingSource, vantage: Vantage) -> list[str]:
    """Return the host's addresses. Raises UnreachableError where it has none that is allowed."""
    try:
        addresses = sorted({IPv4Address(each) for each in vantage.resolve(source.host)})
    except UnresolvedHostError as error:
        raise _unreachable(
            f"DNS: {source.host} has no IPv4 address for {vantage.name} ({error})",
            f"correct datapipe:sources.{name}.host, or the name servers of this machine and of the"
            " cluster",
        ) from None
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
    return [str(address) for address in addresses]


class NoTcpError(UnreachableError):
    """No connection to an address is possible."""

    def __init__(self, address: str, problem: Problem) -> None:
        super().__init__(problem)
        self.address = address


def _require_tcp(source: ExistingSource, address: str, vantage: Vantage) -> None:
    try:
        vantage.try_tcp(address, source.port)
    except TimeoutError:
        problem = Problem(
            f"TCP: {address}:{source.port} does not answer {vantage.name} within"
            f" {CONNECT_SECONDS} s",
            "allow connections to the port in the server's firewall or security group",
        )
    except OSError as error:
        problem = Problem(
            f"TCP: {address}:{source.port} can't be reached from {vantage.name}: {error.strerror}",
            "start the server, let it listen at that address (listen_addresses), or correct"
            " the port",
        )
    else:
        return
    raise NoTcpError(address, problem)


def _require_tls(
    name: str, source: ExistingSource, server: tuple[str, int]
) -> x509.Certificate | None:
    """Shake hands as libpq would with this sslmode; nothing where that is disable."""
    if source.ssl_mode == "disable":
        return None
    key = f"datapipe:sources.{name}"
    with socket.create_connection(server, CONNECT_SECONDS) as plain:
        plain.settimeout(LOGIN_SECONDS)
        plain.sendall(SSL_REQUEST)
        if plain.recv(1) != b"S":
            raise _unreachable(
                "TLS: the server does not offer it",
                "set ssl = on in postgresql.conf with a certificate and reload, or, where rows may"
                f" pass in clear text, {key}.sslMode to disable",
            )
        try:
            with _tls_context(source).wrap_socket(plain, server_hostname=source.host) as secured:
                presented = secured.getpeercert(binary_form=True)
        except ssl.SSLCertVerificationError as error:
            raise UnreachableError(_certificate_problem(key, source, error)) from None
        except OSError as error:
            raise _unreachable(
                f"TLS: the handshake failed: {error}",
                "allow TLS 1.2 or newer (ssl_min_protocol_version, ssl_max_protocol_version)",
            ) from None
    return x509.load_der_x509_certificate(presented) if presented else None


def _certificate_problem(
    key: str, source: ExistingSource, error: ssl.SSLCertVerificationError
) -> Problem:
    """Return why a certificate is not accepted; `key` is the source's in the stack file."""
    reason = f"TLS: the server's certificate is not accepted: {error.verify_message.rstrip('.')}"
    if error.verify_code in OTHER_NAME:
        return Problem(
            reason,
            f"set {key}.host to a name that the certificate has, or give the server a certificate"
            f" for {source.host}",
        )
    if error.verify_code in OUTSIDE_ITS_DAYS:
        return Problem(reason, "renew the server's certificate")
    return Problem(
        f"{reason}, so none of the authorities in {key}.caCertificate has signed it",
        f"put the certificates of the authority that signed it into {key}.caCertificate",
    )


def _tls_context(source: ExistingSource) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = source.ssl_mode == "verify-full"
    if source.ca_certificate is None:
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_verify_locations(cadata=source.ca_certificate)
    return context


def replication_problem(way: Way) -> Problem | None:
    """Try what the connector does: a connection that replicates. Return why it is refused.

    The catalog does not tell: RDS grants the right by membership in a role.
    """
    try:
        with way.login(replication="database"):
            return None
    except UnreachableError as error:
        refused = error.problem
    if NO_SENDER.search(refused.reason):
        return Problem(
            f"no free WAL sender is left ({refused.reason})",
            setting(way.source, "max_wal_senders", "10", restart=True),
        )
    if NO_RIGHT.search(refused.reason):
        return Problem(
            f"the account {way.source.user} may not replicate ({refused.reason})",
            replication_right(way.source),
        )
    # Such as a line of pg_hba.conf, too many sessions, or a server that has just stopped.
    return Problem(f"a connection that replicates is refused: {refused.reason}", refused.remedy)
