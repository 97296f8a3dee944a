"""Prints the exports with which psql and Kafka's tools reach a deployed stack.

`python -m clients.env --stack sandbox`; `make env` does, after the sandbox's own exports.
"""

import argparse
import os
import shlex
import sys
from pathlib import Path

from clients.stack import StackError, StackOutputs, read_outputs


def variables(outputs: StackOutputs, folder: Path) -> dict[str, str]:
    """The variables; the password and the certificate go into files that only we can read.

    libpq reads both by itself, so the password is on no screen and in no process's arguments.
    """
    database = outputs.database
    found = {"BOOTSTRAP_SERVERS": outputs.bootstrap_servers}
    if database.port is None:
        return found
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority, passwords = folder / "ca.crt", folder / "pgpass"
    _write(authority, database.ca_certificate)
    password = outputs.database_password.get_secret_value()
    _write(
        passwords, f"{database.host}:{database.port}:{database.name}:{database.user}:{password}\n"
    )
    return {
        **found,
        "PGHOST": database.host,
        "PGPORT": str(database.port),
        "PGDATABASE": database.name,
        "PGUSER": database.user,
        "PGPASSFILE": str(passwords),
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": str(authority),
    }


def _write(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m clients.env", description=__doc__)
    parser.add_argument("--stack", default="sandbox")
    stack: str = parser.parse_args().stack
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    try:
        found = variables(read_outputs(stack), cache / "datapipe-clients" / stack)
    except StackError as error:
        sys.exit(str(error))
    for name, value in found.items():
        print(f"export {name}={shlex.quote(value)}")


if __name__ == "__main__":
    main()
