"""Scripts for psql that create the design's tables and what change data capture needs.

They are run as superuser, connected to the database `postgres`. They are idempotent, and each is
one transaction in the captured database. They contain no password: the caller prepends
`variable()`. The last line ends psql, as Kubernetes' exec can't close its standard input.
"""

import json
from pathlib import Path

from components.config.source import SourceSettings

FOLDER = Path(__file__).parent

FIND_REFUSED = ("captured.sql", "refusals.sql", "shapes_refused.sql")
REFUSED = "refused: "
LOCKED = "locked: "


def variable(name: str, value: str) -> str:
    """Return a line that sets a psql variable. Raises ValueError for a value of several lines."""
    if "\n" in value:
        raise ValueError(f"the psql variable {name} must not contain a line break")
    quoted = value.replace("\\", "\\\\").replace("'", "''")
    return f"\\set {name} '{quoted}'\n"


def database_script(settings: SourceSettings, tables: tuple[str, ...]) -> str:
    """Return the script for database, tables and publications.

    It needs the variable superuser_password.
    """
    create = [
        "SELECT format('CREATE DATABASE %I', :'database')",
        "    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database')",
        "\\gexec",
    ]
    files = ["schema.sql"] if settings.sample_schema else []
    return _script(
        _captured(settings, tables), create, ["superuser.sql", *files, *FIND_REFUSED, "capture.sql"]
    )


def check_script(
    settings: SourceSettings, tables: tuple[str, ...], *, avro_names: bool = False
) -> str:
    """Print what of the tables cannot be archived right, as lines that begin with REFUSED.

    With `avro_names`, that includes columns whose names Avro does not allow.
    It changes nothing: the sample tables that it may create are rolled back.
    """
    files = ["schema.sql"] if settings.sample_schema else []
    files += [*FIND_REFUSED, "list_refused.sql"]
    variables = _captured(settings, tables) | {"avro_names": str(avro_names).lower()}
    return _script(variables, [], files, end="ROLLBACK;")


def lock_holders_script(settings: SourceSettings, tables: tuple[str, ...]) -> str:
    """Print the transactions that have locks on the tables, as lines that begin with LOCKED."""
    files = ["captured.sql", "lock_holders.sql"]
    return _script(_captured(settings, tables), [], files, end="ROLLBACK;")


def open_transactions_script() -> str:
    """Print the transactions for which a new replication slot waits, a line each."""
    return (FOLDER / "open_transactions.sql").read_text() + "\\q\n"


def account_script(settings: SourceSettings, account: str, tables: tuple[str, ...]) -> str:
    """Return the script that creates or updates an account of change data capture.

    It needs the variable password.
    """
    variables = {"database": settings.database, "account": account, "tables": ",".join(tables)}
    return _script(variables, [], ["account.sql"])


def revoke_script(settings: SourceSettings, account: str) -> str:
    """Return the script that drops an account of change data capture."""
    return _script({"database": settings.database, "account": account}, [], ["revoke.sql"])


def _captured(settings: SourceSettings, tables: tuple[str, ...]) -> dict[str, str]:
    return {
        "database": settings.database,
        "tables": ",".join(tables),
        "publications": ",".join(settings.publication_of(table) for table in tables),
        "excluded": json.dumps(settings.excluded_columns),
        "replica_identity": settings.replica_identity.upper(),
        "avro_names": "false",
    }


def _script(
    variables: dict[str, str], before: list[str], files: list[str], end: str = "COMMIT;"
) -> str:
    parts = [
        *(variable(name, value).rstrip() for name, value in variables.items()),
        *before,
        '\\connect :"database"',
        "SET client_min_messages = warning;",
        "SET lock_timeout = '15s';",
        "BEGIN;",
        *((FOLDER / file).read_text() for file in files),
        end,
        "\\q",
    ]
    return "\n".join(parts) + "\n"
