"""An audit trigger in PostgreSQL that replaces the archive in tests: it keeps every change."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import sql
from psycopg.rows import dict_row

from clients.database import Row
from tests.unit.postgres_server import PostgresServer, running_server
from workload.changes import as_archived
from workload.schema import CHILDREN
from workload.source import Connect

TABLES = tuple(f"public.{table}" for table in CHILDREN)
AUDIT = """
CREATE TABLE audit (number bigserial, lsn bigint, tab text, op text, content jsonb);
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit (lsn, tab, op, content) VALUES (
        pg_current_wal_insert_lsn() - '0/0'::pg_lsn, TG_TABLE_NAME,
        CASE TG_OP WHEN 'INSERT' THEN 'c' WHEN 'UPDATE' THEN 'u' ELSE 'd' END,
        to_jsonb(CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END));
    RETURN NULL;
END $$;
"""


@contextmanager
def audited_server() -> Iterator[PostgresServer]:
    """Run a server with the sample schema, of which every change is kept."""
    with running_server() as server:
        assert server.apply(TABLES).returncode == 0
        server.execute(AUDIT)
        for table in CHILDREN:
            server.execute(
                f"CREATE TRIGGER kept AFTER INSERT OR UPDATE OR DELETE ON {table}"
                " FOR EACH ROW EXECUTE FUNCTION keep()"
            )
        yield server


def connect_to(server: PostgresServer) -> Connect:
    """Return what opens a connection as the clients' does."""

    def connect() -> AbstractContextManager[psycopg.Connection[Row]]:
        connection: Any = server.connect("postgres")
        connection.row_factory = dict_row
        return closing(connection)

    return connect


def archived(connect: Connect, table: str, columns: Sequence[str], since_lsn: int = 0) -> pa.Table:
    """Return what an archive would hold of a table's columns, in Debezium's types."""
    query = sql.SQL(
        "SELECT lsn, op, r.* FROM audit, jsonb_populate_record(NULL::{}, content) AS r"
        " WHERE tab = %s AND lsn >= %s ORDER BY number"
    ).format(sql.Identifier(table))
    with connect() as connection:
        rows = connection.execute(query, [table, since_lsn]).fetchall()
    values: dict[str, Any] = {
        column: [as_archived(row[column]) for row in rows] for column in columns
    }
    values["__op"] = [row["op"] for row in rows]
    values["__deleted"] = ["true" if row["op"] == "d" else "false" for row in rows]
    values["__source_lsn"] = [row["lsn"] for row in rows]
    return pa.table(values)


class AuditArchive:
    """The audit as an archive; a test can change what is read from it."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self.alter: Callable[[str, pa.Table], pa.Table] = lambda _table, rows: rows

    def changes(
        self, table: str, since_lsn: int = 0, columns: tuple[str, ...] | None = None
    ) -> pa.Table:
        name = table.rsplit(".", maxsplit=1)[-1]
        if columns is None:
            with self._connect() as connection:
                found = connection.execute(
                    "SELECT column_name FROM information_schema.columns WHERE table_name = %s",
                    [name],
                ).fetchall()
            columns = tuple(str(row["column_name"]) for row in found)
        return self.alter(table, archived(self._connect, name, columns, since_lsn))

    def location(self, table: str) -> str:
        return f"s3://bucket/{table}/"
