"""The server's TLS certificate: created once and kept in the state, its key as a secret."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi import dynamic

from components.dynamic_provider import Provider

if TYPE_CHECKING:
    from cryptography import x509

INPUTS = ("hosts", "days")


class CertificateProvider(Provider):
    """Issues a certificate with an authority of its own, again only if names or days change."""

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        outputs = issue(props["hosts"], int(props["days"]))
        return dynamic.CreateResult("certificate", {**_inputs(props), **outputs})

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        return dynamic.DiffResult(changes=_inputs(olds) != _inputs(news))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        return dynamic.UpdateResult(self.create(news).outs)


class ServerCertificate(dynamic.Resource, module="datapipe", name="ServerCertificate"):
    """A certificate for a server's names, and that of the authority that clients trust."""

    ca_certificate: pulumi.Output[str]
    certificate: pulumi.Output[str]
    private_key: pulumi.Output[str]  # secret

    def __init__(
        self,
        name: str,
        hosts: Sequence[pulumi.Input[str]],
        days: int,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Register a certificate for DNS names and addresses that is valid for some days."""
        outputs = {"ca_certificate": None, "certificate": None, "private_key": None}
        always_secret = pulumi.ResourceOptions(additional_secret_outputs=["private_key"])
        super().__init__(
            CertificateProvider(),
            name,
            {"hosts": list(hosts), "days": days, **outputs},
            pulumi.ResourceOptions.merge(opts, always_secret),
        )


def _inputs(props: dict[str, Any]) -> dict[str, Any]:
    return {name: props[name] for name in INPUTS}


def issue(hosts: list[str], days: int) -> dict[str, str]:
    """Return a server's certificate and key and the authority's certificate, as PEM.

    The authority's key is discarded, so it can't sign another certificate.
    """
    import datetime  # noqa: PLC0415

    from cryptography import x509  # noqa: PLC0415  slow, and not needed to preview
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    now = datetime.datetime.now(datetime.UTC)
    authority_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority_name = _name("datapipe PostgreSQL authority")

    def certificate(subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(authority_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=days))
        )

    authority = (
        certificate(authority_name, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    server = (
        certificate(_name(hosts[0]), server_key)
        .add_extension(x509.SubjectAlternativeName(_alternative_names(hosts)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return {
        "ca_certificate": authority.public_bytes(pem).decode(),
        "certificate": server.public_bytes(pem).decode(),
        "private_key": server_key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
    }


def _name(common_name: str) -> x509.Name:
    from cryptography import x509  # noqa: PLC0415

    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name[:64])])


def _alternative_names(hosts: list[str]) -> list[x509.GeneralName]:
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
