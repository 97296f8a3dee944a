"""Keys and columns of the captured tables, by a real PostgreSQL 15 and by the resource."""

import json
from collections.abc import Iterator
from typing import Any, cast

import psycopg
import pytest
from psycopg.rows import dict_row

from clients.database import Row
from clients.described_tables import present_tables
from components.source.database_schema import INPUTS, DatabaseSchemaProvider
from components.source.described import described_columns, described_keys
from components.source.pod_exec import PodCommand
from components.source.schema import DESCRIBED, check_script
from kafka_connect.cluster_access import ClusterAccess
from tests.unit.postgres_server import PostgresServer, running_server

TABLES = ("public.plain", "public.composite", "public.keyless", "public.parted", "sales.plain")
SCHEMA = """
CREATE SCHEMA sales;
CREATE DOMAIN amount AS numeric(12,3);
CREATE DOMAIN fee AS amount;
CREATE TYPE mood AS ENUM ('ok');
CREATE TABLE plain (id int PRIMARY KEY, "Mixed Case" text, price fee, secret text, m mood,
    tags varchar(5)[], at timestamp(3), gone int);
ALTER TABLE plain DROP COLUMN gone;
CREATE TABLE composite (a int, "B" int, c text, v text, PRIMARY KEY ("B", a) INCLUDE (v));
CREATE TABLE keyless (v int, w int UNIQUE);
CREATE TABLE parted (id int, region text, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE parted_eu PARTITION OF parted FOR VALUES IN ('eu');
CREATE TABLE sales.plain (code uuid PRIMARY KEY);
"""


def described(printed: str) -> str:
    (line,) = (one for one in printed.splitlines() if one.startswith(DESCRIBED))
    return line.removeprefix(DESCRIBED)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    excluded = {"public.plain": ["secret"]}
    with running_server(sample_schema=False, excluded_columns=excluded) as running:
        assert running.apply(()).returncode == 0
        running.execute(SCHEMA)
        yield running


@pytest.mark.postgresql
class TestDatabase:
    def text(self, server: PostgresServer) -> str:
        applied = server.apply_schema(TABLES)
        assert applied.returncode == 0, applied.stderr
        return described(applied.stdout)

    def test_keys_have_their_own_order_and_no_included_column(self, server: PostgresServer) -> None:
        assert described_keys(self.text(server), TABLES) == {
            "public.plain": ["id"],
            "public.composite": ["B", "a"],
            "public.keyless": [],
            "public.parted": ["region", "id"],
            "sales.plain": ["code"],
        }

    def test_columns_are_those_that_are_captured_with_their_base_types(
        self, server: PostgresServer
    ) -> None:
        columns = described_columns(self.text(server), TABLES)
        assert columns["public.plain"] == [
            ["id", "integer"],
            ["Mixed Case", "text"],
            ["price", "numeric(12,3)"],
            ["m", "mood"],
            ["tags", "character varying(5)[]"],
            ["at", "timestamp(3) without time zone"],
        ]
        assert columns["sales.plain"] == [["code", "uuid"]]

    def test_a_client_that_asks_postgresql_gets_the_same(self, server: PostgresServer) -> None:
        text = self.text(server)
        excluded = {"public.plain": ("secret",)}
        with server.connect("postgres") as connection:
            rows = cast(psycopg.Connection[Row], connection)
            rows.row_factory = dict_row
            present = present_tables(rows, (*TABLES, "public.gone"), excluded)
        assert {table: list(one.key or ()) for table, one in present.items()} == described_keys(
            text, TABLES
        )
        columns = {table: [list(each) for each in one.columns] for table, one in present.items()}
        assert columns == described_columns(text, TABLES)

    def test_a_preview_finds_another_key_and_other_columns(self, server: PostgresServer) -> None:
        before = self.text(server)
        server.execute("ALTER TABLE keyless ADD PRIMARY KEY (w), ALTER COLUMN v TYPE numeric(4,1)")
        checked = server.psql(check_script(server.settings, TABLES, "debezium"))
        assert checked.returncode == 0, checked.stderr
        after = described(checked.stdout)
        assert described_keys(after, TABLES)["public.keyless"] == ["w"]
        assert described_columns(after, TABLES)["public.keyless"][0] == ["v", "numeric(4,1)"]
        assert (
            described_keys(before, TABLES)["public.plain"]
            == described_keys(after, TABLES)["public.plain"]
        )


class TestResource:
    INPUTS = dict.fromkeys(INPUTS, "same") | {"command": ["psql"], "lock_holders_script": ""}
    OLD = '{"public.t": {"key": ["id"], "columns": {"id": "integer"}}}'
    NEW = '{"public.t": {"key": ["id"], "columns": {"id": "bigint"}}}'

    def check(self, monkeypatch: pytest.MonkeyPatch, printed: str) -> dict[str, Any]:
        monkeypatch.setattr(PodCommand, "run", lambda *_: printed)
        monkeypatch.setattr(PodCommand, "pod_exists", lambda *_: True)
        monkeypatch.setattr(ClusterAccess, "api_client", lambda _: None)
        checked = DatabaseSchemaProvider().check(self.INPUTS, {**self.INPUTS, "check_script": ""})
        assert checked.failures == []
        return dict(checked.inputs)

    def test_another_column_is_recorded_without_a_run_of_the_script(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Only a run of it makes connectors and the account follow."""
        olds = {**self.INPUTS, "described": self.OLD, "captured": {"applied": "then"}}
        news = self.check(monkeypatch, f"{DESCRIBED}{self.NEW}\n")
        provider = DatabaseSchemaProvider()
        assert provider.diff("id", olds, news).changes is True
        monkeypatch.setattr(PodCommand, "run", lambda *_: pytest.fail("the script was run"))
        outs = provider.update("id", olds, news).outs or {}
        assert outs["described"] == self.NEW
        assert outs["captured"] == {"applied": "then"}
        assert provider.diff("id", outs, news).changes is False

    def test_a_database_that_can_not_be_asked_changes_nothing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        olds = {**self.INPUTS, "described": self.OLD}
        news = self.check(monkeypatch, "")
        assert DatabaseSchemaProvider().diff("id", olds, news).changes is False

    def test_a_run_of_the_script_records_what_it_prints(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        captured = json.dumps({"entries": {}, "missed": [], "wal_position": 1})
        news = self.check(monkeypatch, f"captured: {captured}\n{DESCRIBED}{self.NEW}\n")
        olds = {**self.INPUTS, "script": "another", "described": self.OLD}
        outs = DatabaseSchemaProvider().update("id", olds, news).outs or {}
        assert outs["described"] == self.NEW

    def test_a_table_that_is_not_described_is_left_out(self) -> None:
        """An empty key would say that it has none."""
        assert described_keys(self.OLD, ["public.t", "public.u"]) == {"public.t": ["id"]}
        assert described_columns(None, ["public.t"]) == {}
