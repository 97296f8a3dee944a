"""The source layer's files keep their promises in a real PostgreSQL 15."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from components.config.stack import SAMPLE_TABLES
from components.sizing import DEFAULT_RESOURCES, Sizing
from components.source.configuration import server_settings
from components.source.schema import database_script, revoke_script, variable
from tests.unit.postgres_server import PostgresServer, new_server, running_server

pytestmark = pytest.mark.postgresql

RESOURCES = DEFAULT_RESOURCES["postgresql"]
STORAGE = Sizing().postgresql_storage
# As `SHOW` prints them.
DESIGN_SETTINGS = {
    "wal_level": "logical",
    "max_replication_slots": "4",
    "max_wal_senders": "4",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "wal_buffers": "16MB",
    "checkpoint_completion_target": "0.9",
    "max_wal_size": "2GB",
    "ssl": "on",
}
# Settings that the tests set on the command line.
OTHER_FOLDERS = {"hba_file", "ssl_cert_file", "ssl_key_file", "unix_socket_directories"}


@pytest.fixture(scope="module")
def running() -> Iterator[PostgresServer]:
    with running_server() as server:
        yield server


@pytest.fixture
def server(running: PostgresServer) -> PostgresServer:
    """A server with the design's schema, capturing the design's tables."""
    applied = running.apply(SAMPLE_TABLES)
    assert applied.returncode == 0, applied.stderr
    return running


def first_byte(message: object) -> bytes:
    """Return the type of a message of logical replication."""
    assert isinstance(message, bytes)
    return message[:1]


def published(server: PostgresServer) -> set[str]:
    rows = server.query("SELECT schemaname || '.' || tablename FROM pg_publication_tables")
    return {str(row[0]) for row in rows}


def readable_by_debezium(server: PostgresServer) -> set[str]:
    rows = server.query(
        "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname = 'public'"
        " AND has_table_privilege('debezium', schemaname || '.' || tablename, 'SELECT')"
    )
    return {str(row[0]) for row in rows}


def test_a_script_may_be_larger_than_a_pipe(running: PostgresServer) -> None:
    """A pipe does not hold it, so it can't be written before psql runs."""
    comment = "-- " + "x" * 1020 + "\n"
    done = running.psql(comment * 1024 + "SELECT 'the end';\n\\q\n")
    assert (done.returncode, "the end" in done.stdout) == (0, True), done.stderr


class TestInitialization:
    def test_a_second_run_leaves_the_data_directory_alone(self, server: PostgresServer) -> None:
        server.execute("CREATE TABLE IF NOT EXISTS kept ()")
        assert "found a data directory" in server.initialize()
        assert server.query("SELECT to_regclass('kept')::text") == [("kept",)]
        server.execute("DROP TABLE kept")

    def test_a_killed_run_is_repeated(self) -> None:
        with new_server() as server:
            unfinished = server.leave_behind("pgdata.unfinished")
            assert "created a data directory" in server.initialize()
            assert not unfinished.exists()
            server.start()


class TestConfiguration:
    def test_every_setting_is_in_force(self, server: PostgresServer) -> None:
        rows = server.query("SELECT name FROM pg_file_settings WHERE applied AND error IS NULL")
        wanted = server_settings(server.settings, RESOURCES, STORAGE).keys()
        assert wanted - OTHER_FOLDERS <= {row[0] for row in rows}

    @pytest.mark.parametrize(("name", "value"), DESIGN_SETTINGS.items())
    def test_the_designs_values_are_in_force(
        self, server: PostgresServer, name: str, value: str
    ) -> None:
        assert server.query(f"SHOW {name}") == [(value,)]

    def test_connections_without_tls_are_refused(self, server: PostgresServer) -> None:
        with pytest.raises(psycopg.OperationalError, match="no encryption"):
            server.connect("debezium", sslmode="disable")

    def test_a_wrong_password_is_refused(self, server: PostgresServer) -> None:
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            server.connect("debezium", password="guessed")

    def test_passwords_are_kept_as_scram_verifiers(self, server: PostgresServer) -> None:
        kept = server.query("SELECT rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL")
        assert len(kept) == 2
        assert all(str(row[0]).startswith("SCRAM-SHA-256$") for row in kept)

    def test_physical_replication_is_refused(self, server: PostgresServer) -> None:
        with pytest.raises(psycopg.OperationalError, match="entry for replication"):
            server.connect("debezium", replication="true")

    def test_debezium_reaches_its_database_only(self, server: PostgresServer) -> None:
        with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
            server.connect("debezium", dbname="postgres")

    def test_shutdown_does_not_wait_for_clients(self, server: PostgresServer) -> None:
        with server.connect("postgres"):
            assert server.stop() < 5
        server.start()


