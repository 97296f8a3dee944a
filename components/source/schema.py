"""What is applied to the database: the tables of the design, and what capture needs."""

from pathlib import Path

from components.config.source import SourceSettings

FOLDER = Path(__file__).parent


def database_script(settings: SourceSettings, tables: tuple[str, ...]) -> str:
    """A script for psql, connected as superuser to the database `postgres`.

    It can be applied again and again, and changes all or nothing of the database's content. It
    holds no password: it reads them from the files that are mounted beside the server. The last
    line ends psql, as the end of its input can't be told through Kubernetes' exec.
    """
    variables = {
        "database": settings.database,
        "debezium_user": settings.debezium_user,
        "replica_identity": settings.replica_identity.upper(),
        "tables": ",".join(tables),
        "publications": ",".join(settings.publication_of(table) for table in tables),
    }
    parts = [
        *(f"\\set {name} '{value}'" for name, value in variables.items()),
        "SELECT format('CREATE DATABASE %I', :'database')",
        "    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database')",
        "\\gexec",
        '\\connect :"database"',
        "SET client_min_messages = warning;",
        "SET lock_timeout = '15s';",
        "BEGIN;",
        *([(FOLDER / "schema.sql").read_text()] if settings.sample_schema else []),
        (FOLDER / "capture.sql").read_text(),
        "COMMIT;",
        "\\q",
    ]
    return "\n".join(parts) + "\n"
