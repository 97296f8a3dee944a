"""Each line of make doctor: a real server on which that check fails, and what mends it."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import psycopg
import pytest

from components.source.certificate import issue
from components.source.existing import server_checks, shared_servers, slot_checks
from components.source.existing.doctor import examine
from components.source.existing.problem import Problem, UnreachableError
from components.source.existing.reach import way_to
from components.source.existing.shared_servers import SharedServers
from components.source.existing.vantage import ThisMachine, Vantage
from tests.postgres_versions.copies import backup
from tests.postgres_versions.servers import DATABASE, ExistingServer, existing_server
from tests.unit.existing_databases import AUTHORITY

pytestmark = pytest.mark.postgres_versions

TABLES: dict[str, dict[str, Any]] = {"public.users": {}, "sales.orders": {}}
# What the archive has of a table that no check here compares.
CAPTURED: dict[str, Any] = {"public.gone": {}}


@pytest.fixture(scope="module")
def server() -> Iterator[ExistingServer]:
    with existing_server(17) as running:
        running.prepare()
        yield running


@pytest.fixture(autouse=True)
def _restored(server: ExistingServer) -> Iterator[None]:
    """Prepare the server again after each test, whatever it has left behind."""
    yield
    server.execute(
        "ALTER ROLE datapipe LOGIN REPLICATION NOSUPERUSER NOBYPASSRLS CONNECTION LIMIT -1"
        " VALID UNTIL 'infinity'; ALTER ROLE datapipe RESET ALL;"
        f"GRANT CONNECT ON DATABASE {DATABASE} TO PUBLIC;"
        "ALTER TABLE public.users DISABLE ROW LEVEL SECURITY;"
        "DROP POLICY IF EXISTS datapipe_reads ON public.users;"
        "DROP PUBLICATION IF EXISTS datapipe_shop",
        "postgres",
    )
    server.prepare()


def found(
    server: ExistingServer,
    entries: dict[str, Any] | None = None,
    vantage: Vantage | None = None,
    **changed: Any,
) -> list[Problem]:
    """Return what is wrong; TestNotChecked has what can't be looked at."""
    try:
        way = way_to("shop", server.source(**changed), vantage or ThisMachine())
        lines = examine(way, avro_names=True, entries=entries or {})
    except UnreachableError as error:
        return [error.problem]
    return [line for line in lines if line.level != "not checked"]


def the_one(server: ExistingServer, **changed: Any) -> Problem:
    problem, *others = found(server, **changed)
    assert not others, (problem, others)
    return problem


