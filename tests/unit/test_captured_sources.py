"""What the preview says where a whole source joins a stack or leaves it, and what it refuses."""

from typing import Any

import pytest

from components.config import StackConfig, parse
from components.streaming import captured_tables
from components.streaming.captured_tables import CapturedTablesArgs, CapturedTablesProvider
from components.streaming.sinks.declared import declared_sinks
from tests.unit.existing_databases import CRM
from tests.unit.existing_databases import SHOP as CAPTURED_SHOP
from tests.unit.streaming_stack import SANDBOX

USERS, ORDERS = "public.users", "public.orders"
# It may leave as far as its slot is concerned.
SHOP = CAPTURED_SHOP | {"onRemoval": "keep"}


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The topics of which the unread records were counted."""
    topics: list[str] = []

    def unread(_client: object, _group: str, asked: list[str]) -> dict[str, str]:
        topics.extend(asked)
        return dict.fromkeys(asked, "7 records")

    monkeypatch.setattr(captured_tables, "unread_records", unread)
    return topics


def stack(*tables: str, retain: bool = True, **sections: Any) -> StackConfig:
    archive = {"bucket": "datapipe-ingestion-test", "retain": retain, **SANDBOX["archive"]}
    given = {**SANDBOX, "archive": archive, **sections}
    return parse(given | ({"tables": tables} if tables else {}), "Pulumi.test.yaml")


def inputs(config: StackConfig) -> dict[str, Any]:
    return CapturedTablesArgs.from_config(config, declared_sinks(config)).inputs()


def check(
    olds: dict[str, Any], news: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> tuple[list[str], str]:
    result = CapturedTablesProvider().check(olds, news)
    return [failure.reason for failure in result.failures], capsys.readouterr().err


MANAGED = stack(USERS, ORDERS, sources={})
BOTH = stack(USERS, ORDERS, sources={"shop": SHOP})
THREE = stack(USERS, ORDERS, sources={"shop": SHOP, "crm": CRM})
ALONE = stack(sources={"shop": SHOP})
QUALIFIED = stack(sources={"shop": SHOP | {"objectNames": "qualified"}})


def test_a_source_that_joins_is_allowed_and_takes_room(capsys: pytest.CaptureFixture[str]) -> None:
    reasons, told = check(inputs(MANAGED), inputs(BOTH), capsys)
    assert reasons == []
    assert "the topics of public.users, public.orders keep less" in told


def test_the_state_of_an_earlier_version_is_of_the_managed_database(
    capsys: pytest.CaptureFixture[str],
) -> None:
    olds = {key: value for key, value in inputs(MANAGED).items() if key != "topic_prefix"}
    assert check(olds, inputs(BOTH), capsys)[0] == []
    assert not CapturedTablesProvider().diff("", olds, inputs(MANAGED)).changes
    assert CapturedTablesProvider().diff("", olds, inputs(BOTH)).changes


def test_a_source_that_leaves_is_refused_table_by_table(
    asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    reasons, told = check(inputs(BOTH), inputs(MANAGED), capsys)
    assert told == ""
    assert asked == ["shop.public.users", "shop.sales.orders"]
    users, orders = reasons
    assert "shop.public.users is no longer in datapipe:sources.shop.tables" in users
    assert "What is archived (cdc_shop.users) stays" in users
    assert "add shop.public.users to datapipe:topics.delete" in users
    assert "put it back into datapipe:sources.shop.tables" in users
    assert "shop.sales.orders" in orders


def test_a_source_that_says_nothing_of_its_slot_is_refused_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    olds = inputs(stack(USERS, ORDERS, sources={"shop": CAPTURED_SHOP}))
    news = inputs(stack(USERS, ORDERS, sources={}, topics={"delete": ["shop.*"]}))
    assert "sources.shop.onRemoval: drop" in check(olds, news, capsys)[0][0]


@pytest.mark.parametrize("delete", [["shop.*"], ["shop.public.users", "shop.sales.orders"]])
def test_it_may_leave_with_a_yes_for_its_topics(
    delete: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    topics = {"delete": delete, "protect": False}
    news = inputs(stack(USERS, ORDERS, sources={}, topics=topics))
    olds = inputs(stack(USERS, ORDERS, sources={"shop": SHOP}, topics=topics))
    reasons, told = check(olds, news, capsys)
    assert reasons == []
    assert "deletes its topic shop.sales.orders with 7 records" in told
    assert "remove the entry" in check(news, news, capsys)[1]


def test_a_yes_for_the_managed_table_is_none_for_a_sources_of_that_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    news = inputs(stack(USERS, ORDERS, sources={}, topics={"delete": [USERS]}))
    reasons, _ = check(inputs(BOTH), news, capsys)
    assert "add shop.public.users to datapipe:topics.delete" in reasons[0]


def test_a_table_that_changes_its_source_leaves_the_one_and_joins_the_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    olds = inputs(stack(USERS, ORDERS, sources={"crm": CRM}))
    news = inputs(stack(ORDERS, sources={"crm": CRM}))
    (reason,), _ = check(olds, news, capsys)
    assert reason.startswith("public.users is no longer in datapipe:tables")


def test_its_topics_are_protected_until_they_may_be_deleted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    news = inputs(stack(USERS, ORDERS, sources={}, topics={"delete": ["shop.*"]}))
    reasons, _ = check(inputs(BOTH), news, capsys)
    assert len(reasons) == 2
    assert "First run up with the table in both datapipe:sources.shop.tables and" in reasons[0]
    released = inputs(stack(USERS, ORDERS, sources={"shop": SHOP}, topics={"delete": ["shop.*"]}))
    assert released["protected"] == [USERS, ORDERS]


def test_a_catalog_that_is_deleted_with_its_source_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    olds = inputs(stack(USERS, sources={"shop": SHOP}, retain=False))
    (reason, _), _ = check(olds, inputs(stack(USERS, sources={}, retain=False)), capsys)
    assert "the catalog's database of cdc_shop.users is deleted, too" in reason
    assert "(cdc_shop.users) stays" not in reason


def test_a_managed_database_that_leaves_loses_its_pod(capsys: pytest.CaptureFixture[str]) -> None:
    reasons, _ = check(inputs(BOTH), inputs(QUALIFIED), capsys)
    assert "PostgreSQL's pod is deleted; its volume stays" in reasons[0]


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        (ALONE, BOTH, "set datapipe:sources.shop.objectNames to short"),
        (ALONE, stack(sources={"shop": SHOP, "crm": CRM}), "sources.shop.objectNames to short"),
        (BOTH, ALONE, "set datapipe:sources.shop.objectNames to qualified"),
        (MANAGED, ALONE, "sources.shop.objectNames to qualified"),
        (ALONE, MANAGED, "set datapipe:source.objectNames to qualified"),
        (ALONE, stack(sources={"crm": CRM}), "sources.crm.objectNames to qualified"),
    ],
)
def test_no_object_changes_its_name(
    before: StackConfig, after: StackConfig, wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    reasons, _ = check(inputs(before), inputs(after), capsys)
    assert wanted in reasons[0]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (MANAGED, BOTH),
        (BOTH, THREE),
        (ALONE, stack(USERS, sources={"shop": SHOP | {"objectNames": "short"}})),
        (ALONE, stack(sources={"shop": SHOP | {"objectNames": "short"}, "crm": CRM})),
    ],
)
def test_databases_join_with_the_names_that_fit(
    before: StackConfig, after: StackConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(inputs(before), inputs(after), capsys)[0] == []
