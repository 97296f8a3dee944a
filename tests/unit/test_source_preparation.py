"""The SQL of make source-sql prepares servers of every version; no owner of tables is superuser."""

from collections.abc import Iterator
from typing import Any

import pytest

from components.source.existing.doctor import examine
from components.source.existing.problem import Problem, UnreachableError
from components.source.existing.reach import way_to
from components.source.existing.server_checks import VERSIONS
from components.source.existing.statements import preparation
from components.source.existing.vantage import ThisMachine
from sample_databases.configuration import SLOTS_ARE_LIMITED
from sample_databases.programs import releases
from tests.postgres_versions.servers import ExistingServer, existing_server

pytestmark = pytest.mark.postgres_versions

CAPTURED = [version for version in sorted(releases()) if version in VERSIONS]


def found(server: ExistingServer, **changed: Any) -> list[Problem]:
    way = way_to("shop", server.source(**changed), ThisMachine())
    return examine(way, avro_names=True, entries={})


@pytest.mark.parametrize("version", CAPTURED)
def test_after_the_sql_nothing_is_wrong(version: int) -> None:
    with existing_server(version) as server:
        with pytest.raises(UnreachableError, match="password"):
            found(server)
        server.prepare()
        server.prepare()
        expected = ["warning", "not checked"] if version < SLOTS_ARE_LIMITED else ["not checked"]
        assert [problem.level for problem in found(server)] == expected


@pytest.fixture(scope="module")
def server() -> Iterator[ExistingServer]:
    with existing_server(16) as running:
        yield running


@pytest.mark.parametrize("service", ["rds", "aurora"])
def test_the_master_user_of_rds_needs_no_right_of_replication(
    server: ExistingServer, service: str
) -> None:
    """A stand-in of RDS's role, membership of which replicates there and does not here."""
    source = server.source(service=service, user=f"datapipe_{service}")
    server.execute(
        "DO $$ BEGIN CREATE ROLE rds_replication; EXCEPTION WHEN duplicate_object THEN END $$;"
        f"CREATE ROLE master_{service} LOGIN CREATEROLE;"
        f"GRANT rds_replication TO master_{service} WITH ADMIN OPTION",
        "postgres",
    )
    account, tables = preparation("shop", source)
    for _ in range(2):
        server.execute(account.sql, f"master_{service}")
        server.execute(tables.sql, "dba")

    lines = found(server, service=service, user=f"datapipe_{service}")
    (refusal,) = [line for line in lines if line.level == "refused"]
    assert "may not replicate" in refusal.reason
    assert refusal.remedy == f'GRANT rds_replication TO "datapipe_{service}";'
    member = f"SELECT pg_has_role('datapipe_{service}', 'rds_replication', 'MEMBER')"
    assert server.execute(member) == [(True,)]


def test_a_cloudsqlsuperuser_prepares_cloud_sql(server: ExistingServer) -> None:
    source = server.source(service="cloud-sql", user="datapipe_cloud")
    server.execute(
        "CREATE ROLE cloudsqlsuperuser CREATEROLE REPLICATION;"
        "CREATE ROLE cloud_admin LOGIN CREATEROLE REPLICATION IN ROLE cloudsqlsuperuser",
        "postgres",
    )
    account, tables = preparation("shop", source)
    for _ in range(2):
        server.execute(account.sql, "cloud_admin")
        server.execute(tables.sql, "dba")
    (disk,) = found(server, service="cloud-sql", user="datapipe_cloud")
    assert disk.level == "not checked"
    assert "disk/utilization" in disk.remedy
