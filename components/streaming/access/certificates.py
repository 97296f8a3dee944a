"""The certificates of the brokers' accounts: issued once, renewed before they end."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pulumi
from pulumi import dynamic

from components.certificates import KeyPair, end_of, issue_authority, issue_certificate
from components.dynamic_provider import Provider

# Only the program has the authority's key, and replacing the authority stops every client; its
# certificate outlives the cluster.
AUTHORITY_DAYS = 7300
# An update renews a certificate that ends within so many days.
RENEWAL_DAYS = 30

INPUTS = ("common_name", "hosts", "days", "authority_certificate")


class AuthorityProvider(Provider):
    """Creates the authority, which never changes: all certificates depend on it."""

    def create(self, _props: dict[str, Any]) -> dynamic.CreateResult:
        authority = issue_authority("datapipe Kafka authority", AUTHORITY_DAYS)
        outputs = {
            "certificate": authority.certificate,
            "private_key": authority.private_key,
            "trust_store": trust_store(authority.certificate),
        }
        return dynamic.CreateResult("authority", outputs)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        return dynamic.DiffResult(changes=False)


class KafkaAuthority(dynamic.Resource, module="datapipe", name="KafkaAuthority"):
    """The authority that signs the certificates of one stack's brokers and clients."""

    certificate: pulumi.Output[str]
    private_key: pulumi.Output[str]  # secret
    trust_store: pulumi.Output[str]
    """the certificate as PKCS #12, in base64"""

    def __init__(self, name: str, opts: pulumi.ResourceOptions) -> None:
        outputs = {"certificate": None, "private_key": None, "trust_store": None}
        always_secret = pulumi.ResourceOptions(additional_secret_outputs=["private_key"])
        super().__init__(
            AuthorityProvider(), name, outputs, pulumi.ResourceOptions.merge(opts, always_secret)
        )


class AccountCertificateProvider(Provider):
    """Issues a certificate; again if its inputs change, or if it ends soon."""

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        authority = KeyPair(props["authority_certificate"], props["authority_key"])
        issued = issue_certificate(
            authority, props["common_name"], props["hosts"], int(props["days"])
        )
        outputs = {
            **_inputs(props),
            "certificate": issued.certificate,
            "private_key": issued.private_key,
            "ends": end_of(issued.certificate).isoformat(timespec="seconds"),
        }
        return dynamic.CreateResult(str(props["common_name"]), outputs)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        return dynamic.DiffResult(
            changes=_inputs(olds) != _inputs(news) or needs_renewal(olds["ends"], news["days"])
        )

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        return dynamic.UpdateResult(self.create(news).outs)


@dataclass(frozen=True)
class Subject:
    """Whom a certificate is for."""

    common_name: str
    hosts: Sequence[str]
    """at which it is a server; none: it is a client"""
    days: int
    """for which it is valid"""


class AccountCertificate(dynamic.Resource, module="datapipe", name="AccountCertificate"):
    """The certificate of one account, and its key."""

    certificate: pulumi.Output[str]
    private_key: pulumi.Output[str]  # secret
    ends: pulumi.Output[str]
    """the moment from which it is not valid, ISO 8601"""

    def __init__(
        self,
        name: str,
        authority: KafkaAuthority,
        subject: Subject,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Register a certificate that this authority signs."""
        inputs = {
            "common_name": subject.common_name,
            "hosts": list(subject.hosts),
            "days": subject.days,
            "authority_certificate": authority.certificate,
            "authority_key": authority.private_key,
        }
        outputs = {"certificate": None, "private_key": None, "ends": None}
        always_secret = pulumi.ResourceOptions(additional_secret_outputs=["private_key"])
        super().__init__(
            AccountCertificateProvider(),
            name,
            {**inputs, **outputs},
            pulumi.ResourceOptions.merge(opts, always_secret),
        )


class AcceptedVersionProvider(Provider):
    """Keeps the version whose certificates all brokers have; it changes by one at a time."""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Refuse a version whose certificates the running brokers would refuse."""
        accepted, wanted = int(olds.get("version", news["version"])), int(news["version"])
        if abs(wanted - accepted) <= 1:
            return dynamic.CheckResult(news, [])
        neighbour = accepted + 1 if wanted > accepted else accepted - 1
        problem = (
            f"datapipe:security.credentialsVersion {wanted} can't follow {accepted}: where"
            " kafka.security is tls, the running brokers accept the certificates of the next"
            f" version only. Set it to {neighbour}, run make up, and go on from there"
        )
        return dynamic.CheckResult(news, [dynamic.CheckFailure("version", problem)])

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        return dynamic.CreateResult("accepted-version", {"version": props["version"]})

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        return dynamic.DiffResult(changes=olds["version"] != news["version"])

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        return dynamic.UpdateResult({"version": news["version"]})


class AcceptedVersion(dynamic.Resource, module="datapipe", name="AcceptedVersion"):
    """The version of the credentials that the running brokers accept, with its neighbours."""

    def __init__(self, name: str, version: int, opts: pulumi.ResourceOptions) -> None:
        super().__init__(AcceptedVersionProvider(), name, {"version": version}, opts)


def needs_renewal(ends: str, days: float) -> bool:
    """Return whether a certificate ends soon: within a month, or a third of its time if short."""
    remaining = datetime.fromisoformat(ends) - datetime.now(UTC)
    return remaining < timedelta(days=min(RENEWAL_DAYS, days / 3))


def trust_store(certificate: str) -> str:
    """Return a trust store with one authority (PEM) as PKCS #12 in base64, without a password.

    It holds nothing secret; a password would only have to be kept in clear text next to it.
    """
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        NoEncryption,
        pkcs12,
    )

    authority = x509.load_pem_x509_certificate(certificate.encode())
    store = pkcs12.serialize_java_truststore(
        [pkcs12.PKCS12Certificate(authority, b"datapipe")], NoEncryption()
    )
    return base64.b64encode(store).decode()


def _inputs(props: dict[str, Any]) -> dict[str, Any]:
    return {name: props[name] for name in INPUTS}
