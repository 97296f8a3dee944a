"""The variables with which psql, Kafka's tools and AWS clients reach a deployed stack."""

import os
from pathlib import Path

from clients.stack import StackOutputs


def variables(outputs: StackOutputs, folder: Path) -> dict[str, str]:
    """Return the variables; write the password and the certificate into private files in `folder`.

    libpq reads both files itself, so the password is neither printed nor in a process's arguments.
    """
    region = outputs.archive.region
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = {
        "BOOTSTRAP_SERVERS": outputs.bootstrap_servers,
        "AWS_REGION": region,
        # boto3 and older clients read the region only from this one.
        "AWS_DEFAULT_REGION": region,
        **_kafka_login(outputs, folder),
    }
    database = outputs.database
    if database.port is None:
        return found
    authority, passwords = folder / "ca.crt", folder / "pgpass"
    if database.ca_certificate:
        _write_private(authority, database.ca_certificate)
    password = outputs.database_password.get_secret_value()
    _write_private(
        passwords, f"{database.host}:{database.port}:{database.name}:{database.user}:{password}\n"
    )
    return {
        **found,
        "PGHOST": database.host,
        "PGPORT": str(database.port),
        "PGDATABASE": database.name,
        "PGUSER": database.user,
        "PGPASSFILE": str(passwords),
        "PGSSLMODE": database.ssl_mode,
        **({"PGSSLROOTCERT": str(authority)} if database.ca_certificate else {}),
    }


def _kafka_login(outputs: StackOutputs, folder: Path) -> dict[str, str]:
    """Return the variables of Kafka's tools: a file for kcat (-F), one for Kafka's own.

    Where connections are plaintext, it is empty.
    """
    if not outputs.kafka_login:
        return {}
    settings = outputs.kafka
    authority, identity = folder / "kafka-authority.pem", folder / "kafka-identity.pem"
    certificate, key = settings["ssl.certificate.pem"], settings["ssl.key.pem"]
    _write_private(authority, settings["ssl.ca.pem"])
    _write_private(identity, key + certificate)
    files = {
        "kcat.conf": {
            "security.protocol": settings["security.protocol"],
            "ssl.ca.location": authority,
            "ssl.certificate.location": identity,
            "ssl.key.location": identity,
        },
        "kafka.properties": {
            "security.protocol": settings["security.protocol"],
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": authority,
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": identity,
        },
    }
    for name, lines in files.items():
        _write_private(folder / name, "".join(f"{key}={value}\n" for key, value in lines.items()))
    return {
        "KCAT_CONFIG": str(folder / "kcat.conf"),
        "KAFKA_COMMAND_CONFIG": str(folder / "kafka.properties"),
    }


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