class TestSchema:
    def test_applying_it_again_changes_nothing(self, server: PostgresServer) -> None:
        server.execute("INSERT INTO users (email, first_name, last_name) VALUES ('a', 'b', 'c')")
        rows = server.query("SELECT * FROM users")
        again = server.apply(SAMPLE_TABLES)
        assert (again.returncode, again.stderr) == (0, "")
        assert server.query("SELECT * FROM users") == rows
        server.execute("DELETE FROM users")

    def test_applying_it_again_waits_for_no_writer(self, server: PostgresServer) -> None:
        """It used to lock tables in another order than writers do, which deadlocked."""
        with server.connect("postgres") as writer, writer.transaction():
            for table in ("users", "products", "orders", "order_items"):
                writer.execute(f"LOCK TABLE {table} IN ROW EXCLUSIVE MODE")
            again = server.apply(SAMPLE_TABLES)
            assert (again.returncode, again.stderr) == (0, "")

    def test_an_update_sets_updated_at(self, server: PostgresServer) -> None:
        server.execute("INSERT INTO products (name, price, updated_at) VALUES ('x', 1, '2000-1-1')")
        server.execute("UPDATE products SET price = 2")
        assert server.query("SELECT updated_at > created_at FROM products") == [(True,)]
        server.execute("DELETE FROM products")

    def test_every_table_with_updated_at_has_the_trigger(self, server: PostgresServer) -> None:
        rows = server.query("SELECT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal")
        assert {row[0] for row in rows} == {"users", "products", "orders"}

    def test_a_table_is_added_and_removed_in_place(self, server: PostgresServer) -> None:
        server.execute("CREATE TABLE IF NOT EXISTS refunds (id int PRIMARY KEY)")
        assert server.apply((*SAMPLE_TABLES, "public.refunds")).returncode == 0
        assert published(server) == {*SAMPLE_TABLES, "public.refunds"}
        assert readable_by_debezium(server) == {*SAMPLE_TABLES, "public.refunds"}

        assert server.apply(SAMPLE_TABLES[:1]).returncode == 0
        assert published(server) == {"public.users"}
        assert readable_by_debezium(server) == {"public.users"}
        server.execute("DROP TABLE refunds")

    def test_each_table_has_a_publication_of_its_own_where_they_are_isolated(
        self, server: PostgresServer
    ) -> None:
        isolated = server.with_settings(isolation="per-table", max_replication_slots=10)
        assert isolated.apply(SAMPLE_TABLES).returncode == 0
        rows = server.query(
            "SELECT pubname, string_agg(schemaname || '.' || tablename, ',')"
            " FROM pg_publication_tables WHERE pubname LIKE '%\\_\\_%' GROUP BY pubname"
        )
        assert {row[0]: row[1] for row in rows} == {
            f"dbz_publication__public__{table.removeprefix('public.')}": table
            for table in SAMPLE_TABLES
        }
        for (name,) in server.query(
            "SELECT pubname FROM pg_publication WHERE pubname LIKE '%\\_\\_%'"
        ):
            server.execute(f"DROP PUBLICATION {name}")

    def test_a_missing_table_is_named_and_nothing_changes(self, server: PostgresServer) -> None:
        failed = server.apply(("public.users", "public.nowhere"))
        assert failed.returncode != 0
        assert "public.nowhere: there is no such table" in failed.stderr
        assert "datapipe:tables" in failed.stderr
        assert published(server) == set(SAMPLE_TABLES)

    @pytest.mark.parametrize(("choice", "code"), [("default", "d"), ("full", "f")])
    def test_replica_identity_is_the_chosen_one(
        self, server: PostgresServer, choice: str, code: str
    ) -> None:
        assert server.with_settings(replica_identity=choice).apply(SAMPLE_TABLES).returncode == 0
        rows = server.query(
            "SELECT DISTINCT relreplident::text FROM pg_class"
            " WHERE oid = ANY(ARRAY['users', 'products', 'orders', 'order_items']::regclass[])"
        )
        assert rows == [(code,)]

    def test_a_stack_may_bring_its_own_tables_and_md5(self) -> None:
        with running_server(sample_schema=False, password_encryption="md5") as server:
            assert "public.users: there is no such table" in server.apply(("public.users",)).stderr
            psql = server.with_settings(sample_schema=True).apply(("public.users",))
            assert psql.returncode == 0, psql.stderr
            server.execute("CREATE SCHEMA shop")
            server.execute("CREATE TABLE shop.carts (id int PRIMARY KEY)")
            assert server.apply(("shop.carts",)).returncode == 0
            assert server.query("SELECT count(*) FROM shop.carts", user="debezium") == [(0,)]

    def test_a_publication_that_was_made_by_hand_publishes_every_operation(
        self, server: PostgresServer
    ) -> None:
        by_hand = server.with_settings(publication="by_hand")
        server.execute("CREATE PUBLICATION by_hand FOR TABLE users WITH (publish = 'insert')")
        assert by_hand.apply(SAMPLE_TABLES).returncode == 0
        published = server.query(
            "SELECT pubinsert, pubupdate, pubdelete, pubtruncate, pubviaroot FROM pg_publication"
        )
        assert set(published) == {(True, True, True, True, True)}
        server.execute("DROP PUBLICATION by_hand")


