"""How connections to the brokers and to Schema Registry are secured, as properties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from components.config import StackConfig
from components.streaming.access.accounts import super_users
from components.streaming.properties import Properties

# Where a pod's certificate is mounted.
TLS_DIR = "/opt/datapipe/tls"
# The account's private key and certificate, in one file as Kafka reads them.
IDENTITY = "identity.pem"
AUTHORITY = "authority.pem"
# The same authority for clients of Schema Registry, which read no PEM.
TRUST_STORE = "authority.p12"

IDENTITY_FILE, AUTHORITY_FILE, TRUST_STORE_FILE = (
    f"{TLS_DIR}/{name}" for name in (IDENTITY, AUTHORITY, TRUST_STORE)
)

# The common name is the account. A subject that does not match is refused.
PRINCIPAL_RULE = "RULE:^CN=([a-z0-9-]+)$/$1/"


@dataclass(frozen=True)
class Transport:
    """The security of every listener and client of a stack (`kafka.security`)."""

    security: Literal["plaintext", "tls"] = "plaintext"
    credentials_version: int = 1

    @classmethod
    def from_config(cls, config: StackConfig) -> Transport:
        """Return the transport of a stack."""
        return cls(config.kafka.security, config.security.credentials_version)

    @property
    def encrypted(self) -> bool:
        """Whether every connection is TLS, with a certificate at both ends."""
        return self.security == "tls"

    @property
    def protocol(self) -> str:
        """The name of the security protocol, as Kafka's listeners have it."""
        return "SSL" if self.encrypted else "PLAINTEXT"

    @property
    def rest_scheme(self) -> str:
        """The scheme of Schema Registry's REST API."""
        return "https" if self.encrypted else "http"

    def broker_properties(self) -> Properties:
        """Return what all listeners of a broker need; nothing where they are plaintext."""
        if not self.encrypted:
            return {}
        return {
            **_stores(),
            "ssl.client.auth": "required",
            "ssl.principal.mapping.rules": PRINCIPAL_RULE,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": False,
            "super.users": ";".join(super_users(self.credentials_version)),
        }

    def client_properties(self, *prefixes: str) -> Properties:
        """Return what a client of the brokers needs, after each of the prefixes."""
        if not self.encrypted:
            return {}
        properties: Properties = {"security.protocol": self.protocol, **_stores()}
        return {f"{prefix}{key}": value for prefix in prefixes for key, value in properties.items()}

    def rest_server_properties(self) -> Properties:
        """Return what Schema Registry needs to serve its REST API over HTTPS."""
        if not self.encrypted:
            return {}
        return {**_stores(), "inter.instance.protocol": self.rest_scheme}


def _stores() -> Properties:
    return {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": IDENTITY_FILE,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": AUTHORITY_FILE,
    }
