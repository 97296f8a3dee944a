"""The status of each captured database: its slots, and what keeps it from being captured."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from io import StringIO
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from rich.console import Console

from clients import database
from clients.captured_tables import Finding
from clients.cluster import MEBIBYTE
from clients.metrics import Metrics, Sample
from clients.recover.damage import is_lost, slot_row
from clients.recover.slot import drop_slot
from clients.stack import StackError, StackOutputs, parse_outputs
from clients.status import sources as module
from clients.status.health import problems
from clients.status.render import topics_table
from clients.status.sources import SourceState, problems_of_sources, source_states, sources_table
from clients.status.unknown import Unknown
from clients.topics import Topic
from tests.clients.stack_outputs import MANAGED, SHOP, TWO_SOURCES, outputs_with
from tests.clients.test_client_status import DATABASE, HEALTHY, SLOT
from tests.postgres_versions.servers import ExistingServer, existing_server

TWO = parse_outputs("sandbox", TWO_SOURCES)
SHOP_SLOT = replace(SLOT, name="datapipe_shop", connector="shop-cdc-connector")
AWAY = Unknown("PostgreSQL of shop", "can't connect")
NO_CLUSTER: Any = None


def shop(**changed: Any) -> SourceState:
    """Return the second database of a stack."""
    own = {"name": "shop", "is_only": False, "topic_prefix": "shop", "slots": [SHOP_SLOT]}
    return replace(DATABASE, **{**own, **changed})


def shown(*sources: SourceState) -> list[str]:
    text = StringIO()
    Console(file=text, width=200).print(sources_table(sources))
    return [" ".join(line.split()) for line in text.getvalue().splitlines() if line.strip()]


def test_each_slot_is_shown_with_its_lag_and_position() -> None:
    unread = replace(SHOP_SLOT, active=False, behind=5 * MEBIBYTE)
    lines = shown(DATABASE, shop(address="shop.example.com:5432/shop", slots=[unread]))
    assert lines[1:] == [
        "source database tables connector slot state behind WAL kept position",
        "✓ postgres 10.231.0.1:30432/ecommerce 1 cdc debezium_slot reserved 2.0 KiB 3.0 MiB"
        " 0/1A2B3C",
        "✓ shop shop.example.com:5432/shop 1 shop-cdc-connector datapipe_shop reserved, not read"
        " 5.0 MiB 3.0 MiB 0/1A2B3C",
    ]


def test_a_database_that_is_down_is_shown_and_reported_once() -> None:
    down = shop(connectors=("shop-cdc-connector",), slots=AWAY, changed=AWAY)
    lines = shown(DATABASE, down)
    assert lines[2].startswith("✓ postgres")
    assert lines[3].endswith("shop-cdc-connector – not reached")
    assert problems(replace(HEALTHY, sources=[DATABASE, down])) == [
        "can't reach PostgreSQL of shop: can't connect"
    ]


@pytest.mark.parametrize(
    ("slot", "problem"),
    [
        ({"exists": False}, "the replication slot datapipe_shop does not exist; make recover"),
        (
            {"wal_status": "lost"},
            "PostgreSQL has removed WAL that the replication slot datapipe",
        ),
        ({"wal_status": "unreserved"}, "shop-cdc-connector is 2.0 KiB behind, above max_slot_wal"),
        ({"on_standby": True}, "shop-cdc-connector can't read from a standby; name the primary"),
    ],
)
def test_a_slot_that_can_not_be_used_is_reported_with_its_repair(
    slot: dict[str, Any], problem: str
) -> None:
    state = shop(slots=[replace(SHOP_SLOT, **slot)])
    (found,) = problems_of_sources([DATABASE, state])
    assert found.startswith("shop: ")
    assert problem in found
    assert ("SOURCE=shop" in found) == ("make recover" in found)
    (alone,) = problems_of_sources([replace(state, is_only=True)])
    assert not alone.startswith("shop: ")
    assert "SOURCE" not in alone
    assert shown(state)[2].startswith("✗ shop")


class Databases:
    """Two databases, of which some are down."""

    def __init__(self, down: set[str]) -> None:
        self.down = down

    @contextmanager
    def connect(self, own: StackOutputs) -> Iterator["Databases"]:
        if own.source in self.down:
            raise StackError(f"can't connect to {own.database.host}")
        yield self

    def execute(self, _query: str, parameters: list[list[str]]) -> "Databases":
        self.names = parameters[0]
        return self

    def fetchall(self) -> list[dict[str, Any]]:
        known = {key: value for key, value in vars(SLOT).items() if key != "connector"}
        return [{**known, "name": name} for name in self.names]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Databases:
    databases = Databases(set())
    finding = Finding("missed", "public.users", "it was replaced")
    monkeypatch.setattr(database, "connect", databases.connect)
    monkeypatch.setattr(module, "findings", lambda _own, _cluster: [finding])
    return databases


@pytest.mark.parametrize(("down", "up"), [("shop", "postgres"), ("postgres", "shop")])
def test_a_database_that_does_not_answer_hides_no_other(
    asked: Databases, down: str, up: str
) -> None:
    asked.down = {down}
    states = {each.name: each for each in source_states(TWO, NO_CLUSTER, Metrics([]))}
    assert isinstance(states[down].slots, Unknown)
    assert states[down].slots == states[down].changed
    assert states[up].slots == [
        replace(SLOT, name=TWO.of(up).slots[0], connector=TWO.of(up).source_connectors[0])
    ]
    (found,) = problems_of_sources(list(states.values()))
    assert found.startswith(f"{up}.public.users: it was replaced")


def test_the_worker_is_asked_where_the_database_is_not_reachable(asked: Databases) -> None:
    asked.down = {"postgres"}
    managed = {**MANAGED, "database": {**MANAGED["database"], "port": None}}
    labelled = {**SHOP, "database": {**SHOP["database"], "port": None}, "label": "shop"}
    sources = {"sources": {"postgres": managed, "shop": labelled}}
    outputs = parse_outputs("prod", {**TWO_SOURCES, **sources})
    missed = [
        Sample("cdc_table_captured", {"table": "public.users"}, 1),
        Sample("cdc_table_captured", {"table": "public.users", "source": "shop"}, 0),
    ]
    states = source_states(outputs, NO_CLUSTER, Metrics(missed))
    assert [state.slots for state in states] == [[], []]
    assert shown(*states)[2:] == [
        "postgres ecommerce 1 postgres-cdc-connector – not asked",
        "shop shop 2 shop-cdc-connector – not asked",
    ]
    (found,) = problems_of_sources(states)
    assert found.startswith("shop.public.users: it is not the table that is captured")


def test_the_only_database_keeps_the_names_of_its_tables(asked: Databases) -> None:
    assert asked.down == set()
    (state,) = source_states(parse_outputs("dev", outputs_with()), NO_CLUSTER, Metrics([]))
    (found,) = problems_of_sources([state])
    assert found.startswith("public.users: ")


def test_tables_of_the_same_name_have_their_own_rates() -> None:
    rates = [
        Sample("cdc_events_per_second", {"table": "public.users", "operation": "c"}, 5),
        Sample(
            "cdc_events_per_second", {"table": "public.users", "operation": "c", "source": "s"}, 7
        ),
    ]
    topics = [Topic(f"{prefix}.public.users", 6, retained=0, lag=0) for prefix in ("postgres", "s")]
    table = topics_table(
        topics, Metrics(rates), [DATABASE, shop(name="s", topic_prefix="s", label="s")]
    )
    assert list(table.columns[4].cells) == ["5.0", "7.0"]


@pytest.fixture(params=[12, 17])
def server(request: pytest.FixtureRequest) -> Iterator[ExistingServer]:
    with existing_server(request.param) as running:
        running.prepare()
        yield running


def _connecting(server: ExistingServer) -> Callable[..., AbstractContextManager[Any]]:
    """Return a function that connects as the account that captures."""
    source = server.source()
    return lambda _own: psycopg.connect(
        host="localhost",
        port=server.port,
        dbname=source.database,
        user=source.user,
        password=source.password.get_secret_value(),
        autocommit=True,
        row_factory=dict_row,
    )


def test_the_capturing_account_sees_and_recreates_slots_of_each_version(
    server: ExistingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = "SELECT pg_create_logical_replication_slot('datapipe_shop', 'pgoutput')"
    server.execute(create, "postgres")
    monkeypatch.setattr(database, "connect", _connecting(server))
    monkeypatch.setattr(module, "findings", lambda _own, _cluster: [])
    given = outputs_with(SHOP, slots=["datapipe_shop", "missing"], connectors=["one", "two"])
    outputs = parse_outputs("dev", given)
    (state,) = source_states(outputs, NO_CLUSTER, Metrics([]))
    assert not isinstance(state.slots, Unknown), state.slots
    present, missing = state.slots
    assert (present.exists, present.active, present.is_usable) == (True, False, True)
    assert present.wal_status == (None if server.version == 12 else "reserved")
    assert present.behind is not None
    assert present.position is not None
    assert (missing.name, missing.exists, missing.position) == ("missing", False, None)
    (found,) = problems_of_sources([state])
    assert found.startswith("the replication slot missing does not exist; make recover creates it")

    with _connecting(server)(outputs) as connection:
        assert not is_lost(slot_row(connection, "datapipe_shop"))
        assert is_lost(slot_row(connection, "missing"))
        drop_slot(connection, "datapipe_shop", print)
        assert is_lost(slot_row(connection, "datapipe_shop"))