class TestDebeziumAccount:
    def test_it_may_log_in_and_replicate_only(self, server: PostgresServer) -> None:
        attributes = server.query(
            "SELECT rolcanlogin, rolreplication, rolsuper, rolcreatedb, rolcreaterole, rolbypassrls"
            " FROM pg_roles WHERE rolname = 'debezium'"
        )
        assert attributes == [(True, True, False, False, False, False)]

    def test_it_reads_exactly_the_captured_tables(self, server: PostgresServer) -> None:
        server.execute("CREATE TABLE IF NOT EXISTS salaries (id int)")
        assert readable_by_debezium(server) == set(SAMPLE_TABLES)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            server.query("SELECT * FROM salaries", user="debezium")
        server.execute("DROP TABLE salaries")

    @pytest.mark.parametrize(
        "statement",
        [
            "INSERT INTO products (name, price) VALUES ('x', 1)",
            "UPDATE products SET price = 0",
            "DELETE FROM products",
            "TRUNCATE products",
            "CREATE TABLE mine ()",
            "CREATE TEMPORARY TABLE mine ()",
            "ALTER PUBLICATION dbz_publication DROP TABLE products",
            "SELECT nextval('products_id_seq')",
        ],
    )
    def test_it_can_not_write(self, server: PostgresServer, statement: str) -> None:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            server.execute(statement, user="debezium")

    def test_it_can_stream_the_publication(self, server: PostgresServer) -> None:
        with server.connect("debezium") as session:
            session.execute("SELECT pg_create_logical_replication_slot('try', 'pgoutput')")
            server.execute("INSERT INTO products (name, price) VALUES ('x', 1)")
            server.execute("DELETE FROM products")
            changes = session.execute(
                "SELECT data FROM pg_logical_slot_get_binary_changes('try', NULL, NULL,"
                " 'proto_version', '1', 'publication_names', 'dbz_publication')"
            ).fetchall()
            session.execute("SELECT pg_drop_replication_slot('try')")
        assert {first_byte(row[0]) for row in changes} >= {b"B", b"R", b"I", b"D", b"C"}


class TestPasswords:
    def test_new_ones_are_valid_after_the_schema_is_applied(self, server: PostgresServer) -> None:
        first = server.passwords
        server.passwords = {"postgres": "second-1", "debezium": "it's \\ second-2"}
        assert server.apply(SAMPLE_TABLES).returncode == 0
        for user in ("postgres", "debezium"):
            assert server.query("SELECT 1", user=user) == [(1,)]
            with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                server.connect(user, password=first[user])

    def test_any_character_but_a_line_break_may_be_in_one(self) -> None:
        assert variable("password", r"a'b\c:d`e") == r"\set password 'a''b\\c:d`e'" + "\n"
        with pytest.raises(ValueError, match="must not contain a line break"):
            variable("password", "a\nb")

    def test_they_appear_in_no_log_or_output(self, server: PostgresServer) -> None:
        done = server.apply(SAMPLE_TABLES)
        text = server.log + done.stdout + done.stderr + " ".join(done.args)
        text += database_script(server.settings, SAMPLE_TABLES)
        for password in server.passwords.values():
            assert password not in text


