"""How a setting of the server is changed, by who runs it."""

from components.config.existing_source import ExistingSource

# What the services call a setting of PostgreSQL.
_NAMES = {
    ("rds", "wal_level"): ("rds.logical_replication", "1"),
    ("aurora", "wal_level"): ("rds.logical_replication", "1"),
    ("cloud-sql", "wal_level"): ("cloudsql.logical_decoding", "on"),
}
_PLACES = {
    "rds": "in the instance's DB parameter group set",
    "aurora": "in the cluster's DB cluster parameter group set",
    "cloud-sql": "among the instance's flags set",
}
# How free disk space is seen, which no account of a database can ask for.
DISK = {
    "self-managed": "df -h on the server, for the folders that SHOW data_directory names to a"
    " superuser, and for pg_wal in it",
    "rds": "FreeStorageSpace of the instance in CloudWatch",
    "aurora": "VolumeBytesUsed of the cluster in CloudWatch; the volume grows by itself",
    "cloud-sql": "the metric database/disk/utilization of the instance",
}
# The same for the temporary files of sorts, which Aurora keeps on the instance.
TEMPORARY_FILES = DISK | {"aurora": "FreeLocalStorage of the writer in CloudWatch"}


def setting(source: ExistingSource, name: str, value: str, *, restart: bool = False) -> str:
    """Return how to give a setting a value."""
    if source.service == "self-managed":
        applied = "then restart the server" if restart else "SELECT pg_reload_conf();"
        return f"ALTER SYSTEM SET {name} = '{value}'; {applied}"
    own_name, own_value = _NAMES.get((source.service, name), (name, value))
    end = ", and reboot it" if restart else ""
    return f"{_PLACES[source.service]} {own_name} = {own_value}{end}"