# What breaks it (by the superuser), what the line says, and who may run its remedy.
BY_SQL = {
    "publication": (
        "DROP PUBLICATION datapipe_shop",
        "publication datapipe_shop does not exist",
        None,
    ),
    "publication of all": (
        "DROP PUBLICATION datapipe_shop; CREATE PUBLICATION datapipe_shop FOR ALL TABLES",
        "is FOR ALL TABLES",
        "postgres",
    ),
    "member": (
        "ALTER PUBLICATION datapipe_shop DROP TABLE sales.orders",
        "sales.orders: it is not in the publication",
        "dba",
    ),
    "row filter": (
        "ALTER PUBLICATION datapipe_shop SET TABLE public.users WHERE (id > 3), sales.orders,"
        " datapipe.heartbeat",
        "public.users: the publication datapipe_shop has a row filter",
        "dba",
    ),
    "list of columns": (
        "ALTER PUBLICATION datapipe_shop SET TABLE public.users, sales.orders (id, total),"
        " datapipe.heartbeat",
        "sales.orders: the publication datapipe_shop has a list of columns",
        "dba",
    ),
    "operations": (
        "ALTER PUBLICATION datapipe_shop SET (publish = 'insert')",
        "does not publish insert, update, delete, truncate",
        "dba",
    ),
    "partitions": (
        "ALTER PUBLICATION datapipe_shop SET (publish_via_partition_root = false)",
        "publishes partitions by their own names",
        "dba",
    ),
    "replica identity": (
        "ALTER TABLE public.users REPLICA IDENTITY DEFAULT",
        "public.users: its replica identity, or a partition's, is not FULL",
        "dba",
    ),
    "select": (
        "REVOKE SELECT ON sales.orders FROM datapipe",
        "sales.orders: the account datapipe may not read it",
        "dba",
    ),
    "usage": (
        "REVOKE USAGE ON SCHEMA sales FROM datapipe",
        "sales.orders: the account datapipe may not read it",
        "dba",
    ),
    "row security": (
        "ALTER TABLE public.users ENABLE ROW LEVEL SECURITY",
        "public.users: row level security hides rows",
        "dba",
    ),
    "heartbeat's right": (
        "REVOKE INSERT ON datapipe.heartbeat FROM datapipe",
        "can't write to datapipe.heartbeat",
        "dba",
    ),
    "heartbeat's table": (
        "DROP TABLE datapipe.heartbeat",
        "can't write to datapipe.heartbeat",
        None,
    ),
    "heartbeat's publication": (
        "ALTER PUBLICATION datapipe_shop DROP TABLE datapipe.heartbeat",
        "the publication does not contain datapipe.heartbeat",
        "dba",
    ),
    "replication": (
        "ALTER ROLE datapipe NOREPLICATION",
        "the account datapipe may not replicate",
        "dba",
    ),
    "login": ("ALTER ROLE datapipe NOLOGIN", "not permitted to log in", "dba"),
    "connect": (
        f"REVOKE CONNECT ON DATABASE {DATABASE} FROM PUBLIC",
        "database: permission denied for database",
        "dba",
    ),
    "statement_timeout": (
        "ALTER ROLE datapipe SET statement_timeout = '1h'",
        "statement_timeout is 1h for datapipe",
        "dba",
    ),
    "idle timeout": (
        "ALTER ROLE datapipe SET idle_in_transaction_session_timeout = '1min'",
        "idle_in_transaction_session_timeout is 1min",
        "dba",
    ),
    "sender timeout": (
        "ALTER ROLE datapipe SET wal_sender_timeout = '5s'",
        "wal_sender_timeout is 5s for datapipe, shorter than two",
        "dba",
    ),
    "transaction timeout": (
        "ALTER ROLE datapipe SET transaction_timeout = '1h'",
        "transaction_timeout is 1h for datapipe, which would end the reading",
        "dba",
    ),
    "session timeout": (
        "ALTER ROLE datapipe SET idle_session_timeout = '5min'",
        "idle_session_timeout is 5min for datapipe, which would end the sessions of a quiet",
        "dba",
    ),
    "read only": (
        "ALTER ROLE datapipe SET default_transaction_read_only = on",
        "default_transaction_read_only is on for datapipe, with which the heartbeat can't",
        "dba",
    ),
    "sessions": (
        "ALTER ROLE datapipe CONNECTION LIMIT 2",
        "the account datapipe may have 2 sessions, but the connector needs 4",
        "dba",
    ),
    "no session": (
        "ALTER ROLE datapipe CONNECTION LIMIT 0",
        "account: too many connections for role",
        "dba",
    ),
    "password's end": (
        "ALTER ROLE datapipe VALID UNTIL 'tomorrow'",
        "the password of datapipe is valid until ",
        "dba",
    ),
    "published schema": (
        "ALTER PUBLICATION datapipe_shop ADD TABLES IN SCHEMA sales",
        "publishes whole schemas (sales)",
        "dba",
    ),
    "superuser": ("ALTER ROLE datapipe SUPERUSER", "is a superuser", "postgres"),
}


