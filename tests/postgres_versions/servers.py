"""A sample server as a database that others own: nothing in it is the program's."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.config.existing_source import ExistingSource
from components.source.certificate import issue
from components.source.existing.statements import preparation
from sample_databases.configuration import Description
from sample_databases.server import SampleServer
from tests.unit.postgres_server import free_port

DATABASE, PASSWORD = "shop", "hunter2-and-more"
CERTIFICATE_DAYS = 90
SCHEMA = """
CREATE TABLE public.users (id int PRIMARY KEY, name text, born date);
CREATE SCHEMA sales;
CREATE TABLE sales.orders (id bigint PRIMARY KEY, total numeric(10, 2), at timestamptz);
INSERT INTO public.users SELECT n, 'user ' || n, date '1990-01-01' + n
    FROM generate_series(1, 50) AS n;
INSERT INTO sales.orders SELECT n, n * 1.5, now() FROM generate_series(1, 50) n;
"""


class ExistingServer(SampleServer):
    """A server with the database `shop`, which belongs to the role `dba`."""

    @property
    def version(self) -> int:
        """The major version."""
        return self.description.version

    @property
    def port(self) -> int:
        """The port that it listens at."""
        return self.description.port

    def source(self, **changed: Any) -> ExistingSource:
        """Return the source as a stack file would name it."""
        given = {
            "host": self.description.host,
            "port": self.port,
            "database": DATABASE,
            "password": PASSWORD,
            "caCertificate": self.description.ca_certificate,
            "networks": list(self.description.networks),
            "tables": {"public.users": {}, "sales.orders": {}},
        }
        return ExistingSource.model_validate({**given, **changed})

    def prepare(self, source: ExistingSource | None = None) -> None:
        """Run the SQL of make source-sql."""
        account, tables = preparation("shop", source or self.source())
        self.run_as_administrator(account.sql)
        self.execute(tables.sql)

    @contextmanager
    def restarted(self, **settings: str) -> Iterator["ExistingServer"]:
        """Yield the server with other settings; restore it afterwards."""
        usual = dict(self.description.settings)
        self.stop()
        try:
            self.start(**settings)
            yield self
        finally:
            self.stop()
            self.description.settings = usual
            self.start()


@contextmanager
def existing_server(
    version: int, *, encoding: str = "UTF8", **settings: str
) -> Iterator[ExistingServer]:
    """Yield a running server of a major version with other people's tables, not prepared."""
    root = Path(tempfile.mkdtemp(prefix=f"datapipe-postgresql-{version}-"))
    root.chmod(0o755)
    certificate = issue(["localhost", "127.0.0.1"], days=CERTIFICATE_DAYS)
    description = Description(
        name="shop",
        version=version,
        port=free_port(),
        database=DATABASE,
        encoding=encoding,
        host="localhost",
        networks=("127.0.0.0/8",),
        password=PASSWORD,
        account_password=PASSWORD,
        ca_certificate=certificate["ca_certificate"],
        settings=settings,
    )
    try:
        server = ExistingServer.create(description, certificate, root)
        try:
            server.execute(SCHEMA)
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(root)
