"""What the preview says of a changed list of tables, and what it refuses."""

import re
from typing import Any

import pytest

from components.streaming import captured_tables
from components.streaming.captured_tables import CapturedTablesArgs, CapturedTablesProvider
from components.streaming.sinks.declared import declared_sinks
from tests.unit.existing_databases import SHOP
from tests.unit.streaming_stack import SANDBOX, deploy_stack, design, sandbox, topics_for

USERS, ORDERS = "public.users", "public.orders"


@pytest.fixture(autouse=True)
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kafka's answer: every sink has 7 records left to read."""
    monkeypatch.setattr(
        captured_tables,
        "unread_records",
        lambda _brokers, _group, topics: dict.fromkeys(topics, "7 records"),
    )


def inputs(*tables: str, **topics: Any) -> dict[str, Any]:
    config = design(**{**SANDBOX, "tables": tables, "topics": topics})
    return CapturedTablesArgs.from_config(config, declared_sinks(config)).inputs()


def checked(
    olds: dict[str, Any], news: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> tuple[list[str], str]:
    """Return the reasons of a refusal, and the warnings."""
    result = CapturedTablesProvider().check(olds, news)
    return [failure.reason for failure in result.failures], capsys.readouterr().err


def test_a_table_that_leaves_is_refused_with_all_that_would_be_lost(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (reason,), told = checked(inputs(USERS, ORDERS), inputs(ORDERS), capsys)
    assert told == ""
    assert "public.users is no longer in datapipe:tables" in reason
    assert "postgres.public.users with 7 records that s3-sink-connector has not" in reason
    assert "What is archived (cdc.users) stays" in reason
    assert "add public.users to datapipe:topics.delete" in reason
    assert "No table and no topic was changed" in reason


def test_a_table_that_may_leave_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    news = inputs(ORDERS, delete=[USERS], protect=False)
    reasons, told = checked(inputs(USERS, ORDERS, protect=False), news, capsys)
    assert reasons == []
    assert "deletes its topic postgres.public.users with 7 records" in told


def test_a_protected_topic_is_released_before_it_goes(capsys: pytest.CaptureFixture[str]) -> None:
    protected, released = inputs(USERS, ORDERS), inputs(USERS, ORDERS, delete=[USERS])
    news = inputs(ORDERS, delete=[USERS])
    (reason,), _ = checked(protected, news, capsys)
    assert "Its topic is protected (datapipe:topics.protect). First run up with the table" in reason
    assert checked(protected, released, capsys) == ([], "")
    reasons, _ = checked(released, news, capsys)
    assert reasons == []


def test_only_the_topic_that_may_go_loses_its_protection() -> None:
    deployment = deploy_stack(sandbox(topics={"protect": True, "delete": [USERS]}))
    protected = {one.name for one in deployment.of_type("Topic") if one.protect}
    others = ("products", "orders", "order_items")
    assert protected == {f"postgres.public.{each}" for each in others}


def test_a_renamed_entry_is_a_table_that_leaves(capsys: pytest.CaptureFixture[str]) -> None:
    (reason,), _ = checked(inputs(USERS), inputs("public.people"), capsys)
    assert "or under another name, it is a new table whose rows are all read again" in reason


def test_an_added_table_takes_space_from_the_others_and_the_preview_says_how_much(
    capsys: pytest.CaptureFixture[str],
) -> None:
    four = [USERS, ORDERS, "public.products", "public.order_items"]
    reasons, told = checked(inputs(*four), inputs(*four, "public.coupons"), capsys)
    assert reasons == []
    assert re.search(r"the topics of public.users, public.orders, .* keep less", told)
    assert "from 72 to 61 MiB" in told
    assert re.search(r"keeps 4\.9 minutes of them \(before: 5\.8\)", told)


def test_the_first_deployment_and_an_unchanged_list_say_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert checked({}, inputs(USERS), capsys) == ([], "")
    assert checked(inputs(USERS), inputs(USERS), capsys) == ([], "")
    assert not CapturedTablesProvider().diff("tables", inputs(USERS), inputs(USERS)).changes


def test_a_permission_without_a_table_is_to_be_removed(capsys: pytest.CaptureFixture[str]) -> None:
    news = inputs(ORDERS, delete=[USERS])
    _, told = checked(news, news, capsys)
    assert "datapipe:topics.delete has public.users, which is not captured" in told


def test_topics_and_schema_wait_for_the_check() -> None:
    deployment = deploy_stack(sandbox())
    waiting = [*deployment.of_type("Topic"), deployment.one("DatabaseSchema")]
    assert len(waiting) > 1
    assert all("captured-tables" in deployment.prerequisites(each) for each in waiting)


def test_more_topics_than_the_volumes_hold_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    many = inputs(*(f"public.t{number}" for number in range(40)))
    reasons, told = checked({}, many, capsys)
    assert reasons == []
    assert "would fill its volume of 3413 MiB, and stop it, if all were full" in told
    assert "datapipe:sizing.brokerStorage to 5Gi" in told
    roomy = design(tables=many["tables"], sizing={"brokerStorage": "5Gi"})
    assert CapturedTablesArgs.from_config(roomy, declared_sinks(roomy)).shortage == ""


def test_a_segment_holds_the_largest_batch() -> None:
    config = design(kafka={"maxRowSize": "8Mi"}, tables=[f"public.t{n}" for n in range(40)])
    topic = next(each for each in topics_for(config) if each.name == "postgres.public.t1")
    assert int(topic.config["segment.bytes"]) >= int(topic.config["max.message.bytes"])


def test_an_existing_database_leaves_when_the_stack_file_has_said_what_becomes_of_its_slot(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def news(**shop: Any) -> dict[str, Any]:
        sources = {"sources": {"shop": {**SHOP, **shop}}} if shop else {}
        config = design(
            **{**SANDBOX, "tables": (USERS,), "topics": {"delete": ["shop.*"]}, **sources}
        )
        return CapturedTablesArgs.from_config(config, declared_sinks(config)).inputs()

    without = news()
    (reason,), _ = checked(news(port=5432), without, capsys)
    assert "shop is no longer in datapipe:sources" in reason
    assert "sources.shop.onRemoval: drop" in reason
    for choice in ("drop", "keep"):
        assert checked(news(onRemoval=choice), without, capsys)[0] == []
    changed = CapturedTablesProvider().diff("", news(port=5432), news(onRemoval="drop"))
    assert changed.changes, "the choice must be in the state before the source leaves"
