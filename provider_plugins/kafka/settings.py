"""The provider's configuration as librdkafka's settings."""

from __future__ import annotations

from typing import Any, Final

from provider_plugins.provider import ProviderError
from provider_plugins.wire import Properties

MECHANISMS: Final = {
    "plain": "PLAIN",
    "scram-sha256": "SCRAM-SHA-256",
    "scram-sha512": "SCRAM-SHA-512",
}

TLS_FILES: Final = {
    "caCertFile": "ssl.ca.location",
    "clientCertFile": "ssl.certificate.location",
    "clientKeyFile": "ssl.key.location",
}

TLS_TEXTS: Final = {
    "caCert": "ssl.ca.pem",
    "clientCert": "ssl.certificate.pem",
    "clientKey": "ssl.key.pem",
    "clientKeyPassphrase": "ssl.key.password",
}


def client_settings(configuration: Properties) -> dict[str, Any]:
    """Librdkafka's settings for a provider's configuration.

    Raises:
        ProviderError: there are no bootstrap servers, or the SASL mechanism is not supported.
    """
    servers = configuration.get("bootstrapServers")
    if not servers:
        raise ProviderError("kafka: set the provider's bootstrapServers to the brokers' addresses")
    tls = configuration.get("tlsEnabled", True) in (True, "true")
    settings: dict[str, Any] = {
        "bootstrap.servers": ",".join(servers),
        "security.protocol": "SSL" if tls else "PLAINTEXT",
        "log_level": 0,  # librdkafka's own log goes to standard error, which the engine shows
    }
    if tls:
        names = {**TLS_FILES, **TLS_TEXTS}
        settings |= {
            theirs: configuration[ours] for ours, theirs in names.items() if ours in configuration
        }
        if configuration.get("skipTlsVerify") in (True, "true"):
            settings["enable.ssl.certificate.verification"] = False
    return settings | _login(configuration, settings["security.protocol"])


def _login(configuration: Properties, protocol: str) -> dict[str, Any]:
    if not configuration.get("saslUsername"):
        return {}
    mechanism = configuration.get("saslMechanism", "plain")
    if mechanism not in MECHANISMS:
        known = ", ".join(MECHANISMS)
        raise ProviderError(f"kafka: the sandbox's plugin knows saslMechanism {known} alone")
    return {
        "security.protocol": "SASL_SSL" if protocol == "SSL" else "SASL_PLAINTEXT",
        "sasl.mechanism": MECHANISMS[mechanism],
        "sasl.username": configuration["saslUsername"],
        "sasl.password": configuration.get("saslPassword", ""),
    }
