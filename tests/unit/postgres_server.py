"""A real PostgreSQL, run with the files that the source layer renders, for the tests."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg

from components.config.source import SourceSettings
from components.sizing import DEFAULT_RESOURCES, Sizing
from components.source import configuration
from components.source.certificate import issue
from components.source.configuration import pg_hba_conf, postgresql_conf
from components.source.schema import account_script, database_script, variable
from components.source.server import psql_command
from sample_databases import unprivileged
from sample_databases.launch import launch
from tests.requirements import postgres_bin

INITIALIZE = Path(configuration.__file__).parent / "initialize.sh"
# Far more than on an idle machine: two cores run the tests of a deployed pipeline at the same time.
STOP_SECONDS = 120


@dataclass
class PostgresServer:
    """A server in a folder of its own, and the ways into it."""

    folder: Path
    settings: SourceSettings
    passwords: dict[str, str] = field(
        default_factory=lambda: {"postgres": "first-of-postgres", "debezium": "first-of-debezium"}
    )
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def write_files(self) -> None:
        """Write the files of the ConfigMap and the Secrets."""
        certificate = issue(["localhost", "127.0.0.1"], days=1)
        files = {
            "postgresql.conf": postgresql_conf(
                self.settings, DEFAULT_RESOURCES["postgresql"], Sizing().postgresql_storage
            ),
            "pg_hba.conf": pg_hba_conf(self.settings),
            "ca.crt": certificate["ca_certificate"],
            "tls.crt": certificate["certificate"],
            "tls.key": certificate["private_key"],
        }
        for name, text in files.items():
            unprivileged.write(self.folder / name, text)
        unprivileged.write(self.folder / "postgres", self.passwords["postgres"])

    def leave_behind(self, name: str) -> Path:
        """Return a folder with a part of a data directory, as a killed initdb leaves it."""
        path = self.folder / name
        path.mkdir()
        (path / "PG_VERSION").write_text("15")
        unprivileged.give(path)
        return path

    def initialize(self) -> str:
        """Run the init container's script. Returns what it said."""
        environment = {
            "PATH": os.environ["PATH"],
            "POSTGRES_BIN": str(postgres_bin()),
            "PGDATA": str(self.folder / "pgdata"),
            "SUPERUSER_PASSWORD_FILE": str(self.folder / "postgres"),
        }
        return self._run(["sh", str(INITIALIZE)], environment).stdout

    def with_settings(self, **changed: object) -> "PostgresServer":
        """Return the same server, whose schema is applied with other settings."""
        return replace(self, settings=self.settings.model_copy(update=changed))

    def start(self) -> None:
        """Start the server as the StatefulSet does; only its paths are this folder's."""
        paths = {
            "config_file": self.folder / "postgresql.conf",
            "hba_file": self.folder / "pg_hba.conf",
            "ssl_cert_file": self.folder / "tls.crt",
            "ssl_key_file": self.folder / "tls.key",
            "unix_socket_directories": self.folder,
        }
        options = [word for name, path in paths.items() for word in ("-c", f"{name}={path}")]
        self.process = launch(
            [f"{postgres_bin()}/postgres", "-D", str(self.folder / "pgdata"), *options],
            self.folder / "log",
            "PostgreSQL",
            lambda: psycopg.connect(
                host=str(self.folder), port=self.port, user="postgres", dbname="postgres"
            ).close(),
        )

    def stop(self) -> float:
        """Ask for the shutdown that preStop asks for. Returns the seconds it took."""
        assert self.process is not None
        begun = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=STOP_SECONDS)
        return time.monotonic() - begun

    @property
    def port(self) -> str:
        return str(self.settings.port)

    def apply(self, tables: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        """Apply schema and account as their resources do; the caller judges the result."""
        applied = self.apply_schema(tables)
        if applied.returncode != 0:
            return applied
        return self.make_account("debezium", tables)

    def apply_schema(self, tables: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        """Apply the schema alone."""
        password = variable("superuser_password", self.passwords["postgres"])
        return self.psql(password + database_script(self.settings, tables))

    def make_account(
        self, account: str, tables: tuple[str, ...]
    ) -> subprocess.CompletedProcess[str]:
        """Make an account of change data capture with its password of `passwords`."""
        password = variable("password", self.passwords[account])
        return self.psql(password + account_script(self.settings, account, tables))

    def psql(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script as the source layer does in the server's pod."""
        command = psql_command(str(postgres_bin()), self.settings.port)
        command = [word.replace(configuration.SOCKET, str(self.folder)) for word in command]
        environment = {"PATH": os.environ["PATH"]}
        # like Kubernetes' exec, keep standard input open: the script itself must end psql
        keep_open, feed = os.pipe()
        # While psql reads: a pipe has room for 8 KiB only where its user has many.
        feeding = Thread(target=_write_all, args=(feed, script.encode()), daemon=True)
        feeding.start()
        try:
            return self._run(command, environment, stdin=keep_open, check=False)
        finally:
            os.close(keep_open)  # a script that psql did not read to its end is not waited for
            feeding.join(STOP_SECONDS)
            os.close(feed)

    def connect(self, user: str, **options: str) -> psycopg.Connection[tuple[Any, ...]]:
        """Connect as a client outside the pod does: by TCP, with TLS and a password."""
        given = {
            "host": "localhost",
            "port": self.port,
            "dbname": self.settings.database,
            "user": user,
            "password": self.passwords.get(user, ""),
            "sslmode": "verify-full",
            "sslrootcert": str(self.folder / "ca.crt"),
            "connect_timeout": "5",
            # What a test waits for that has no end, such as a transaction that was left open.
            "options": "-c lock_timeout=120s",
        }
        return psycopg.connect(**{**given, **options}, autocommit=True)  # type: ignore[arg-type]

    def query(self, statement: str, user: str = "postgres") -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""
        with self.connect(user) as connection:
            return connection.execute(statement).fetchall()

    def execute(self, statement: str, user: str = "postgres") -> None:
        """Run a statement that gives no rows."""
        with self.connect(user) as connection:
            connection.execute(statement)

    def _run(
        self,
        command: list[str],
        environment: dict[str, str],
        stdin: int = subprocess.DEVNULL,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=environment,
            stdin=stdin,
            capture_output=True,
            text=True,
            check=check,
            timeout=240,
            cwd=self.folder,
            **unprivileged.process(),
        )


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def new_server(**settings: object) -> Iterator[PostgresServer]:
    """Yield a server with its files in its own folder, not initialized; remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="datapipe-postgresql-"))
    unprivileged.give(folder)
    server = PostgresServer(folder, SourceSettings(port=free_port(), **settings))
    try:
        server.write_files()
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            server.stop()
        shutil.rmtree(folder)


@contextmanager
def running_server(**settings: object) -> Iterator[PostgresServer]:
    """Yield a started server."""
    with new_server(**settings) as server:
        server.initialize()
        server.start()
        yield server


def _write_all(pipe: int, content: bytes) -> None:
    """Write everything to a pipe, or what its reader takes."""
    with suppress(BrokenPipeError):
        while content:
            content = content[os.write(pipe, content) :]
