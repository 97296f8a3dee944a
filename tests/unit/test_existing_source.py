"""A stack may name an existing database instead of the managed one; contradictions are refused."""

import json
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pulumi
import pytest
from pulumi.runtime import config as runtime_config

from components.config import ConfigError, StackConfig, load, parse
from components.config.tables import SAMPLE_TABLES
from components.security.arguments import SecurityArgs
from components.security.network import flows, policy_specs
from tests.unit.existing_databases import AUTHORITY
from tests.unit.streaming_stack import SANDBOX, deploy_stack, source_connector, topics_for

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
    (shop,) = stack().databases
    assert shop.tables == ("public.users", "sales.orders")
    assert shop.topic_prefix == "shop"
    assert shop.settings.slot == shop.settings.publication == "datapipe_shop"
    assert shop.settings.excluded_columns == {"public.users": ("full_name",)}
    assert shop.catalog_database == "cdc_shop"
    assert shop.partitions == {"public.users": 6, "sales.orders": 12}


def test_a_stack_without_sources_keeps_every_name() -> None:
    config = parse({"archive": ARCHIVE, "tables": SAMPLE_TABLES}, "Pulumi.test.yaml")
    (managed,) = config.databases
    assert managed.topic_prefix == "postgres"
    assert managed.settings.slot == "debezium_slot"
    assert managed.catalog_database == "cdc"
    assert managed.managed


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
        ({"host": "10.1.2.999"}, "host", "'10.1.2.999' is not a valid host"),
        ({"networks": [10]}, "networks[0]", "10 is not an IPv4 network"),
        ({"user": "pg_reader"}, "user", "pg_ first, which PostgreSQL reserves"),
        ({"ssl_mode": "require"}, "ssl_mode", "unknown key; did you mean sslMode?"),
        ({"tables": {"pg_catalog.pg_class": {}}}, "tables.pg_catalog.pg_class", "not publish"),
        ({"tables": {"public.Users": {}}}, "tables.public.Users", "'public.Users' is not a valid"),
        ({"password": None}, "password", "is empty, but must be text"),
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


@pytest.mark.parametrize(
    ("section", "value"),
    [
        ("source", {"slot": "other"}),
        ("topics", {"overrides": {"public.users": {"partitions": 3}}}),
    ],
)
def test_settings_of_a_managed_database_are_refused_without_it(section: str, value: Any) -> None:
    assert "is for the managed database" in refusal(**{section: value})


def test_the_worker_may_connect_to_its_network_and_no_pod_of_postgresql_exists() -> None:
    args = SecurityArgs.from_config(stack({"port": 6432}), ())
    specs = policy_specs(args.workloads, flows(args))
    assert "postgresql" not in specs
    to_database = {
        "to": [{"ipBlock": {"cidr": "10.20.0.0/24"}}],
        "ports": [{"protocol": "TCP", "port": 6432}],
    }
    assert to_database in specs["kafka-connect"]["egress"]


def test_an_address_is_its_own_network() -> None:
    (network,) = stack({"host": "10.1.2.3", "networks": []}).sources["shop"].allowed_networks
    assert str(network) == "10.1.2.3/32"


def test_its_connector_has_names_of_its_own() -> None:
    connector = source_connector(stack({"sslMode": "require", "caCertificate": None}))
    properties = connector.properties()
    assert connector.name == "shop-cdc-connector"
    assert connector.topics() == ("shop.public.users", "shop.sales.orders")
    assert properties["database.hostname"] == "db.example.com"
    assert properties["database.sslmode"] == "require"
    assert "database.sslrootcert" not in properties
    assert properties["column.exclude.list"] == r"(?-i)public\.users\.full_name"
    assert "datapipe" in properties["heartbeat.action.query"]
    assert PASSWORD not in str(properties)


def test_alone_in_a_stack_its_objects_have_the_names_of_the_managed_ones() -> None:
    sections = {**SANDBOX, "archive": ARCHIVE | SANDBOX["archive"]}
    existing, managed = (
        deploy_stack(parse(sections | tables, "Pulumi.test.yaml"))
        for tables in ({"sources": {"shop": SHOP}}, {"tables": SAMPLE_TABLES})
    )
    for kind, part in (("Secret", "stringData"), ("ConfigMap", "data")):
        of_existing, of_managed = (
            set(one.one(kind, "kafka-connect").inputs[part]) for one in (existing, managed)
        )
        assert of_existing == of_managed
    catalog = existing.one("CatalogDatabase")
    assert (catalog.name, catalog.inputs["name"]) == ("catalog", "cdc_shop")
    of_shop = ("shop", "postgres")
    others = {
        one.name for one in existing.resources if not any(part in one.name for part in of_shop)
    }
    assert others <= {one.name for one in managed.resources}


def test_every_topic_has_its_name() -> None:
    names = {topic.name for topic in topics_for(stack())}
    assert {"shop.public.users", "shop.transaction", "__debezium-heartbeat.shop"} <= names
    assert not [name for name in names if "postgres" in name]


class TestPassword:
    """The password is a secret of the stack, or it is refused."""

    @pytest.fixture
    def set_config(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
        monkeypatch.setattr(pulumi, "get_project", lambda: "datapipe")
        monkeypatch.setattr(pulumi, "get_stack", lambda: "test")
        tokens = runtime_config.CONFIG.set({}), runtime_config._SECRET_KEYS.set(set())
        yield runtime_config.set_all_config
        runtime_config.CONFIG.reset(tokens[0])
        runtime_config._SECRET_KEYS.reset(tokens[1])

    VALUES: ClassVar = {
        "datapipe:archive": json.dumps(ARCHIVE),
        "datapipe:sources": json.dumps({"shop": SHOP}),
    }

    def test_as_a_secret_it_is_taken(self, set_config: Callable[..., None]) -> None:
        set_config(self.VALUES, ["datapipe:sources"])
        assert load().sources["shop"].password.get_secret_value() == PASSWORD

    def test_in_clear_text_it_is_refused(self, set_config: Callable[..., None]) -> None:
        set_config(self.VALUES, [])
        with pytest.raises(ConfigError, match=r"sources\.shop\.password: is in the stack") as told:
            load()
        assert PASSWORD not in str(told.value)
