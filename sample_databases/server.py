"""A PostgreSQL server of a major version, as processes of this machine that outlive their command.

A server has a folder of its own, from which another command opens it again.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import psycopg

from polling import poll_until
from sample_databases import unprivileged
from sample_databases.base_backup import copy_running
from sample_databases.configuration import (
    ADMINISTRATOR,
    SUPERUSER,
    Description,
    client_authentication,
    server_settings,
)
from sample_databases.launch import launch
from sample_databases.programs import programs
from tools import paths
from tools.errors import UserError

STOP_SECONDS, STANDBY_SECONDS = 60, 60
# The first version in which a role may give REPLICATION to another without a superuser.
REPLICATION_IS_GRANTABLE = 16


def default_root() -> Path:
    """Return the folder of the sample databases; another user than root must reach it."""
    system = Path("/var/lib/datapipe-sample-databases")
    return system if os.geteuid() == 0 else paths.cache() / "sample-databases"


class SampleServer:
    """A server whose database belongs to the role `dba`, which is not a superuser."""

    def __init__(self, root: Path, description: Description) -> None:
        self.description, self._root = description, root
        self.folder = root / description.name

    @classmethod
    def create(
        cls, description: Description, certificate: Mapping[str, str], root: Path | None = None
    ) -> Self:
        """Create a server's files and its empty database, and start it.

        `certificate` has the server's `certificate` and `private_key`, as PEM.
        """
        server = cls(root or default_root(), description)
        server._make_folder()
        try:
            for name, key in (("tls.crt", "certificate"), ("tls.key", "private_key")):
                server.write(name, certificate[key])
            server._run(
                *("initdb", "-U", SUPERUSER, "--auth=trust", "--no-sync", "--locale=C"),
                f"--encoding={description.encoding}",
            )
            server.start()
            server._create_database()
        except BaseException:
            server.remove()
            raise
        return server

    @classmethod
    def open(cls, name: str, root: Path | None = None) -> SampleServer:
        """Return the server of this name. Raises UserError if it does not exist."""
        root = root or default_root()
        file = root / name / "server.json"
        if not file.is_file():
            known = ", ".join(servers(root)) or "none"
            raise UserError(f"there is no sample database {name}; there are: {known}")
        return cls(root, Description.model_validate_json(file.read_text()))

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    def process(self) -> int | None:
        """Return the id of the running server's first process; None if it does not run."""
        file = self.data / "postmaster.pid"
        if not file.is_file():
            return None
        words = file.read_text().split()
        if not words:
            return None
        command = Path(f"/proc/{words[0]}/cmdline")
        try:
            # A file that a killed server left behind may name another program.
            return int(words[0]) if str(self.data).encode() in command.read_bytes() else None
        except FileNotFoundError:
            return None

    def start(self, **settings: str) -> None:
        """Start the server unless it runs. Settings apply to later starts, too.

        Raises UserError with the end of its log if it does not start.
        """
        self.description.settings.update(settings)
        self._save()
        if self.process() is not None:
            return
        command = [str(programs(self.description.version) / "postgres"), "-D", str(self.data)]
        self.write("pg_hba.conf", client_authentication(self.description))
        settings = server_settings(self.description, self.folder, self._primary())
        command += [f"--{name}={value}" for name, value in settings.items()]
        launch(
            command,
            self.folder / "log",
            f"the sample database {self.description.name}",
            lambda: self.execute("SELECT 1", SUPERUSER, SUPERUSER),
        )

    def stop(self) -> None:
        """Stop the server without waiting for its clients."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End the server as a crash does."""
        self._end(signal.SIGKILL)

    def move_to(self, port: int) -> None:
        """Restart the server at another port, such as that of the primary whose place it takes."""
        self.stop()
        self.description.port = port
        self.start()

    def remove(self) -> None:
        """Stop the server and delete everything of it. May be repeated."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def connect(
        self, user: str = ADMINISTRATOR, database: str | None = None
    ) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        """Connect through the server's own folder; each statement is a transaction."""
        with psycopg.connect(
            host=str(self.folder),
            port=self.description.port,
            user=user,
            dbname=database or self.description.database,
            autocommit=True,
        ) as connection:
            yield connection

    def execute(
        self, statements: str, user: str = ADMINISTRATOR, database: str | None = None
    ) -> Sequence[tuple[Any, ...]]:
        """Run statements; return the rows of the last one."""
        with self.connect(user, database) as connection:
            cursor = connection.execute(statements.encode())
            while cursor.nextset():
                pass
            return cursor.fetchall() if cursor.description else []

    def run_as_administrator(self, script: str) -> None:
        """Run the SQL of `make source-sql`.

        Before version 16 it is run as the superuser: no other role may give REPLICATION.
        """
        grantable = self.description.version >= REPLICATION_IS_GRANTABLE
        self.execute(script, ADMINISTRATOR if grantable else SUPERUSER)

    def standby(self, name: str, port: int) -> SampleServer:
        """Create a standby that follows this server, and start it."""
        changed = {"name": name, "port": port, "primary": self.description.name}
        standby = SampleServer(self._root, self.description.model_copy(update=changed, deep=True))
        standby._make_folder()
        self.execute(
            f"SELECT pg_create_physical_replication_slot('{name}', true)", SUPERUSER, SUPERUSER
        )
        for file in ("tls.crt", "tls.key"):
            standby.write(file, (self.folder / file).read_text())
        with self.connect(SUPERUSER, SUPERUSER) as connection:
            copy_running(connection, self.data, standby.data)
        (standby.data / "standby.signal").touch()
        unprivileged.give(standby.folder)
        standby.start()
        return standby

    def promote(self) -> None:
        """Make the standby a primary."""
        self.execute(f"SELECT pg_promote(true, {STANDBY_SECONDS})", SUPERUSER, SUPERUSER)
        self.description.primary = None
        self._save()

    def write(self, name: str, text: str) -> None:
        """Write a private file of the server's."""
        unprivileged.write(self.folder / name, text)

    def _primary(self) -> Description | None:
        primary = self.description.primary
        return SampleServer.open(primary, self._root).description if primary else None

    def _make_folder(self) -> None:
        if self.folder.exists():
            raise UserError(
                f"the sample database {self.description.name} exists already; remove it first:"
                f" bin/datapipe sample-databases remove {self.description.name}"
            )
        self._root.mkdir(parents=True, exist_ok=True, mode=0o755)
        self.folder.mkdir(mode=0o700)
        unprivileged.give(self.folder)
        self._save()

    def _save(self) -> None:
        self.write("server.json", self.description.model_dump_json(indent=1))

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(programs(self.description.version) / program), "-D", str(self.data), *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            **unprivileged.process(),
        )
        if done.returncode != 0:
            raise UserError(f"{program} failed: {done.stderr.strip()}")

    def _create_database(self) -> None:
        described = self.description
        replication = "REPLICATION" if described.version >= REPLICATION_IS_GRANTABLE else ""
        self.execute(
            f"CREATE ROLE {ADMINISTRATOR} LOGIN CREATEROLE {replication}"
            f" PASSWORD '{described.password}'",
            SUPERUSER,
            SUPERUSER,
        )
        self.execute(
            f"CREATE DATABASE {described.database} OWNER {ADMINISTRATOR}", SUPERUSER, SUPERUSER
        )
        # As it is by default before version 15.
        self.execute(f"GRANT ALL ON SCHEMA public TO {ADMINISTRATOR}", SUPERUSER)

    def _end(self, number: signal.Signals) -> None:
        process = self.process()
        if process is None:
            return
        os.kill(process, number)
        poll_until(
            lambda: not _runs(process),
            timeout=STOP_SECONDS,
            interval=0.1,
            description=f"the sample database {self.description.name} to end",
        )
        if number is signal.SIGKILL:
            # Its processes end when they see that their parent is gone; the next start waits for
            # them, as they hold the shared memory.
            time.sleep(1)


def servers(root: Path | None = None) -> list[str]:
    """Return the names of the sample databases that exist."""
    root = root or default_root()
    return sorted(file.parent.name for file in root.glob("*/server.json"))


def _runs(process: int) -> bool:
    with suppress(ChildProcessError):  # started by another command
        os.waitpid(process, os.WNOHANG)
    return Path(f"/proc/{process}").exists()
