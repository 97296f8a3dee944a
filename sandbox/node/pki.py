"""The cluster's certificate authority and the certificates it issued, made once per sandbox."""

import datetime
import os
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandbox import paths
from sandbox.node import addresses
from tools.errors import UserError

FOLDER = paths.STATE / "pki"

# A sandbox lives for hours or weeks; nothing renews its certificates.
_VALID_FOR = datetime.timedelta(days=365)
_CLOCK_SKEW = datetime.timedelta(minutes=5)

_SERVICE_NAMES = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    f"kubernetes.default.svc.{addresses.CLUSTER_DOMAIN}",
)
_LOCALHOST = IPv4Address("127.0.0.1")


@dataclass(frozen=True)
class Identity:
    """One certificate: whom it names, for which hosts, and in which group RBAC sees it."""

    name: str
    common_name: str
    organization: str | None = None
    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[IPv4Address, ...] = ()

    @property
    def certificate(self) -> Path:
        return FOLDER / f"{self.name}.crt"

    @property
    def key(self) -> Path:
        return FOLDER / f"{self.name}.key"


CA_CERTIFICATE = FOLDER / "ca.crt"
SERVICE_ACCOUNT_KEY = FOLDER / "service-accounts.key"
SERVICE_ACCOUNT_PUBLIC_KEY = FOLDER / "service-accounts.pub"

API_SERVER = Identity(
    "kube-apiserver",
    "kube-apiserver",
    dns_names=_SERVICE_NAMES,
    ip_addresses=(addresses.NODE_ADDRESS, next(addresses.SERVICES.hosts())),
)
API_SERVER_AS_CLIENT = Identity("kube-apiserver-client", "kube-apiserver-client")
ETCD = Identity("etcd", "etcd", ip_addresses=(_LOCALHOST,))
KUBELET = Identity(
    "kubelet",
    f"system:node:{addresses.NODE_NAME}",
    "system:nodes",
    dns_names=(addresses.NODE_NAME,),
    ip_addresses=(addresses.NODE_ADDRESS,),
)
CONTROLLER_MANAGER = Identity("kube-controller-manager", "system:kube-controller-manager")
SCHEDULER = Identity("kube-scheduler", "system:kube-scheduler")
KUBE_PROXY = Identity("kube-proxy", "system:kube-proxy")
PROVISIONER = Identity("local-path-provisioner", "local-path-provisioner")
NETWORK_POLICY = Identity("network-policy", "network-policy")
ADMINISTRATOR = Identity("administrator", "sandbox-administrator", "system:masters")

IDENTITIES = (
    API_SERVER,
    API_SERVER_AS_CLIENT,
    ETCD,
    KUBELET,
    CONTROLLER_MANAGER,
    SCHEDULER,
    KUBE_PROXY,
    PROVISIONER,
    NETWORK_POLICY,
    ADMINISTRATOR,
)


def ensure() -> None:
    """Make the authority and all certificates, unless they are there already.

    Raises UserError where they were made by an older version, which knew fewer programs.
    """
    if (FOLDER / ".complete").exists():
        _require_all()
        return
    FOLDER.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _sign_authority(authority_key)
    _write(CA_CERTIFICATE, authority.public_bytes(serialization.Encoding.PEM))
    for identity in IDENTITIES:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _sign(identity, key, authority, authority_key)
        _write(identity.key, _private_pem(key))
        _write(identity.certificate, certificate.public_bytes(serialization.Encoding.PEM))
    _make_service_account_keys()
    # The authority's key is not kept: what it has signed is all that this sandbox ever needs.
    (FOLDER / ".complete").touch()


def _require_all() -> None:
    missing = [each.name for each in IDENTITIES if not each.certificate.exists()]
    if missing:
        raise UserError(
            f"the sandbox was started by an older version of it and has no certificate for"
            f" {', '.join(missing)}: run `bash tools/bootstrap.sh sandbox down`, then `up`"
        )


def _make_service_account_keys() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    _write(SERVICE_ACCOUNT_KEY, _private_pem(key))
    _write(SERVICE_ACCOUNT_PUBLIC_KEY, public)


def _sign_authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "datapipe-sandbox-ca")])
    return (
        _certificate(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _sign(
    identity: Identity,
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, identity.common_name)]
    if identity.organization:
        subject.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, identity.organization))
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    builder = (
        _certificate(x509.Name(subject), authority.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
            critical=False,
        )
    )
    if names := _alternative_names(identity):
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(authority_key, hashes.SHA256())


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + _VALID_FOR)
    )


def _alternative_names(identity: Identity) -> Sequence[x509.GeneralName]:
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in identity.dns_names]
    names.extend(x509.IPAddress(address) for address in identity.ip_addresses)
    return names


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def _write(file: Path, content: bytes) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(content)