@pytest.mark.parametrize(("broken", "reason", "mender"), BY_SQL.values(), ids=BY_SQL)
def test_what_is_wrong_is_said_with_the_sql_that_mends_it(
    server: ExistingServer, broken: str, reason: str, mender: str | None
) -> None:
    server.execute(broken, "postgres")
    problem = the_one(server)
    assert reason in problem.reason
    if mender:
        server.execute(problem.remedy.partition(" then run section 2")[0], mender)
    if mender is None or "make source-sql SOURCE=shop" in problem.remedy:
        server.prepare()
    assert found(server) == []


# A policy applies to the members of a role, too.
@pytest.mark.parametrize("roles", ["", "TO clerks"])
def test_a_restrictive_policy_needs_more_than_a_permissive_one(
    server: ExistingServer, roles: str
) -> None:
    server.execute("CREATE ROLE clerks; GRANT clerks TO datapipe", "postgres")
    server.execute(
        "ALTER TABLE sales.orders ENABLE ROW LEVEL SECURITY;"
        "CREATE POLICY datapipe_reads ON sales.orders FOR SELECT TO datapipe USING (true);"
        f"CREATE POLICY early ON sales.orders AS RESTRICTIVE {roles} USING (id > 3)"
    )
    problem = the_one(server)
    assert problem.remedy == 'ALTER ROLE "datapipe" BYPASSRLS;'
    server.execute(problem.remedy, "postgres")
    assert found(server) == []
    server.execute(
        "ALTER ROLE datapipe NOBYPASSRLS; ALTER TABLE sales.orders DISABLE ROW LEVEL SECURITY;"
        "DROP POLICY early ON sales.orders; DROP POLICY datapipe_reads ON sales.orders;"
        "DROP ROLE clerks",
        "postgres",
    )


@contextmanager
def slot(server: ExistingServer) -> Iterator[None]:
    """Create the slot of the source as superuser; drop it at the end."""
    server.execute(
        "SELECT pg_create_logical_replication_slot('datapipe_shop', 'pgoutput')", "postgres"
    )
    try:
        yield
    finally:
        server.execute("SELECT pg_drop_replication_slot('datapipe_shop')", "postgres")


class TestTables:
    """Tables that can't be archived right, by the checks of the managed database."""

    @pytest.mark.parametrize(
        ("table", "definition", "reason", "remedy"),
        [
            (
                "no_such",
                "SELECT 1",
                "there is no such table",
                "create it, or take it off datapipe:sources.shop.tables",
            ),
            (
                "a_view",
                "CREATE VIEW a_view AS SELECT 1",
                "it is a view",
                "list the tables that it reads",
            ),
            (
                "quick",
                "CREATE UNLOGGED TABLE quick (id int)",
                "it is unlogged",
                "ALTER TABLE … SET LOGGED",
            ),
            (
                "computed",
                "CREATE TABLE computed (id int, twice int GENERATED ALWAYS AS (id * 2) STORED)",
                "column twice is generated",
                "exclude it (datapipe:sources.shop.tables.public.computed.excludedColumns)",
            ),
            ("zoned", "CREATE TABLE zoned (at timetz)", "loses the time zone", "or store text"),
        ],
    )
    def test_a_shape_that_is_refused(
        self, server: ExistingServer, table: str, definition: str, reason: str, remedy: str
    ) -> None:
        server.execute(definition)
        try:
            lines = found(server, tables={**TABLES, f"public.{table}": {}})
            (line,) = [each for each in lines if reason in each.reason]
            assert remedy in line.remedy
            assert line.level == "refused"
        finally:
            server.execute(
                "DROP VIEW IF EXISTS a_view; DROP TABLE IF EXISTS quick, computed, zoned"
            )

    def test_a_value_that_the_driver_changes(self, server: ExistingServer) -> None:
        server.execute("INSERT INTO public.users VALUES (99, 'old', '1582-10-10')")
        try:
            problem = the_one(server)
            assert (
                "public.users: column born has a date from 5 to 14 October 1582" in problem.reason
            )
            assert "datapipe:sources.shop.tables.public.users.excludedColumns" in problem.remedy
            assert found(server, entries={"public.users": {}}) != [problem]
        finally:
            server.execute("DELETE FROM public.users WHERE id = 99")

    def test_replica_identity_default_needs_a_key(self, server: ExistingServer) -> None:
        server.execute("CREATE TABLE keyless (id int)")
        try:
            lines = found(server, tables={"public.keyless": {}}, replicaIdentity="default")
            assert any("it has no primary key" in each.reason for each in lines)
        finally:
            server.execute("DROP TABLE keyless")

    def test_a_partitions_replica_identity(self, server: ExistingServer) -> None:
        tables = {**TABLES, "public.parts": {}}
        server.execute(
            "CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);"
            "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (9)"
        )
        try:
            server.prepare(server.source(tables=tables))
            assert found(server, tables=tables) == []
            server.execute("ALTER TABLE parts_1 REPLICA IDENTITY DEFAULT")
            problem = the_one(server, tables=tables)
            assert "public.parts: its replica identity, or a partition's" in problem.reason
            server.execute(problem.remedy)
            assert found(server, tables=tables) == []
        finally:
            server.execute("DROP TABLE parts")