class TestRotation:
    """The next version's account is created, the worker uses it, and the first is dropped."""

    @pytest.fixture
    def rotating(self, server: PostgresServer) -> Iterator[PostgresServer]:
        """A server on which both accounts may log in."""
        server.passwords["debezium_2"] = "of-the-second-version"
        made = server.make_account("debezium_2", SAMPLE_TABLES)
        assert (made.returncode, made.stderr) == (0, "")
        yield server
        revoked = server.psql(revoke_script(server.settings, "debezium_2"))
        assert (revoked.returncode, revoked.stderr) == (0, "")
        assert server.apply(SAMPLE_TABLES).returncode == 0

    def test_both_are_valid_until_the_first_is_revoked(self, rotating: PostgresServer) -> None:
        for account in ("debezium", "debezium_2"):
            assert rotating.query("SELECT count(*) FROM users", user=account) == [(0,)]
        left_open = rotating.connect("debezium")

        for _ in range(2):  # the second time there is nothing to do
            revoked = rotating.psql(revoke_script(rotating.settings, "debezium"))
            assert (revoked.returncode, revoked.stdout, revoked.stderr) == (0, "", "")

        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            rotating.connect("debezium")
        with pytest.raises(psycopg.OperationalError, match="terminating connection"):
            left_open.execute("SELECT 1")
        assert rotating.query("SELECT count(*) FROM users", user="debezium_2") == [(0,)]

    def test_the_second_continues_with_the_slot_of_the_first(
        self, rotating: PostgresServer
    ) -> None:
        with rotating.connect("debezium") as first:
            first.execute("SELECT pg_create_logical_replication_slot('handed_on', 'pgoutput')")
        assert rotating.psql(revoke_script(rotating.settings, "debezium")).returncode == 0
        rotating.execute("INSERT INTO products (name, price) VALUES ('x', 1)")
        with rotating.connect("debezium_2") as second:
            changes = second.execute(
                "SELECT data FROM pg_logical_slot_get_binary_changes('handed_on', NULL, NULL,"
                " 'proto_version', '1', 'publication_names', 'dbz_publication')"
            ).fetchall()
            second.execute("SELECT pg_drop_replication_slot('handed_on')")
        rotating.execute("DELETE FROM products")
        assert b"I" in {first_byte(row[0]) for row in changes}

    def test_the_second_has_the_privileges_of_the_first(self, rotating: PostgresServer) -> None:
        rights = (
            "SELECT table_name, privilege_type FROM information_schema.role_table_grants"
            " WHERE grantee = '{}' ORDER BY 1, 2"
        )
        first, second = (rotating.query(rights.format(n)) for n in ("debezium", "debezium_2"))
        assert first == second
        assert len(first) == len(SAMPLE_TABLES)


def test_a_fully_loaded_server_stays_under_its_memory_limit(server: PostgresServer) -> None:
    """All shared memory is in use and every connection sorts at the same time."""
    [(connections,)] = server.query("SHOW max_connections")
    clients = [server.connect("postgres") for _ in range(int(str(connections)))]
    for client in clients:
        client.execute("BEGIN")
        client.execute(
            "DECLARE sorted CURSOR FOR"
            " SELECT md5(g::text) FROM generate_series(1, 40000) g ORDER BY 1"
        )
        client.execute("FETCH 1 FROM sorted")
    [(shared,)] = clients[0].execute("SHOW shared_memory_size").fetchall()
    shared_mebibytes = int(str(shared).removesuffix("MB"))
    used = shared_mebibytes + private_mebibytes(server)
    for client in clients:
        client.close()
    assert shared_mebibytes > RESOURCES.memory_limit / 2
    assert used < RESOURCES.memory_limit


def private_mebibytes(server: PostgresServer) -> float:
    """Return the MiB of the server's processes outside the shared segment."""
    assert server.process is not None
    parent = str(server.process.pid)
    found = subprocess.run(
        ["ps", "--pid", parent, "--ppid", parent, "-o", "pid="],
        capture_output=True,
        text=True,
        check=True,
    )
    kibibytes = 0
    for process in found.stdout.split():
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith(("Pss_Anon:", "Pss_File:")):
                kibibytes += int(line.split()[1])
    return kibibytes / 1024
