"""What each captured database has in the worker: variables and files, by name."""

from components.config.captured_database import CapturedDatabase


def user_variable(database: CapturedDatabase) -> str:
    """Return the environment variable with the name of the account that captures."""
    return _variable(database, "DBZ_DB_USERNAME")


def password_variable(database: CapturedDatabase) -> str:
    """Return the environment variable with that account's password."""
    return _variable(database, "DBZ_DB_PASSWORD")


def source_ca(database: CapturedDatabase) -> str:
    """Return the file with the certificate authority of the database's server."""
    return f"{database.qualified('postgresql-ca')}.crt"


def captured_tables(database: CapturedDatabase) -> str:
    """Return the file with the query by which a connector watches its tables."""
    return f"{database.qualified('captured-tables')}.sql"


def _variable(database: CapturedDatabase, name: str) -> str:
    return database.qualified(name, "_").upper()