class TestWay:
    """Which hop of the way to the server fails."""

    @pytest.mark.parametrize(
        ("changed", "reason", "remedy"),
        [
            (
                {"host": "no-such-host.invalid"},
                "DNS: no-such-host.invalid has no IPv4",
                "shop.host",
            ),
            (
                {"networks": ["10.1.0.0/16"]},
                "NetworkPolicy: localhost is 127.0.0.1",
                "shop.networks",
            ),
            (
                {"port": 1},
                "TCP: 127.0.0.1:1 can't be reached from this machine: Connection refused",
                "listen_addresses",
            ),
            ({"password": "wrong"}, "password: password authentication failed", "make source-sql"),
            ({"user": "nobody"}, "password: password authentication failed", "make source-sql"),
            ({"database": "other"}, 'database: database "other" does not exist', "shop.database"),
            (
                {"sslMode": "disable", "caCertificate": None},
                "pg_hba.conf: no pg_hba.conf entry",
                "hostssl",
            ),
        ],
        ids=["dns", "network", "tcp", "password", "user", "database", "pg_hba"],
    )
    def test_a_hop_that_fails(
        self, server: ExistingServer, changed: dict[str, Any], reason: str, remedy: str
    ) -> None:
        problem = the_one(server, **changed)
        assert reason in problem.reason
        assert remedy in problem.remedy

    def test_a_server_that_does_not_answer(self, server: ExistingServer) -> None:
        # An address of the documentation's network: no host has it.
        problem = the_one(server, host="192.0.2.1", networks=["192.0.2.0/24"])
        assert problem.reason.startswith("TCP: 192.0.2.1:")

    def test_another_authority(self, server: ExistingServer) -> None:
        problem = the_one(server, caCertificate=AUTHORITY)
        assert "none of the authorities in datapipe:sources.shop.caCertificate" in problem.reason
        assert "shop.caCertificate" in problem.remedy

    def test_a_name_that_the_certificate_lacks(self, server: ExistingServer) -> None:
        problem = the_one(server, host="127.0.0.2", networks=["127.0.0.0/8"])
        assert "certificate is not valid for '127.0.0.2'" in problem.reason
        assert "shop.host to a name that the certificate has" in problem.remedy
        assert found(server, host="127.0.0.1") == []

    def test_a_certificate_that_expires_soon(self, server: ExistingServer) -> None:
        new = issue(["localhost"], days=2)
        usual = {name: (server.folder / name).read_text() for name in ("tls.crt", "tls.key")}
        for name, text in (("tls.crt", new["certificate"]), ("tls.key", new["private_key"])):
            server.write(name, text)
        try:
            with server.restarted():
                problem = the_one(server, caCertificate=new["ca_certificate"])
                assert problem.reason.startswith("the server's certificate expires on ")
                assert problem.level == "warning"
                assert found(server, sslMode="require", caCertificate=None) == []
        finally:
            for name, text in usual.items():
                server.write(name, text)
            server.stop()
            server.start()

    def test_a_server_without_a_free_session(self, server: ExistingServer) -> None:
        where: dict[str, Any] = {"host": str(server.folder), "port": server.port}
        with server.restarted(max_connections="5"), ExitStack() as held:
            with suppress(psycopg.OperationalError):
                while True:
                    held.enter_context(psycopg.connect(user="dba", dbname=DATABASE, **where))
            problem = the_one(server)
            assert problem.reason.startswith("connections: remaining connection slots")
            assert "max_connections" in problem.remedy

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("hostssl all datapipe all reject", "pg_hba.conf rejects connection"),
            ("hostssl all datapipe all cert", "requires a valid client certificate"),
        ],
    )
    def test_a_line_of_pg_hba_that_does_not_let_the_account_in(
        self, server: ExistingServer, line: str, said: str
    ) -> None:
        usual = (server.folder / "pg_hba.conf").read_text()
        server.write("other_hba.conf", f"{line}\n{usual}")
        files = {"hba_file": "other_hba.conf", "ssl_ca_file": "tls.crt"}
        with server.restarted(**{key: str(server.folder / name) for key, name in files.items()}):
            problem = the_one(server)
            assert problem.reason.startswith("pg_hba.conf: ")
            assert said in problem.reason

    def test_a_database_that_takes_no_connections(self, server: ExistingServer) -> None:
        server.execute(f"ALTER DATABASE {DATABASE} ALLOW_CONNECTIONS false", "postgres", "postgres")
        problem = the_one(server)
        assert problem.reason.startswith("database: ")
        server.execute(problem.remedy, "postgres", "postgres")
        assert found(server) == []

    def test_a_server_without_tls(self, server: ExistingServer) -> None:
        with server.restarted(ssl="off"):
            assert "TLS: the server does not offer it" in the_one(server).reason


