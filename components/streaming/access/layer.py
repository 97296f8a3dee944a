"""The brokers' authority, and the certificate of each account, as one component."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from components.config.security import versioned_name
from components.manifests import Manifest, metadata
from components.streaming.access.accounts import Account
from components.streaming.access.certificates import AccountCertificate, KafkaAuthority, Subject
from components.streaming.access.transport import AUTHORITY, IDENTITY, TLS_DIR, TRUST_STORE
from components.workloads import Workload


@dataclass(frozen=True)
class CertificatesArgs:
    """What the certificates are made of."""

    hosts: Mapping[Account, tuple[str, ...]]
    """each account of the stack, with the names at which it is a server"""
    days: int
    version: int
    """of the credentials"""
    protect: bool
    """whether Pulumi refuses to delete the authority"""


@dataclass(frozen=True)
class Identity:
    """What an account shows to the brokers, and by what it knows them, as PEM."""

    authority: pulumi.Output[str]
    certificate: pulumi.Output[str]
    private_key: pulumi.Output[str]  # secret
    trust_store: pulumi.Output[str]

    def login(self) -> pulumi.Output[dict[str, str]]:
        """Return librdkafka's settings of a client with this identity, as a secret."""
        return pulumi.Output.all(
            **{
                "security.protocol": "SSL",
                "ssl.ca.pem": self.authority,
                "ssl.certificate.pem": self.certificate,
                "ssl.key.pem": self.private_key,
            }
        )

    def files(self) -> dict[str, pulumi.Output[str]]:
        """Return the files of a pod with this identity, by name."""
        return {
            IDENTITY: pulumi.Output.concat(self.private_key, self.certificate),
            AUTHORITY: self.authority,
        }


class Certificates(pulumi.ComponentResource):
    """The authority, and a certificate for each account."""

    identities: dict[Account, Identity]
    ends: pulumi.Output[str]
    """the moment from which the first of the certificates is not valid, ISO 8601"""

    def __init__(
        self, name: str, args: CertificatesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("datapipe:streaming:Certificates", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        kept = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(protect=args.protect))
        authority = KafkaAuthority("kafka-authority", kept)
        certificates = {
            account: AccountCertificate(
                versioned_name(f"{account.value}-certificate", args.version),
                authority,
                Subject(account.common_name(args.version), hosts, args.days),
                child,
            )
            for account, hosts in args.hosts.items()
        }
        self.identities = {
            account: Identity(
                authority=authority.certificate,
                certificate=certificate.certificate,
                private_key=certificate.private_key,
                trust_store=authority.trust_store,
            )
            for account, certificate in certificates.items()
        }
        self.ends = pulumi.Output.all(*(one.ends for one in certificates.values())).apply(min)
        self.register_outputs({"ends": self.ends})


def secret_name(workload: Workload) -> str:
    """Return the name of the Secret with a workload's certificate."""
    return f"{workload.value}-certificate"


def certificate_secret(
    workload: Workload,
    identity: Identity,
    namespace: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> kubernetes.core.v1.Secret:
    """Declare the Secret from which a workload's pods read their certificate."""
    return kubernetes.core.v1.Secret(
        secret_name(workload),
        metadata=metadata(secret_name(workload), namespace, workload),
        string_data=identity.files(),
        data={TRUST_STORE: identity.trust_store},
        opts=opts,
    )


def certificate_volume(workload: Workload) -> Manifest:
    """Return the volume with a workload's certificate, readable for its group alone."""
    return {
        "name": "tls",
        "secret": {"secretName": secret_name(workload), "defaultMode": 0o440},
    }


def certificate_mount() -> Manifest:
    return {"name": "tls", "mountPath": TLS_DIR, "readOnly": True}
