"""Which schemas a stack's sources have in SQL, and the outputs of stacks that are gone."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from clients.sql import sources
from clients.sql.opened_tables import view_names_of
from clients.sql.saved_outputs import read_saved
from clients.sql.sources import ArchivedSource, archived_sources
from clients.stack import StackError, StackOutputs, parse_outputs
from tests.clients.stack_outputs import MANAGED, OUTPUTS, SHOP, TWO_SOURCES


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL and AWS are not asked."""

    def described(outputs: StackOutputs, log: Any) -> dict[str, Any]:
        log("PostgreSQL was not asked")
        return dict.fromkeys(outputs.tables)

    monkeypatch.setattr(sources, "described_tables", described)
    monkeypatch.setattr(sources, "open_archive", lambda _: None)


def found(
    captured: dict[str, dict[str, Any]], chosen: str | None = None
) -> tuple[dict[str, ArchivedSource], list[str]]:
    """Return a stack's sources by their names, and what was logged."""
    notes: list[str] = []
    outputs = parse_outputs("dev", {**OUTPUTS, "sources": captured})
    made = archived_sources(outputs, notes.append, chosen)
    return {one.origin.source: one for one in made}, notes


def existing(name: str, tables: Iterable[str] = ("public.users",)) -> dict[str, Any]:
    return {**SHOP, "topicPrefix": name, "tables": list(tables), "archived": {}}


def managed(*tables: str) -> dict[str, Any]:
    return {**MANAGED, "tables": list(tables)}


def views(source: ArchivedSource) -> list[str]:
    """Return the views of present rows, those of the first place of each table."""
    return [f"{names[0].schema}.{names[0].name}" for names in view_names_of(source)]


def test_the_managed_database_has_its_own_schemas_and_another_one_of_its_name() -> None:
    made, notes = found(TWO_SOURCES["sources"])
    assert views(made["postgres"]) == ["public.users"]
    assert views(made["shop"]) == ["shop.users", "shop.sales_orders"]
    assert made["shop"].origin.database == "shop"
    assert notes == ["postgres: PostgreSQL was not asked", "shop: PostgreSQL was not asked"]


def test_one_existing_database_alone_has_both() -> None:
    made, notes = found({"shop": {**SHOP, "objectNames": "short"}})
    [shop] = made.values()
    assert views(shop) == ["public.users", "sales.orders"]
    assert [names[1].schema for names in view_names_of(shop)] == ["shop", "shop"]
    assert notes == ["PostgreSQL was not asked"]


def test_one_that_keeps_its_names_beside_another_has_both() -> None:
    """As sources.shop.objectNames: short says, when a further database is added."""
    shop = {**SHOP, "objectNames": "short"}
    made, _ = found({"postgres": {**MANAGED, "objectNames": "qualified"}, "shop": shop})
    assert views(made["shop"]) == ["public.users", "sales.orders"]
    assert views(made["postgres"]) == ["postgres.users"]


def test_a_chosen_source_keeps_its_names() -> None:
    made, _ = found(TWO_SOURCES["sources"], "shop")
    assert [views(one) for one in made.values()] == [["shop.users", "shop.sales_orders"]]


def test_a_source_that_the_stack_does_not_have_is_refused() -> None:
    with pytest.raises(StackError, match="no database 'shp'; allowed: postgres, shop"):
        found(TWO_SOURCES["sources"], "shp")


@pytest.mark.parametrize("name", ["public", "main", "sales", "memory", "temp", "pg_catalog"])
def test_a_source_named_like_a_schema_has_another_one_and_says_so(name: str) -> None:
    tables = managed("public.users", "sales.orders")
    made, notes = found({"postgres": tables, name: existing(name)})
    assert views(made["postgres"]) == ["public.users", "sales.orders"]
    assert views(made[name]) == [f"{name}_.users"]
    assert f"{name}: its views are in the schema {name}_, as {name} is another schema here" in notes


def test_no_two_sources_share_a_schema() -> None:
    made, _ = found(
        {
            "postgres": managed("public.users", "sales.orders", "sales__.orders"),
            "sales": existing("sales"),
            "sales_": existing("sales_"),
        }
    )
    schemas = {one.schema for name, one in made.items() if name != "postgres"}
    assert schemas == {"sales_", "sales___"}


@pytest.mark.parametrize("name", ["public", "main"])
def test_one_database_alone_that_is_named_like_a_schema_has_its_own_schemas(name: str) -> None:
    made, notes = found({name: {**existing(name), "objectNames": "short"}})
    assert (views(made[name]), made[name].schema) == (["public.users"], None)
    assert notes == ["PostgreSQL was not asked"]


class TestSavedOutputs:
    # As version 0.2 printed them.
    EARLIER = {  # noqa: RUF012
        **{key: value for key, value in OUTPUTS.items() if key != "sources"},
        "tables": ["public.users"],
        "keys": {"public.users": ["id"]},
        "topicPrefix": "postgres",
        "database": MANAGED["database"],
        "databasePassword": "[secret]",
        "archive": {
            **OUTPUTS["archive"],
            "tables": {"public.users": "cdc.users"},
            "catalogDatabase": "cdc",
        },
    }

    def test_those_of_an_earlier_version_are_read(self, tmp_path: Path) -> None:
        file = tmp_path / "outputs.json"
        file.write_text(json.dumps(self.EARLIER))
        outputs = read_saved("prod", file)
        assert (outputs.source, outputs.managed) == ("postgres", True)
        assert outputs.keys == {"public.users": ("id",)}
        assert outputs.archive.iceberg_table("public.users") == ("cdc", "users")

    def test_those_of_this_version_are_read(self, tmp_path: Path) -> None:
        file = tmp_path / "outputs.json"
        file.write_text(json.dumps(TWO_SOURCES))
        assert read_saved("prod", file).source_names == ("postgres", "shop")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[]", "has no outputs of a stack"),
            ("{", "can't be read"),
            ('{"namespace": "x"}', "stack prod lacks valid outputs"),
        ],
    )
    def test_others_are_refused(self, tmp_path: Path, text: str, message: str) -> None:
        file = tmp_path / "outputs.json"
        file.write_text(text)
        with pytest.raises(StackError, match=message):
            read_saved("prod", file)
