"""What a sample database is made of, and the settings of its server."""

from pathlib import Path

from pydantic import BaseModel

SUPERUSER, ADMINISTRATOR = "postgres", "dba"
# The first version with max_slot_wal_keep_size.
SLOTS_ARE_LIMITED = 13


class Description(BaseModel):
    """What a server is made of; its file is private."""

    name: str
    version: int
    port: int
    database: str
    host: str
    """as clients name it; it is in the certificate"""
    networks: tuple[str, ...]
    """of clients that may connect, with TLS and a password"""
    password: str
    """of the administrator"""
    account_password: str
    """of the account that captures, which the administrator creates"""
    ca_certificate: str
    encoding: str = "UTF8"
    primary: str | None = None
    """of a standby: the name of the server that it follows"""
    settings: dict[str, str] = {}


def client_authentication(described: Description) -> str:
    """Return pg_hba.conf: the server's own folder is private, others need TLS and a password."""
    networks = [f"hostssl all all {network} scram-sha-256" for network in described.networks]
    return "\n".join(["local all all trust", "local replication all trust", *networks, ""])


def server_settings(
    described: Description, folder: Path, primary: Description | None
) -> dict[str, str]:
    """Return the settings of a server whose files are in a folder, as postgres takes them."""
    limited = described.version >= SLOTS_ARE_LIMITED
    return {
        "port": str(described.port),
        # The node's address may come and go with the sandbox; pg_hba.conf says who may connect.
        "listen_addresses": "*",
        "unix_socket_directories": str(folder),
        "hba_file": str(folder / "pg_hba.conf"),
        "ssl": "on",
        "ssl_cert_file": str(folder / "tls.crt"),
        "ssl_key_file": str(folder / "tls.key"),
        "password_encryption": "scram-sha-256",
        "wal_level": "logical",
        "max_replication_slots": "8",
        "max_wal_senders": "8",
        **({"max_slot_wal_keep_size": "1GB"} if limited else {}),
        "max_wal_size": "1GB",
        "shared_buffers": "128MB",
        # The samples can be loaded again after a crash of the machine.
        "fsync": "off",
        **(_following(described, folder, primary) if primary else {}),
        **described.settings,
    }


def _following(described: Description, folder: Path, primary: Description) -> dict[str, str]:
    """Return the settings of a standby."""
    return {
        "primary_conninfo": f"host={folder.parent / primary.name} port={primary.port}"
        f" user={SUPERUSER} dbname={SUPERUSER} application_name={described.name}",
        "primary_slot_name": described.name,
    }
