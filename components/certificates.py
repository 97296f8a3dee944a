"""X.509 certificates: an authority, and what it signs, as PEM."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

# How far a client's clock may be behind.
CLOCK_SKEW = timedelta(hours=1)


@dataclass(frozen=True)
class KeyPair:
    """A certificate and its private key, both as PEM."""

    certificate: str
    private_key: str


def issue_authority(name: str, days: int) -> KeyPair:
    """Return a new authority that can sign certificates, but no other authority."""
    from cryptography import x509  # noqa: PLC0415  slow, and not needed to preview
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415

    key = _new_key()
    subject = _name(name)
    certificate = (
        _builder(subject, subject, key, datetime.now(UTC) + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    return KeyPair(_pem(certificate), _key_pem(key))


def issue_certificate(
    authority: KeyPair, common_name: str, hosts: Sequence[str], days: int
) -> KeyPair:
    """Return a certificate that the authority signs, for a server's DNS names and addresses.

    Without hosts it is a client's: no server can use it. It ends with the authority's at the
    latest.
    """
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415

    issuer = x509.load_pem_x509_certificate(authority.certificate.encode())
    signing = cast(
        "ec.EllipticCurvePrivateKey",
        serialization.load_pem_private_key(authority.private_key.encode(), password=None),
    )
    key = _new_key()
    end = min(datetime.now(UTC) + timedelta(days=days), issuer.not_valid_after_utc)
    builder = _builder(_name(common_name), issuer.subject, key, end).add_extension(
        x509.BasicConstraints(ca=False, path_length=None), critical=True
    )
    if hosts:
        names = x509.SubjectAlternativeName(_alternative_names(hosts))
        builder = builder.add_extension(names, critical=False)
    return KeyPair(_pem(builder.sign(signing, hashes.SHA256())), _key_pem(key))


def end_of(certificate: str) -> datetime:
    """Return the moment at which a certificate (PEM) ends."""
    from cryptography import x509  # noqa: PLC0415

    return x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc


def _new_key() -> ec.EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    return ec.generate_private_key(ec.SECP256R1())


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, end: datetime
) -> x509.CertificateBuilder:
    from cryptography import x509  # noqa: PLC0415

    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - CLOCK_SKEW)
        .not_valid_after(end)
    )


def _name(common_name: str) -> x509.Name:
    from cryptography import x509  # noqa: PLC0415

    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name[:64])])


def _alternative_names(hosts: Sequence[str]) -> list[x509.GeneralName]:
    """Return the names of a certificate: addresses as addresses, the rest as DNS names."""
    from ipaddress import ip_address  # noqa: PLC0415

    from cryptography import x509  # noqa: PLC0415

    names: list[x509.GeneralName] = []
    for host in hosts:
        try:
            names.append(x509.IPAddress(ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
    return names


def _pem(certificate: x509.Certificate) -> str:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
