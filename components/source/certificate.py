"""The server's TLS certificate: created once and kept in the state, its key as a secret."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
from pulumi import dynamic

from components.certificates import issue_authority, issue_certificate
from components.dynamic_provider import Provider

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
    authority = issue_authority("datapipe PostgreSQL authority", days)
    server = issue_certificate(authority, hosts[0], hosts, days)
    return {
        "ca_certificate": authority.certificate,
        "certificate": server.certificate,
        "private_key": server.private_key,
    }
