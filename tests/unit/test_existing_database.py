"""The resource of an existing database: what a preview refuses, and what is read again."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.source.existing import database
from components.source.existing.database import (
    READ_AGAIN,
    ExistingDatabaseProvider,
    inputs_of,
)
from components.source.existing.shared_servers import SharedServers
from components.source.existing.statements import tables_sql
from components.streaming.connectors.missed_tables import missed_tables
from tests.kubeconfig import use_kubeconfig
from tests.postgres_versions.servers import ExistingServer, existing_server

pytestmark = pytest.mark.postgres_versions

CONNECTOR = {
    "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
    "table.include.list": "public.users,sales.orders",
}
IDENTITY = """
SELECT system_identifier::text || '/1' FROM pg_control_system()
"""
REPLACED = """
ALTER TABLE sales.orders RENAME TO old_orders;
CREATE TABLE sales.orders (id bigint PRIMARY KEY, total numeric(10, 2), at timestamptz);
"""


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use_kubeconfig(monkeypatch, str(tmp_path / "none"))


@pytest.fixture
def server() -> Iterator[ExistingServer]:
    with existing_server(14) as running:
        running.prepare()
        yield running


def inputs(server: ExistingServer, **changed: Any) -> dict[str, Any]:
    return {
        "name": "shop",
        "source": inputs_of(server.source(**changed)),
        "avro_names": True,
        "worker": {"namespace": "data-ingestion"},
    }


class Stack:
    """The resource in the state of a stack, as the engine calls its provider.

    It gives the old inputs to check(), and the outputs to the other methods.
    """

    def __init__(self) -> None:
        self.provider = ExistingDatabaseProvider()
        self.inputs: dict[str, Any] = {}
        self.state: dict[str, Any] = {}

    def refusals(self, news: dict[str, Any]) -> list[str]:
        return [failure.reason for failure in self.provider.check(self.inputs, news).failures]

    def up(self, news: dict[str, Any]) -> bool:
        """Return whether there was anything to do."""
        checked = self.provider.check(self.inputs, news)
        assert not checked.failures
        self.inputs = dict(checked.inputs)
        if not self.state:
            self.state = dict(self.provider.create(checked.inputs).outs or {})
            return True
        if not self.provider.diff("shop", self.state, checked.inputs).changes:
            return False
        updated = self.provider.update("shop", self.state, checked.inputs)
        self.state = dict(updated.outs or {})
        return True

    def captured(self, server: str) -> None:
        """Have captured another server."""
        for props in (self.inputs, self.state):
            props["seen"] = {**props["seen"], "server": server}

    def connector(self) -> dict[str, Any]:
        return {"config": CONNECTOR, "captured": self.state["captured"]}


def test_an_account_that_another_source_has_with_another_password_is_refused(
    server: ExistingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_SERVERS", SharedServers())
    assert Stack().refusals(inputs(server)) == []
    other = inputs(server, host="127.0.0.1", password="another") | {"name": "store"}
    (refused,) = Stack().refusals(other)
    assert refused.startswith("store: sources.store (127.0.0.1:")
    assert "have its user datapipe with different passwords" in refused


def test_a_database_is_read_once_and_replaced_tables_again(
    server: ExistingServer, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = Stack()
    assert stack.up(inputs(server))
    first = stack.connector()
    assert missed_tables({}, first) == ()
    assert not stack.up(inputs(server)), "nothing has changed"

    server.prepare()
    assert not stack.up(inputs(server)), "running the SQL again changes nothing"

    server.execute(REPLACED)
    assert any("not in the publication" in reason for reason in stack.refusals(inputs(server)))
    server.execute(tables_sql("shop", server.source()))
    assert stack.up(inputs(server))
    assert "sales.orders: it is not the table that was captured" in capsys.readouterr().err
    assert missed_tables(first, stack.connector()) == ("sales.orders",)
    assert not stack.up(inputs(server))


def test_a_table_that_no_connector_has_read_yet_is_not_forgotten(server: ExistingServer) -> None:
    stack = Stack()
    stack.up(inputs(server))
    first = stack.connector()
    server.execute(REPLACED)
    server.execute(tables_sql("shop", server.source()))
    stack.up(inputs(server))
    # The connector's update fails, and before the next one another table is replaced.
    server.execute("DROP TABLE users; CREATE TABLE users (id int PRIMARY KEY)")
    server.execute(tables_sql("shop", server.source()))
    stack.up(inputs(server))
    assert missed_tables(first, stack.connector()) == ("public.users", "sales.orders")
    assert missed_tables(stack.connector(), stack.connector()) == ()


def test_what_is_wrong_is_refused_with_its_remedy(server: ExistingServer) -> None:
    server.execute("ALTER TABLE public.users REPLICA IDENTITY DEFAULT")
    (refusal,) = Stack().refusals(inputs(server))
    assert refusal.startswith("shop: public.users: its replica identity")
    assert 'ALTER TABLE "public"."users" REPLICA IDENTITY FULL;' in refusal


def test_a_new_database_must_answer_and_a_captured_one_may_be_away(
    server: ExistingServer, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = Stack()
    stack.up(inputs(server))
    server.stop()
    (refusal,) = Stack().refusals(inputs(server))
    assert refusal.startswith("shop: TCP: 127.0.0.1")
    assert not stack.up(inputs(server))
    assert "warning: shop was not checked: TCP:" in capsys.readouterr().err


def test_a_new_key_of_the_stack_file_and_a_new_column_are_updates(server: ExistingServer) -> None:
    stack = Stack()
    stack.up(inputs(server))
    assert stack.up(inputs(server, password="hunter2-and-more", sslMode="verify-ca"))
    server.execute("ALTER TABLE users ADD COLUMN email text")
    assert stack.up(inputs(server, sslMode="verify-ca"))
    assert '"email"' in stack.state["seen"]["described"]


def test_recover_has_a_table_read_again_that_has_not_changed(
    server: ExistingServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stack = Stack()
    stack.up(inputs(server))
    first = stack.connector()
    monkeypatch.setenv(READ_AGAIN, "store.public.users,shop.sales.orders")
    assert stack.up(inputs(server))
    assert "sales.orders: it is to be read again" in capsys.readouterr().err
    assert missed_tables(first, stack.connector()) == ("sales.orders",)
    second = stack.connector()
    monkeypatch.delenv(READ_AGAIN)
    assert not stack.up(inputs(server)), "it is read again once"
    assert missed_tables(second, stack.connector()) == ()

    monkeypatch.setenv(READ_AGAIN, "shop.sales.orders")
    server.stop()
    (refusal,) = stack.refusals(inputs(server))
    assert refusal.startswith("shop: TCP:"), "a database that is away can't be read again"


SLOT = "SELECT pg_create_logical_replication_slot('datapipe_shop', 'pgoutput')"
SLOTS = "SELECT count(*) FROM pg_replication_slots"


def test_another_server_is_refused_until_it_is_the_one_that_was_recovered_from(
    server: ExistingServer,
) -> None:
    stack = Stack()
    stack.up(inputs(server))
    server.execute(SLOT, "postgres")
    assert stack.refusals(inputs(server)) == []
    captured = stack.state["captured"]["server"]
    assert captured == server.execute(IDENTITY, "postgres")[0][0]

    stack.captured("7000000000000000000/1")
    (reason,) = stack.refusals(inputs(server))
    assert "is another server than the one that was captured" in reason
    assert "make recover SOURCE=shop" in reason
    system, _, _ = captured.partition("/")
    stack.captured(f"{system}/2")
    (reason,) = stack.refusals(inputs(server))
    assert "a primary of before a failover" in reason

    recovered = inputs(server, recovered={"server": captured})
    assert stack.up(recovered)
    assert stack.state["captured"]["server"] == captured


def test_a_slot_that_is_missing_is_told(
    server: ExistingServer, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = Stack()
    stack.up(inputs(server))
    assert stack.refusals(inputs(server)) == []
    assert "the slot datapipe_shop does not exist; if the connector" in capsys.readouterr().err


def test_a_removed_source_drops_its_slot_or_says_that_it_stays(
    server: ExistingServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.execute(SLOT, "postgres")
    provider = ExistingDatabaseProvider()
    provider.delete("shop", inputs(server, onRemoval="keep"))
    assert "keeps all WAL from here on for the slot datapipe_shop" in capsys.readouterr().err
    assert server.execute(SLOTS, "postgres") == [(1,)]

    provider.delete("shop", inputs(server, onRemoval="drop"))
    told = capsys.readouterr().err
    assert "dropped the slot datapipe_shop" in told
    assert server.execute(SLOTS, "postgres") == [(0,)]
    # What is left is the administrator's, and the printed statements remove it.
    (statements,) = re.findall("the rest: (.+)$", told.strip())
    server.execute(statements, "postgres")
    assert server.execute("SELECT count(*) FROM pg_publication", "postgres") == [(0,)]

    server.stop()
    provider.delete("shop", inputs(server, onRemoval="drop"))
    told = capsys.readouterr().err
    assert "its slot was not dropped, as the database can't be reached" in told
    assert "pg_drop_replication_slot('datapipe_shop')" in told
