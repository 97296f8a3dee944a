"""Scripts for psql that create the design's tables and what change data capture needs.

They are run as superuser, connected to the database `postgres`. They are idempotent, and each is
one transaction in the captured database. They contain no password: the caller prepends
`variable()`. The last line ends psql, as Kubernetes' exec can't close its standard input.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.config.source import SourceSettings

FOLDER = Path(__file__).parent

# Begin the lines that check_script() prints, by kind (found.sql), and that database_script() does;
# both print what description.sql finds.
REFUSED, MISSED, CHANGED = "refused: ", "missed: ", "changed: "
CAPTURED, DESCRIBED = "captured: ", "described: "
LOCKED = "locked: "


def variable(name: str, value: str) -> str:
    """Return a line that sets a psql variable. Raises ValueError for a value of several lines."""
    if "\n" in value:
        raise ValueError(f"the psql variable {name} must not contain a line break")
    quoted = value.replace("\\", "\\\\").replace("'", "''")
    return f"\\set {name} '{quoted}'\n"


def database_script(settings: SourceSettings, tables: tuple[str, ...]) -> str:
    """Return the script for database, tables and publications.

    It needs the variable superuser_password. It prints a line that begins with CAPTURED, and
    one that begins with DESCRIBED.
    """
    create = [
        "SELECT format('CREATE DATABASE %I', :'database')",
        "    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database')",
        "\\gexec",
    ]
    parts = [
        _read("superuser.sql"),
        *_sample_schema(settings),
        *_find(),
        _temporary("recorded", _read("recorded.sql")),
        _read("capture.sql"),
        _temporary("live", _captured_state("SELECT name, publication, entry FROM live")),
        _read("remember.sql"),
        _describe(),
    ]
    return _script(_variables(settings, tables), create, parts)


def check_script(
    settings: SourceSettings, tables: tuple[str, ...], account: str, *, avro_names: bool = False
) -> str:
    """Print what found.sql finds of the tables, as lines that begin with its kind.

    A line that begins with DESCRIBED has their keys and columns.
    With `avro_names`, that includes columns whose names Avro does not allow.
    It changes nothing: the sample tables that it may create are rolled back.
    """
    parts = [*_sample_schema(settings), *_find(), _read("list_found.sql"), _describe()]
    variables = _variables(settings, tables, account, avro_names=avro_names)
    return _script(variables, [], parts, end="ROLLBACK;")


def captured_tables_query(
    settings: SourceSettings, tables: tuple[str, ...], account: str, *, avro_names: bool = False
) -> str:
    """Return found.sql as one statement of SQL, for those that do not have psql.

    It needs no privilege but to connect, and its columns are kind, name and reason.
    """
    variables = _variables(settings, tables, account, avro_names=avro_names)
    return _with_values(_captured_state(_read("found.sql")), variables)


def query_of(
    part: str,
    settings: SourceSettings,
    tables: tuple[str, ...],
    entries: Mapping[str, Any],
    *,
    avro_names: bool,
) -> str:
    """Return a query over the captured tables of a database that the program does not own.

    `part` is the query, or the file that has it. `entries` are what the archive has of the tables,
    by name, as the column `entry` of `live` had them when their rows were read.
    """
    account = settings.debezium_user
    variables = _variables(settings, tables, account, avro_names=avro_names)
    recorded = _read("recorded_entries.sql")
    query = _captured_state(_read(part) if part.endswith(".sql") else part, recorded)
    return _with_values(query, {**variables, "entries": json.dumps(entries)})


def _with_values(query: str, variables: Mapping[str, str]) -> str:
    """Return the query with literals where it has psql's variables."""
    for name, value in variables.items():
        quoted = value.replace("'", "''")
        query = query.replace(f":'{name}'", f"'{quoted}'")
    return query


def record_script(database: str, publication: str, entries: Mapping[str, Any]) -> str:
    """Return the script that records that the archive has the tables of these entries."""
    variables = {
        "database": database,
        "publication": publication,
        "entries": json.dumps(entries),
    }
    return _script(variables, [], [_read("record.sql")])


def lock_holders_script(settings: SourceSettings, tables: tuple[str, ...]) -> str:
    """Print the transactions that have locks on the tables, as lines that begin with LOCKED."""
    parts = [_temporary("captured", _read("captured.sql")), _read("lock_holders.sql")]
    return _script(_variables(settings, tables), [], parts, end="ROLLBACK;")


def open_transactions_script() -> str:
    """Print the transactions for which a new replication slot waits, a line each."""
    return (FOLDER / "open_transactions.sql").read_text() + "\\q\n"


def account_script(settings: SourceSettings, account: str, tables: tuple[str, ...]) -> str:
    """Return the script that creates or updates an account of change data capture.

    It needs the variable password.
    """
    variables = {"database": settings.database, "account": account, "tables": ",".join(tables)}
    return _script(variables, [], [_read("account.sql")])


def revoke_script(settings: SourceSettings, account: str) -> str:
    """Return the script that drops an account of change data capture."""
    variables = {"database": settings.database, "account": account}
    return _script(variables, [], [_read("revoke.sql")])


def _variables(
    settings: SourceSettings,
    tables: tuple[str, ...],
    account: str = "",
    *,
    avro_names: bool = False,
) -> dict[str, str]:
    return {
        "database": settings.database,
        "tables": ",".join(tables),
        "publications": ",".join(settings.publication_of(table) for table in tables),
        "excluded": json.dumps(settings.excluded_columns),
        "replica_identity": settings.replica_identity.upper(),
        "account": account,
        "avro_names": str(avro_names).lower(),
    }


def _sample_schema(settings: SourceSettings) -> list[str]:
    return [_read("schema.sql")] if settings.sample_schema else []


def _find() -> list[str]:
    """Return the statements that create the temporary table found, of what found.sql finds.

    They also leave captured and captured_columns.
    """
    return [
        _temporary("captured", _read("captured.sql")),
        _temporary("captured_columns", _captured_state("SELECT * FROM captured_columns")),
        _temporary("found", _captured_state(_read("found.sql"))),
        _temporary("risky_values", _read("risky_values.sql")),
        _read("refused_values.sql"),
    ]


def _describe() -> str:
    """Return the statement that prints the line of DESCRIBED."""
    return (
        "\\pset format unaligned\n\\pset tuples_only on\n"
        f"SELECT '{DESCRIBED}' || description FROM (\n{_read('description.sql')}) AS described;"
    )


def _captured_state(query: str, recorded: str | None = None) -> str:
    """Return a query over the parts of refusals.sql and drift.sql, and over what they need."""
    parts = [
        f"captured AS (\n{_read('captured.sql')})",
        f"recorded AS (\n{recorded or _read('recorded.sql')})",
        _read("refusals.sql"),
        _read("shapes_refused.sql"),
        _read("drift.sql"),
    ]
    return "WITH " + ",\n\n".join(parts) + "\n" + query


def _temporary(name: str, query: str) -> str:
    return f"CREATE TEMPORARY TABLE {name} ON COMMIT DROP AS\n{query};"


def _read(file: str) -> str:
    return (FOLDER / file).read_text()


def _script(
    variables: dict[str, str], before: list[str], parts: list[str], end: str = "COMMIT;"
) -> str:
    lines = [
        *(variable(name, value).rstrip() for name, value in variables.items()),
        *before,
        '\\connect :"database"',
        "SET client_min_messages = warning;",
        "SET lock_timeout = '15s';",
        "BEGIN;",
        *parts,
        end,
        "\\q",
    ]
    return "\n".join(lines) + "\n"
