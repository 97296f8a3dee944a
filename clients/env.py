"""The variables with which psql, Kafka's tools and AWS clients reach a deployed stack."""

import os
from collections.abc import Mapping
from pathlib import Path

from clients.stack import StackOutputs

# The variable of each of libpq's settings.
LIBPQ = {
    "host": "PGHOST",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
}


def variables(outputs: StackOutputs, folder: Path) -> dict[str, str]:
    """Return the variables; write passwords and certificates into private files in `folder`.

    libpq reads these files itself, so no password is printed or in a process's arguments. PGHOST
    and the others are those of the database that `outputs` views; the service file has each one, as
    in `psql service=shop`.
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
    reachable = [own for own in outputs.each() if own.database.port is not None]
    if not reachable:
        return found
    services = {own.source: _libpq(own, folder) for own in reachable}
    passwords, sections = folder / "pgpass", folder / "pg_service.conf"
    _write_private(passwords, "".join(map(_password_line, reachable)))
    _write_private(sections, "".join(_section(*service) for service in services.items()))
    own = {LIBPQ[name]: value for name, value in services.get(outputs.source, {}).items()}
    return {**found, "PGPASSFILE": str(passwords), "PGSERVICEFILE": str(sections), **own}


def _libpq(outputs: StackOutputs, folder: Path) -> dict[str, str]:
    """Return libpq's settings for a database, except for its password."""
    database, authority = outputs.database, ""
    if database.ca_certificate:
        authority = str(folder / f"ca-{outputs.source}.crt")
        _write_private(Path(authority), database.ca_certificate)
    return {
        "host": database.host,
        "port": str(database.port),
        "dbname": database.name,
        "user": database.user,
        "sslmode": database.ssl_mode,
        # Empty where nothing is checked: with another database's, libpq would check it.
        "sslrootcert": authority,
    }


def _password_line(outputs: StackOutputs) -> str:
    """Return a database's line of a password file, which escapes colons and backslashes."""
    database, password = outputs.database, outputs.database_password.get_secret_value()
    fields = [database.host, str(database.port), database.name, database.user, password]
    return ":".join(field.replace("\\", r"\\").replace(":", r"\:") for field in fields) + "\n"


def _section(name: str, settings: Mapping[str, str]) -> str:
    return "\n".join([f"[{name}]", *(f"{key}={value}" for key, value in settings.items())]) + "\n"


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
