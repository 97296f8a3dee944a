"""A stack may name an existing database instead of the managed one; contradictions are refused."""

from typing import Any

import pytest

from components.config import ConfigError, StackConfig, parse
from components.config.tables import SAMPLE_TABLES
from tests.unit.existing_databases import AUTHORITY

ARCHIVE = {"bucket": "datapipe-ingestion-test"}
PASSWORD = "hunter2-and-more"
SHOP = {
    "host": "db.example.com",
    "database": "shop",
    "password": PASSWORD,
    "caCertificate": AUTHORITY,
    "networks": ["10.20.0.0/24"],
    "tables": {
        "public.users": {"excludedColumns": ["full_name"]},
        "sales.orders": {"partitions": 12},
    },
}


def stack(shop: dict[str, Any] | None = None, **sections: Any) -> StackConfig:
    sources = {"shop": {**SHOP, **(shop or {})}}
    return parse({"archive": ARCHIVE, "sources": sources, **sections}, "Pulumi.test.yaml")


def refusal(shop: dict[str, Any] | None = None, **sections: Any) -> str:
    with pytest.raises(ConfigError) as refused:
        stack(shop, **sections)
    text = str(refused.value)
    assert PASSWORD not in text
    return text


def test_its_tables_and_names_are_those_of_the_source() -> None:
    config = stack()
    assert config.tables == ("public.users", "sales.orders")
    assert config.topic_prefix == "shop"
    assert config.source.slot == config.source.publication == "datapipe_shop"
    assert config.source.excluded_columns == {"public.users": ("full_name",)}
    assert config.archive.catalog_database == "cdc_shop"
    assert config.partitions == {"public.users": 6, "sales.orders": 12}


def test_a_stack_without_sources_keeps_every_name() -> None:
    config = parse({"archive": ARCHIVE, "tables": SAMPLE_TABLES}, "Pulumi.test.yaml")
    assert config.topic_prefix == "postgres"
    assert config.source.slot == "debezium_slot"
    assert config.archive.catalog_database == "cdc"
    assert config.existing is None


def test_the_password_is_shown_nowhere() -> None:
    assert PASSWORD not in repr(stack())


@pytest.mark.parametrize(
    ("shop", "key", "problem"),
    [
        ({"host": "postgres://db"}, "host", "a DNS name or an IPv4 address"),
        ({"host": "10.1.2.3", "networks": ["10.20.0.0/24"]}, "networks", "does not contain"),
        ({"networks": []}, "networks", "is required, as the host db.example.com is a name"),
        ({"networks": ["10.20.0.1/24"]}, "networks[0]", "is not an IPv4 network"),
        ({"caCertificate": None}, "caCertificate", "is required where sslMode is verify-full"),
        ({"sslMode": "require"}, "caCertificate", "is not used where sslMode is require"),
        ({"caCertificate": "MIIB"}, "caCertificate", "is not a certificate in PEM form"),
        ({"caCertificate": "-----BEGIN PRIVATE KEY-----"}, "caCertificate", "a private key"),
        ({"sslMode": "prefer"}, "sslMode", "allowed: verify-full, verify-ca, require, disable"),
        ({"password": "pässword"}, "password", "printable ASCII"),
        ({"password": ""}, "password", "not empty"),
        ({"tables": {}}, "tables", "must not be empty"),
        ({"tables": ["public.users"]}, "tables", "a section for each table, by schema.table"),
        ({"tables": {"users": {}}}, "tables.users", "has no schema"),
        ({"tables": {"a.b_c": {}, "a_b.c": {}}}, "tables", "the topics shop.a.b_c and shop.a_b.c"),
        ({"incompleteRows": ["a.b/0123456789abcdef"]}, "incompleteRows", "is not a row of one of"),
        ({"service": "azure"}, "service", "allowed: self-managed, rds, aurora, cloud-sql"),
        ({"port": 0}, "port", "0 is too low"),
    ],
)
def test_a_wrong_key_is_refused(shop: dict[str, Any], key: str, problem: str) -> None:
    lines = [line for line in refusal(shop).splitlines() if line.startswith("  datapipe:")]
    assert any(
        line.startswith(f"  datapipe:sources.shop.{key}") and problem in line for line in lines
    ), lines


@pytest.mark.parametrize("name", ["Shop", "1shop", "my-shop", "postgres", "s" * 31])
def test_a_name_that_would_not_be_a_topic_prefix_is_refused(name: str) -> None:
    assert f"datapipe:sources.{name}: " in refusal(sources={name: SHOP})


def test_a_missing_password_is_refused_with_the_command() -> None:
    without = {key: value for key, value in SHOP.items() if key != "password"}
    assert "pulumi config set --secret --path" in refusal(sources={"shop": without})


def test_a_second_database_is_refused() -> None:
    text = refusal(sources={"shop": SHOP, "crm": SHOP})
    assert "has shop, crm, but a stack captures one existing database in this version" in text


@pytest.mark.parametrize(
    ("section", "value"),
    [
        ("tables", list(SAMPLE_TABLES)),
        ("source", {"slot": "other"}),
        ("topics", {"overrides": {"public.users": {"partitions": 3}}}),
    ],
)
def test_settings_of_the_managed_database_are_refused_beside_it(section: str, value: Any) -> None:
    assert "is for the managed database" in refusal(**{section: value})
