"""PostgreSQL's two configuration files, rendered from the stack's settings."""

from components.config.source import SourceSettings
from components.postgres_memory import postgres_memory
from components.sizing import Resources
from components.source.volume import PostgresVolume

CONFIGURATION = "/etc/postgresql/conf"
CREDENTIALS = "/etc/postgresql/credentials"
CERTIFICATE = "/etc/postgresql/tls"
SOCKET = "/var/run/postgresql"
DATA = "/var/lib/postgresql/data"
# Not the volume's root, which may contain lost+found.
PGDATA = f"{DATA}/pgdata"


def volume_of(settings: SourceSettings, storage: int) -> PostgresVolume:
    """Return what shares the server's volume of so many MiB."""
    return PostgresVolume(
        storage,
        settings.max_wal_size,
        settings.max_slot_wal_keep_size,
        settings.checkpoint_completion_target,
    )


def server_settings(
    settings: SourceSettings, resources: Resources, storage: int, tables: int = 1
) -> dict[str, str]:
    """Return the settings of a server with so many tables (design: "PostgreSQL Tuning").

    `storage` is its volume in MiB.
    """
    memory = postgres_memory(
        resources.memory_limit, settings.max_wal_senders, settings.connectors(tables)
    )
    return {
        "listen_addresses": "*",
        "port": str(settings.port),
        "unix_socket_directories": SOCKET,
        # only the server's own user may connect through the socket, which requires no password
        "unix_socket_permissions": "0700",
        "hba_file": f"{CONFIGURATION}/pg_hba.conf",
        "password_encryption": settings.password_encryption,
        "ssl": "on",
        "ssl_cert_file": f"{CERTIFICATE}/tls.crt",
        "ssl_key_file": f"{CERTIFICATE}/tls.key",
        "ssl_min_protocol_version": "TLSv1.2",
        # replication
        "wal_level": "logical",
        "max_replication_slots": str(settings.max_replication_slots),
        "max_wal_senders": str(settings.max_wal_senders),
        "max_wal_size": settings.max_wal_size,
        "max_slot_wal_keep_size": settings.max_slot_wal_keep_size,
        "checkpoint_completion_target": str(settings.checkpoint_completion_target),
        # a sort of a large table fails before it fills the volume, which also holds the WAL
        "temp_file_limit": f"{volume_of(settings, storage).temp_file_limit}MB",
        # memory, which together must stay below the container's limit
        "max_connections": str(memory.max_connections),
        "shared_buffers": f"{memory.shared_buffers}MB",
        "wal_buffers": f"{memory.wal_buffers}MB",
        "work_mem": f"{memory.work_mem}MB",
        "hash_mem_multiplier": "1.0",
        "maintenance_work_mem": f"{memory.maintenance_work_mem}MB",
        "logical_decoding_work_mem": f"{memory.logical_decoding_work_mem}MB",
        "autovacuum_max_workers": str(memory.autovacuum_workers),
        "effective_cache_size": settings.effective_cache_size,
        # the sizes above do not include the memory of parallel workers and compiled queries
        "max_parallel_workers_per_gather": "0",
        "max_parallel_maintenance_workers": "0",
        "jit": "off",
        # to the container's log, without values of rows
        "log_destination": "stderr",
        "logging_collector": "off",
        "log_line_prefix": "%m [%p] %q%u@%d ",
        "log_parameter_max_length_on_error": "0",
        "log_timezone": "UTC",
        "timezone": "UTC",
    }


def postgresql_conf(
    settings: SourceSettings, resources: Resources, storage: int, tables: int = 1
) -> str:
    """Render postgresql.conf of a server with a volume of so many MiB and so many tables."""
    chosen = server_settings(settings, resources, storage, tables)
    lines = [f"{name} = '{value}'" for name, value in chosen.items()]
    return "\n".join(lines) + "\n"


def pg_hba_conf(settings: SourceSettings) -> str:
    """Render pg_hba.conf: TLS and a password from anywhere, no physical replication.

    A logical replication connection names its database, so that database's line applies to it.
    """
    method = settings.password_encryption
    rules = [
        ("local", "all", "postgres", "", "trust"),
        ("hostssl", settings.database, "all", "all", method),
        ("hostssl", "postgres", "postgres", "all", method),
    ]
    return "\n".join(" ".join(filter(None, rule)) for rule in rules) + "\n"
