"""Sample databases outlive their command, take TLS clients only, survive kills, and fail over."""

from pathlib import Path

import psycopg
import pytest

from components.config.existing_source import ExistingSource
from components.source.existing.doctor import examine
from components.source.existing.reach import way_to
from components.source.existing.statements import preparation_script
from components.source.existing.vantage import ThisMachine
from sample_databases import shop, stack_file, tpch
from sample_databases.server import SampleServer
from sample_databases.tpch_load import TpchLoad
from tests.sample_databases.conftest import NewServer
from tests.unit.postgres_server import free_port
from tools.errors import UserError

pytestmark = pytest.mark.postgres_versions

OLD, NEW = 13, 17


def source_of(server: SampleServer) -> ExistingSource:
    """Return the source as a stack file has it."""
    entry = {**stack_file.section(server), "networks": ["127.0.0.0/8"]}
    return ExistingSource.model_validate({**entry, "password": server.description.account_password})


@pytest.mark.parametrize("version", [OLD, NEW])
def test_the_shop_can_be_captured_after_the_sql_of_source_sql(
    new_server: NewServer, version: int
) -> None:
    server = new_server("shop", version)
    shop.fill(server)
    source = source_of(server)

    server.run_as_administrator(preparation_script("shop", source))

    found = examine(way_to("shop", source, ThisMachine()), avro_names=False, entries={})
    assert [str(each) for each in found if each.level == "refused"] == []


def test_tpch_can_be_captured_and_its_load_leaves_the_orders_that_it_found(
    new_server: NewServer,
) -> None:
    server = new_server("tpch", NEW)
    steps: list[str] = []
    tpch.fill(server, 0.01, steps.append)
    assert [step for step in steps if step.endswith(" into lineitem")] == [
        "copying 7 MiB into lineitem"
    ]
    source = source_of(server)
    server.run_as_administrator(preparation_script("tpch", source))
    counted = "SELECT count(*), (SELECT count(*) FROM lineitem) FROM orders"
    before = server.execute(counted)

    done = TpchLoad(server, rate=50_000).run(2)

    assert before[0][0] == 15_000
    assert server.execute(counted) == before
    assert done.inserted == done.deleted > 0
    assert done.updated == done.inserted
    found = examine(way_to("tpch", source, ThisMachine()), avro_names=False, entries={})
    assert [str(each) for each in found if each.level == "refused"] == []


def test_a_load_deletes_what_a_killed_one_left(new_server: NewServer) -> None:
    server = new_server("tpch", NEW)
    steps: list[str] = []
    tpch.fill(server, 0.01, steps.append)
    assert [step for step in steps if step.endswith(" into lineitem")] == [
        "copying 7 MiB into lineitem"
    ]
    server.execute(
        "INSERT INTO orders SELECT o_orderkey + 8, o_custkey, o_orderstatus, o_totalprice,"
        " o_orderdate, o_orderpriority, o_clerk, o_shippriority, o_comment FROM orders LIMIT 7"
    )

    TpchLoad(server, rate=1000).run(0.5)

    assert server.execute("SELECT count(*) FROM orders") == [(15_000,)]


def test_only_clients_with_tls_and_a_password_connect(
    new_server: NewServer, tmp_path: Path
) -> None:
    described = new_server("shop", NEW).description
    authority = tmp_path / "ca.crt"
    authority.write_text(described.ca_certificate)
    given = {
        "host": "localhost",
        "port": described.port,
        "dbname": "shop",
        "user": "dba",
        "password": described.password,
        "sslrootcert": str(authority),
    }
    psycopg.connect(**given, sslmode="verify-full").close()  # type: ignore[arg-type]  # as libpq
    for refused in ({"sslmode": "disable"}, {"sslmode": "verify-full", "password": "another"}):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(**{**given, **refused})  # type: ignore[arg-type]  # as libpq


@pytest.mark.parametrize("version", [OLD, NEW])
def test_a_killed_server_starts_again_with_its_rows_and_settings(
    new_server: NewServer, root: Path, version: int
) -> None:
    server = new_server("shop", version)
    server.stop()
    server.start(max_slot_wal_keep_size="64MB")
    server.execute("CREATE TABLE kept AS SELECT 1 AS n")

    server.kill()
    assert server.process() is None
    again = SampleServer.open("shop", root)
    again.start()

    assert again.execute("SELECT n FROM kept") == [(1,)]
    assert again.execute("SHOW max_slot_wal_keep_size") == [("64MB",)]


@pytest.mark.parametrize("version", [OLD, NEW])
def test_a_standby_follows_and_takes_the_primarys_place(
    new_server: NewServer, version: int
) -> None:
    primary = new_server("shop", version)
    primary.execute("CREATE TABLE followed AS SELECT 1 AS n")
    port = primary.description.port
    standby = primary.standby("standby", free_port())
    assert standby.execute("SELECT pg_is_in_recovery(), n FROM followed") == [(True, 1)]

    primary.kill()
    standby.promote()
    standby.move_to(port)

    standby.execute("INSERT INTO followed VALUES (2)")
    assert standby.execute("SELECT count(*) FROM followed") == [(2,)]


def test_removing_leaves_no_process_and_no_file(new_server: NewServer, root: Path) -> None:
    server = new_server("shop", NEW)
    process = server.process()

    server.remove()

    assert process is not None
    assert not Path(f"/proc/{process}").exists()
    assert list(root.iterdir()) == []


def test_a_database_that_does_not_exist_is_named_with_those_that_do(
    new_server: NewServer, root: Path
) -> None:
    new_server("shop", NEW)
    with pytest.raises(UserError, match="no sample database crm; there are: shop"):
        SampleServer.open("crm", root)


def test_a_server_that_does_not_start_says_why(new_server: NewServer) -> None:
    server = new_server("shop", NEW)
    server.stop()
    with pytest.raises(UserError, match="shared_buffers"):
        server.start(shared_buffers="none")


def test_a_scale_factor_that_is_too_low_is_refused(new_server: NewServer) -> None:
    with pytest.raises(UserError, match=r"0\.001 is not a valid scale factor; allowed: 0\.01"):
        tpch.fill(new_server("tpch", NEW), 0.001, print)


def test_a_version_that_is_not_pinned_is_refused(new_server: NewServer, root: Path) -> None:
    with pytest.raises(
        UserError, match="11 is not a PostgreSQL version that is pinned; allowed: 12"
    ):
        new_server("shop", 11)
    assert list(root.iterdir()) == []
