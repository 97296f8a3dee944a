"""A server that the program does not manage; its administrator is not a superuser."""

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from components.config.existing_source import ExistingSource
from components.source.certificate import issue
from components.source.existing.statements import preparation
from polling import NotReadyError, poll_until
from sample_databases import unprivileged
from sample_databases.configuration import SLOTS_ARE_LIMITED
from sample_databases.programs import programs
from sample_databases.server import REPLICATION_IS_GRANTABLE
from tests.unit.postgres_server import free_port

START_SECONDS = 30
DATABASE, PASSWORD = "shop", "hunter2-and-more"
CERTIFICATE_DAYS = 90
# Databases of other people's: nothing is the program's.
SCHEMA = """
CREATE TABLE public.users (id int PRIMARY KEY, name text, born date);
CREATE SCHEMA sales;
CREATE TABLE sales.orders (id bigint PRIMARY KEY, total numeric(10, 2), at timestamptz);
INSERT INTO public.users SELECT n, 'user ' || n, date '1990-01-01' + n
    FROM generate_series(1, 50) AS n;
INSERT INTO sales.orders SELECT n, n * 1.5, now() FROM generate_series(1, 50) n;
"""


@dataclass
class ExistingServer:
    """A server with the database `shop`, which belongs to the role `dba`."""

    version: int
    folder: Path
    port: int
    host: str
    network: str
    certificate: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    def source(self, **changed: Any) -> ExistingSource:
        """Return the source as a stack file would name it."""
        given = {
            "host": self.host,
            "port": self.port,
            "database": DATABASE,
            "password": PASSWORD,
            "caCertificate": self.certificate["ca_certificate"],
            "networks": [self.network],
            "tables": {"public.users": {}, "sales.orders": {}},
        }
        return ExistingSource.model_validate({**given, **changed})

    def execute(self, statements: str, user: str = "dba", database: str = DATABASE) -> list[Any]:
        """Run statements; return the rows of the last one."""
        with psycopg.connect(
            host=str(self.folder),
            port=self.port,
            user=user,
            dbname=database,
            autocommit=True,
        ) as connection:
            cursor = connection.execute(statements.encode())
            while cursor.nextset():
                pass
            return cursor.fetchall() if cursor.description else []

    def prepare(self, source: ExistingSource | None = None) -> None:
        """Run the SQL of make source-sql: as dba, except for REPLICATION before version 16."""
        account, tables = preparation("shop", source or self.source())
        superuser = self.version < REPLICATION_IS_GRANTABLE
        self.execute(account.sql, "postgres" if superuser else "dba")
        self.execute(tables.sql, "dba")

    def start(self, **settings: str) -> None:
        """Start the server, with settings that differ from the usual ones."""
        given = {
            "port": str(self.port),
            "listen_addresses": f"localhost,{self.host}",
            "unix_socket_directories": str(self.folder),
            "wal_level": "logical",
            "max_replication_slots": "4",
            "max_wal_senders": "4",
            "fsync": "off",
            "shared_buffers": "16MB",
            "ssl": "on",
            "ssl_cert_file": str(self.folder / "tls.crt"),
            "ssl_key_file": str(self.folder / "tls.key"),
            "hba_file": str(self.folder / "pg_hba.conf"),
            **({"max_slot_wal_keep_size": "1GB"} if self.version >= SLOTS_ARE_LIMITED else {}),
            **settings,
        }
        options = [word for name, value in given.items() for word in ("-c", f"{name}={value}")]
        self.process = subprocess.Popen(
            [str(programs(self.version) / "postgres"), "-D", str(self.folder / "data"), *options],
            stderr=(self.folder / "log").open("ab"),
            stdout=subprocess.DEVNULL,
            **unprivileged.process(),
        )
        poll_until(
            self._accepts,
            timeout=START_SECONDS,
            interval=0.1,
            description="the server to accept connections",
        )

    def _accepts(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise RuntimeError((self.folder / "log").read_text())
        try:
            self.execute("SELECT 1", "postgres", "postgres")
        except psycopg.OperationalError as error:
            raise NotReadyError(str(error)) from None
        return True

    def stop(self) -> None:
        """Stop the server without waiting for its clients."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=START_SECONDS)

    @contextmanager
    def restarted(self, **settings: str) -> Iterator["ExistingServer"]:
        """Yield the server with other settings; restore it afterwards."""
        self.stop()
        try:
            self.start(**settings)
            yield self
        finally:
            self.stop()
            self.start()

    def write(self, name: str, text: str) -> None:
        """Write a file of the server's."""
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        unprivileged.give(path)


HBA = """local all all trust
hostssl all all {network} scram-sha-256
"""


@contextmanager
def existing_server(
    version: int,
    *,
    encoding: str = "UTF8",
    host: str = "localhost",
    network: str = "127.0.0.0/8",
    **settings: str,
) -> Iterator[ExistingServer]:
    """Yield a running server of a major version with other people's tables, not prepared.

    It listens at `host`, and takes clients of `network`.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"datapipe-postgresql-{version}-"))
    unprivileged.give(folder)
    certificate = issue(["localhost", "127.0.0.1", host], days=CERTIFICATE_DAYS)
    server = ExistingServer(version, folder, free_port(), host, network, certificate)
    try:
        server.write("tls.crt", server.certificate["certificate"])
        server.write("tls.key", server.certificate["private_key"])
        server.write("pg_hba.conf", HBA.format(network=network))
        subprocess.run(
            [
                str(programs(version) / "initdb"),
                *("-D", str(folder / "data"), "-U", "postgres", "--auth=trust", "--no-sync"),
                *(f"--encoding={encoding}", "--locale=C"),
            ],
            check=True,
            capture_output=True,
            **unprivileged.process(),
        )
        server.start(**settings)
        may_replicate = "REPLICATION" if version >= REPLICATION_IS_GRANTABLE else ""
        server.execute(
            "ALTER SYSTEM SET password_encryption = 'scram-sha-256'", "postgres", "postgres"
        )
        server.execute("SELECT pg_reload_conf()", "postgres", "postgres")
        server.execute(f"CREATE ROLE dba LOGIN CREATEROLE {may_replicate}", "postgres", "postgres")
        server.execute(f"CREATE DATABASE {DATABASE} OWNER dba", "postgres", "postgres")
        # As it is by default before 15.
        server.execute("GRANT ALL ON SCHEMA public TO dba", "postgres")
        server.execute(SCHEMA)
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