class TestServer:
    """Settings of the server, which need a restart."""

    def test_settings_and_full_slots(self, server: ExistingServer) -> None:
        server.execute("SELECT pg_create_physical_replication_slot('other')", "postgres")
        try:
            with server.restarted(
                wal_level="replica",
                max_replication_slots="1",
                max_wal_senders="0",
                max_slot_wal_keep_size="-1",
            ):
                lines = {each.reason.partition(" ")[0]: each for each in found(server)}
                assert lines["wal_level"].remedy.startswith(
                    "ALTER SYSTEM SET wal_level = 'logical'"
                )
                assert "all 1 replication slots are in use" in lines["all"].reason
                assert "no free WAL sender" in lines["no"].reason
                assert lines["max_slot_wal_keep_size"].level == "warning"
                rds = {each.reason.partition(" ")[0]: each for each in found(server, service="rds")}
                assert "rds.logical_replication = 1" in rds["wal_level"].remedy
        finally:
            server.execute("SELECT pg_drop_replication_slot('other')", "postgres")

    def test_a_slot_of_somebody_else(self, server: ExistingServer) -> None:
        server.execute("SELECT pg_create_physical_replication_slot('datapipe_shop')", "postgres")
        try:
            problem = the_one(server)
            assert "the slot datapipe_shop is physical, of plugin none" in problem.reason
            assert "datapipe:sources.shop.slot" in problem.remedy
        finally:
            server.execute("SELECT pg_drop_replication_slot('datapipe_shop')", "postgres")

    def test_a_slot_that_this_stack_did_not_create(self, server: ExistingServer) -> None:
        with slot(server):
            problem = the_one(server)
            assert "the slot datapipe_shop exists, but this stack does not capture" in (
                problem.reason
            )
            assert problem.level == "refused"
            assert found(server, entries=CAPTURED) == []

    def test_a_last_free_slot(self, server: ExistingServer) -> None:
        with server.restarted(max_replication_slots="1"):
            problem = the_one(server)
            assert "one replication slot of 1 is free" in problem.reason
            assert problem.level == "warning"

    def test_a_prepared_transaction(
        self, server: ExistingServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with server.restarted(max_prepared_transactions="2"):
            server.execute("BEGIN; CREATE TABLE open (); PREPARE TRANSACTION 'left'")
            assert found(server) == [], "it is not old"
            monkeypatch.setattr(slot_checks, "PREPARED_MINUTES", 0)
            problem = the_one(server)
            assert "a prepared transaction has been open since" in problem.reason
            server.execute(problem.remedy.rpartition("or ")[2])
            assert found(server) == []

    def test_a_slot_that_does_not_follow_a_failover(self, server: ExistingServer) -> None:
        server.execute(
            "SELECT pg_create_physical_replication_slot('standby');"
            "SELECT pg_create_logical_replication_slot('datapipe_shop', 'pgoutput')",
            "postgres",
        )
        try:
            problem = the_one(server, entries=CAPTURED)
            assert "does not follow a failover" in problem.reason
            assert problem.level == "warning"
        finally:
            server.execute(
                "SELECT pg_drop_replication_slot('datapipe_shop');"
                "SELECT pg_drop_replication_slot('standby')",
                "postgres",
            )

    def test_a_clock_that_differs(self, server: ExistingServer) -> None:
        class Ahead(ThisMachine):
            def clock(self) -> float:
                return time.time() + 60

        problem = the_one(server, vantage=Ahead())
        assert "the database's clock is 60 s behind that of this machine" in problem.reason
        assert problem.level == "warning"

    def test_a_lost_slot(self, server: ExistingServer) -> None:
        with server.restarted(max_slot_wal_keep_size="16MB", max_wal_size="32MB"):
            server.execute(
                "SELECT pg_create_logical_replication_slot('datapipe_shop', 'pgoutput')", "postgres"
            )
            server.execute("CREATE TABLE filler (text text)")
            fill = "INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, 20000)"
            for _ in range(5):
                server.execute(fill)
                server.execute("SELECT pg_switch_wal(); CHECKPOINT", "postgres")
            problem = the_one(server, entries=CAPTURED)
            assert "the slot datapipe_shop is lost (wal_removed)" in problem.reason
            server.execute(
                "DROP TABLE filler; SELECT pg_drop_replication_slot('datapipe_shop')", "postgres"
            )

    def test_a_slot_that_is_lost_at_the_next_checkpoint(self, server: ExistingServer) -> None:
        with server.restarted(max_slot_wal_keep_size="16MB", max_wal_size="1GB"), slot(server):
            server.execute("CREATE TABLE filler (text text)")
            server.execute(
                "INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, 60000)"
            )
            problem = the_one(server, entries=CAPTURED)
            assert "the slot datapipe_shop keeps " in problem.reason
            assert "more than max_slot_wal_keep_size (16MB), and is lost" in problem.reason
            assert problem.level == "warning"
            server.execute("DROP TABLE filler")

    def test_a_standby(self, server: ExistingServer) -> None:
        signal = server.folder / "data" / "standby.signal"
        server.stop()
        signal.touch()
        try:
            server.start()
            problem = the_one(server)
            assert "is a standby" in problem.reason
        finally:
            server.stop()
            signal.unlink()
            server.start()


class TestSharedServers:
    """Two sources that name one server by different hosts."""

    def shared(self, server: ExistingServer, copy: ExistingServer, **changed: Any) -> list[str]:
        """Return what the second source may not share with the first."""
        servers = SharedServers()
        for name, one in (
            ("crm", server.source()),
            ("shop", copy.source(host="127.0.0.1", **changed)),
        ):
            way = way_to(name, one, ThisMachine())
            lines = examine(way, avro_names=True, entries={}, servers=servers)
        return [f"{line.level}: {line}" for line in lines if "are one server" in line.reason]

    def test_one_publication(self, server: ExistingServer) -> None:
        found = self.shared(server, server, publication="datapipe_crm")
        (refused,) = [line for line in found if line.startswith("refused")]
        address = (
            f"sources.shop (127.0.0.1:{server.port}) and sources.crm (localhost:{server.port})"
        )
        assert f"{address} are one server" in refused
        assert "the publication datapipe_crm" in refused
        assert "datapipe:sources.shop.publication" in refused

    def test_one_account_with_two_passwords(self, server: ExistingServer) -> None:
        (refused,) = self.shared(server, server, password="another")
        assert "have its user datapipe with different passwords" in refused
        assert "datapipe:sources.shop.user another account" in refused
        with pytest.raises(UnreachableError, match="password authentication failed"):
            self.shared(server, server, user="other", password="another")

    def test_one_account_with_two_passwords_at_another_address(
        self, server: ExistingServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As by a proxy: the addresses do not say that both lead to one server."""
        monkeypatch.setattr(shared_servers, "_account", lambda way: way.name)
        with pytest.raises(UnreachableError) as refused:
            self.shared(server, server, password="another")
        assert (
            f"sources.crm (localhost:{server.port}) has the user datapipe with another password"
            in refused.value.problem.reason
        )
        assert "give both sources one password" in refused.value.problem.remedy
        with pytest.raises(UnreachableError) as alone:
            self.shared(server, server, user="other", password="another")
        assert "another password" not in alone.value.problem.reason

    def test_a_table_that_is_archived_twice(self, server: ExistingServer) -> None:
        (warning,) = self.shared(server, server, tables={"public.users": {}, "sales.items": {}})
        assert "public.users is captured and archived twice" in warning

    def test_tables_of_each(self, server: ExistingServer) -> None:
        assert self.shared(server, server, tables={"sales.items": {}}) == []

    def test_another_source_in_the_place_of_one_before(self, server: ExistingServer) -> None:
        servers = SharedServers()
        for publication in ("datapipe_shop", "datapipe_crm"):
            way = way_to("shop", server.source(publication=publication), ThisMachine())
            lines = examine(way, avro_names=True, entries={}, servers=servers)
            assert not any("are one server" in line.reason for line in lines)

    def test_a_copy_is_another_server(self, server: ExistingServer) -> None:
        with backup(server) as copy:
            copy.start()
            assert self.shared(server, copy, publication="datapipe_crm") == []


@pytest.mark.parametrize(
    ("versions", "reason"),
    [(range(12, 17), "is too new for Debezium 2.4.2"), (range(18, 19), "is too old: versions 18")],
)
def test_a_version_that_debezium_was_not_tried_with(
    server: ExistingServer, monkeypatch: pytest.MonkeyPatch, versions: range, reason: str
) -> None:
    monkeypatch.setattr(server_checks, "VERSIONS", versions)
    assert reason in the_one(server).reason


@pytest.fixture(scope="module")
def newest() -> Iterator[ExistingServer]:
    with existing_server(18) as running:
        yield running


class TestVersion18:
    """What PostgreSQL 18 can do to a captured table and its slot."""

    def test_generated_columns_do_not_end_the_updates_of_others(
        self, newest: ExistingServer
    ) -> None:
        newest.execute(
            "CREATE TABLE computed (id int PRIMARY KEY, v text,"
            " twice int GENERATED ALWAYS AS (id * 2) STORED);"
            "INSERT INTO computed (id) VALUES (1), (2)"
        )
        tables = {**TABLES, "public.computed": {"excludedColumns": ["twice"]}}
        newest.prepare(newest.source(tables=tables))
        newest.execute("UPDATE computed SET v = 'new' WHERE id = 1; DELETE FROM computed")
        assert found(newest, tables=tables) == []

        newest.execute("ALTER PUBLICATION datapipe_shop SET (publish_generated_columns = none)")
        problem = the_one(newest, tables=tables)
        assert "while the publication leaves out generated columns (twice)" in problem.reason
        newest.execute(problem.remedy)
        assert found(newest, tables=tables) == []

    def test_virtual_columns_are_refused_before_they_do(self, newest: ExistingServer) -> None:
        newest.execute(
            "CREATE TABLE virtual (id int PRIMARY KEY, v text,"
            " twice int GENERATED ALWAYS AS (id * 2)); INSERT INTO virtual (id) VALUES (1)"
        )
        tables = {"public.virtual": {"excludedColumns": ["twice"]}}
        with pytest.raises(psycopg.errors.RaiseException, match="whose column twice is generated"):
            newest.prepare(newest.source(tables=tables))
        lines = found(newest, tables=tables)
        (line,) = [each for each in lines if "virtual generated columns (twice)" in each.reason]
        assert "datapipe:sources.shop.replicaIdentity to default" in line.remedy
        assert not any("REPLICA IDENTITY FULL;" in each.remedy for each in lines)

        newest.prepare(newest.source(tables=tables, replicaIdentity="default"))
        newest.execute("UPDATE virtual SET v = 'new'; DELETE FROM virtual")
        assert found(newest, tables=tables, replicaIdentity="default") == []
        newest.execute("DROP TABLE virtual")

    def test_a_slot_that_is_lost_when_it_is_idle(self, newest: ExistingServer) -> None:
        newest.prepare()
        with newest.restarted(idle_replication_slot_timeout="1h"):
            problem = the_one(newest)
            assert "idle_replication_slot_timeout is 1h: the slot is lost" in problem.reason
            assert problem.level == "warning"


def test_a_partitioned_table_and_no_limit_on_12() -> None:
    with existing_server(12) as old:
        old.execute("CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id)")
        old.prepare()
        lines = found(old, tables={**TABLES, "public.parts": {}})
        assert any(
            "PostgreSQL 12 does not publish partitioned tables" in each.reason for each in lines
        )
        assert any("keeps WAL for a slot without a limit" in each.reason for each in lines)
        assert not any("has a standby" in each.reason for each in lines)
        old.execute("SELECT pg_create_physical_replication_slot('standby')", "postgres")
        assert any(
            "has a standby, and slots of PostgreSQL 12 do not follow" in each.reason
            for each in found(old)
        )


def test_an_encoding_without_characters() -> None:
    with existing_server(16, encoding="SQL_ASCII") as ascii_server:
        ascii_server.prepare()
        assert "has the encoding SQL_ASCII" in the_one(ascii_server).reason


class TestNotChecked:
    """What no account can ask for is said with where the administrator sees it."""

    def disk(self, server: ExistingServer, **changed: Any) -> Problem:
        way = way_to("shop", server.source(**changed), ThisMachine())
        (problem,) = examine(way, avro_names=True, entries={})
        assert problem.level == "not checked"
        return problem

    def test_free_disk_space(self, server: ExistingServer) -> None:
        problem = self.disk(server)
        assert problem.reason.startswith("free disk space, which PostgreSQL does not know: the")
        assert problem.reason.endswith("the slot keeps WAL up to 1GB")
        assert str(problem).endswith(". To look at it: " + problem.remedy)
        assert "df -h" in problem.remedy
        assert "FreeStorageSpace" in self.disk(server, service="rds").remedy

    def test_the_wal_that_a_member_of_pg_monitor_may_ask_for(self, server: ExistingServer) -> None:
        server.execute("GRANT pg_monitor TO datapipe", "postgres")
        try:
            assert self.disk(server).reason.endswith("MB now")
        finally:
            server.execute("REVOKE pg_monitor FROM datapipe", "postgres")
