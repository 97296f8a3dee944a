"""Who gets into the deployed database, and what the account of change data capture may do there."""

import base64
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from clients.cluster import Cluster
from clients.stack import StackOutputs

# Name and password.
Account = tuple[str, str]
Session = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def superuser(outputs: StackOutputs) -> Account:
    return outputs.database.user, outputs.database_password.get_secret_value()


@pytest.fixture(scope="module")
def capture(cluster: Cluster) -> Account:
    """Debezium's own, as the worker has it."""
    data = cluster.get(f"/api/v1/namespaces/{cluster.namespace}/secrets/kafka-connect")["data"]
    name, password = (data[f"DBZ_DB_{part}"] for part in ("USERNAME", "PASSWORD"))
    return base64.b64decode(name).decode(), base64.b64decode(password).decode()


def connect(outputs: StackOutputs, account: Account, **options: Any) -> Session:
    """By the node port, with TLS by default."""
    given: dict[str, Any] = {
        "host": outputs.database.host,
        "port": outputs.database.port,
        "dbname": outputs.database.name,
        "user": account[0],
        "password": account[1],
        "sslmode": "require",
        "connect_timeout": 10,
        "autocommit": True,
    }
    return psycopg.connect(**{**given, **options})


def select_from(table: str) -> sql.Composed:
    return sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*table.split(".")))


@pytest.fixture
def session(outputs: StackOutputs, capture: Account) -> Iterator[Session]:
    """Of the account of change data capture."""
    with connect(outputs, capture) as session:
        yield session


class TestWhoGetsIn:
    @pytest.mark.parametrize("who", ["superuser", "capture"])
    def test_nobody_without_tls(
        self, outputs: StackOutputs, who: str, request: pytest.FixtureRequest
    ) -> None:
        account: Account = request.getfixturevalue(who)
        with pytest.raises(psycopg.OperationalError, match="no encryption"):
            connect(outputs, account, sslmode="disable")
        connect(outputs, account).close()

    @pytest.mark.parametrize("password", ["guessed", ""])
    @pytest.mark.parametrize("who", ["superuser", "capture"])
    def test_nobody_without_the_password(
        self, outputs: StackOutputs, who: str, password: str, request: pytest.FixtureRequest
    ) -> None:
        name, _ = request.getfixturevalue(who)
        with pytest.raises(psycopg.OperationalError, match="password"):
            connect(outputs, (name, password), passfile="/dev/null")

    def test_no_unknown_user(self, outputs: StackOutputs, superuser: Account) -> None:
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            connect(outputs, ("nobody", superuser[1]))

    @pytest.mark.parametrize("database", ["postgres", "template1"])
    def test_capture_reaches_no_other_database(
        self, outputs: StackOutputs, capture: Account, database: str
    ) -> None:
        with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
            connect(outputs, capture, dbname=database)

    def test_nobody_copies_the_whole_server(self, outputs: StackOutputs, capture: Account) -> None:
        with pytest.raises(psycopg.OperationalError, match="entry for replication"):
            connect(outputs, capture, replication="true")


class TestWhatCaptureMayDo:
    def test_it_reads_the_captured_tables(self, session: Session, outputs: StackOutputs) -> None:
        for table in outputs.tables:
            assert session.execute(select_from(table)).fetchone()

    @pytest.mark.parametrize(
        "statement",
        [
            "INSERT INTO products (name, price) VALUES ('x', 1)",
            "UPDATE users SET email = email",
            "DELETE FROM orders",
            "TRUNCATE order_items",
            "SELECT * FROM users FOR UPDATE",
            "SELECT nextval('products_id_seq')",
            "CREATE TABLE mine ()",
            "CREATE TEMPORARY TABLE mine ()",
            "CREATE SCHEMA mine",
            "CREATE VIEW mine AS SELECT 1",
            "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE EXTENSION file_fdw",
            "CREATE DATABASE mine",
            "CREATE ROLE mine",
            "CREATE PUBLICATION mine FOR ALL TABLES",
            "ALTER PUBLICATION dbz_publication DROP TABLE products",
            "ALTER TABLE users ADD COLUMN mine int",
            "ALTER TABLE users REPLICA IDENTITY DEFAULT",
            "ALTER ROLE postgres PASSWORD 'mine'",
            "ALTER SYSTEM SET log_statement = 'all'",
            "DROP TABLE users",
            "SET ROLE postgres",
            "SET SESSION AUTHORIZATION postgres",
            "SET session_replication_role = replica",
            "SELECT rolpassword FROM pg_authid",
            "SELECT * FROM pg_hba_file_rules",
            "SELECT pg_read_file('postgresql.conf')",
            "SELECT pg_ls_dir('.')",
            "SELECT lo_import('/etc/passwd')",
            "COPY users TO '/tmp/users'",
            "COPY users TO PROGRAM 'id'",
            "SELECT pg_reload_conf()",
            "SELECT pg_switch_wal()",
        ],
    )
    def test_it_may_not(self, session: Session, statement: str) -> None:
        with pytest.raises(InsufficientPrivilege):
            session.execute(statement)

    def test_it_reads_no_other_table(self, session: Session, connection: Session) -> None:
        connection.execute("CREATE SCHEMA payroll CREATE TABLE salaries (id int)")
        connection.execute("CREATE TABLE internal_notes (id int)")
        try:
            for table in ("payroll.salaries", "public.internal_notes"):
                with pytest.raises(InsufficientPrivilege):
                    session.execute(select_from(table))
        finally:
            connection.execute("DROP SCHEMA payroll CASCADE")
            connection.execute("DROP TABLE internal_notes")

    def test_it_ends_no_session_of_others(self, session: Session, connection: Session) -> None:
        [row] = connection.execute("SELECT pg_backend_pid() AS pid").fetchall()
        with pytest.raises(InsufficientPrivilege):
            session.execute("SELECT pg_terminate_backend(%s)", [row["pid"]])

    def test_it_sees_no_statement_of_others(self, session: Session) -> None:
        rows = session.execute(
            "SELECT query FROM pg_stat_activity WHERE usename <> current_user"
        ).fetchall()
        assert rows
        assert {query for (query,) in rows} <= {"<insufficient privilege>"}
