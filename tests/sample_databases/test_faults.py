"""What the faults of existing databases do to their servers."""

import pytest

from chaos.existing import faults
from chaos.existing.load import VisitLoad
from polling import poll_until
from sample_databases import shop
from sample_databases.configuration import SUPERUSER
from sample_databases.server import SampleServer
from tests.sample_databases.conftest import NewServer
from tests.unit.postgres_server import free_port

pytestmark = pytest.mark.postgres_versions

OLD = 13
SLOTS = "SELECT wal_status FROM pg_replication_slots WHERE slot_type = 'logical'"
NEW_SLOT = "SELECT pg_create_logical_replication_slot('of_the_worker', 'pgoutput')"


@pytest.fixture
def server(new_server: NewServer, monkeypatch: pytest.MonkeyPatch) -> SampleServer:
    monkeypatch.setattr(faults, "AWAY_SECONDS", 3)
    monkeypatch.setattr(faults, "ELSEWHERE", free_port())
    created = new_server("shop", OLD)
    shop.fill(created)
    created.execute(NEW_SLOT, SUPERUSER)
    return created


def injected(fault: faults.ExistingFault, server: SampleServer) -> VisitLoad:
    load = VisitLoad(server, "test")
    with load.running():
        fault.inject(load, lambda _: None)
        written = len(load.committed())
        poll_until(
            lambda: len(load.committed()) > written,
            timeout=30,
            interval=0.2,
            description="the load to go on",
        )
    return load


def test_a_killed_server_keeps_its_rows_and_its_slot(server: SampleServer) -> None:
    injected(faults.Killed(), server)
    assert [status for (status,) in server.execute(SLOTS)] == ["reserved"]


def test_a_standby_takes_the_servers_place_without_the_slot(server: SampleServer) -> None:
    port = server.description.port
    load = injected(faults.FailedOver(), server)
    assert load.server.description.name == faults.STANDBY
    assert load.server.description.port == port
    assert load.server.execute(SLOTS) == []
    # The places are changed again by a second one.
    load.server.execute(NEW_SLOT, SUPERUSER)
    assert injected(faults.FailedOver(), load.server).server.description.name == faults.SHOP


def test_a_server_that_is_away_for_too_long_has_lost_the_slot(server: SampleServer) -> None:
    port = server.description.port
    injected(faults.Unreachable(), server)
    assert [status for (status,) in server.execute(SLOTS)] == ["lost"]
    assert server.description.port == port
