"""A stack captures the managed database and existing ones side by side, each under its own name."""

import json
from typing import Any

import pytest

from components.config import ConfigError, StackConfig, parse
from components.config.tables import SAMPLE_TABLES
from components.security.arguments import SecurityArgs
from components.security.network import flows, policy_specs
from components.streaming.access.grants import grants
from components.streaming.accounts import access_arguments
from components.streaming.sinks.declared import declared_sinks
from components.streaming.topics import TopicsArgs
from tests.unit.deployment import Deployment, visible_text
from tests.unit.existing_databases import AUTHORITY, CRM, SHOP
from tests.unit.streaming_stack import (
    SANDBOX,
    deploy_stack,
    design,
    source_connectors,
    topics_for,
)

ROOMY = {"connect": {"memoryRequest": "2Gi", "memoryLimit": "2Gi"}}


def three(shop: dict[str, Any] | None = None, **sections: Any) -> StackConfig:
    """Return the sandbox's stack with two existing databases."""
    sources = {"shop": SHOP | (shop or {}), "crm": CRM}
    return design(**{**SANDBOX, "sources": sources, "sizing": ROOMY, **sections})


def refusal(**sections: Any) -> str:
    with pytest.raises(ConfigError) as refused:
        three(**sections)
    return str(refused.value)


@pytest.fixture(scope="module")
def deployed() -> Deployment:
    return deploy_stack(three())


def names(deployment: Deployment, kind: str) -> set[str]:
    return {one.name for one in deployment.of_type(kind)}


class TestNames:
    def test_the_managed_database_is_first_and_keeps_its_own(self) -> None:
        managed, shop, crm = three().databases
        assert (managed.name, managed.managed, managed.catalog_database) == (
            "postgres",
            True,
            "cdc",
        )
        assert [shop.catalog_database, crm.catalog_database] == ["cdc_shop", "cdc_crm"]
        assert shop.partitions == {"public.users": 6, "sales.orders": 12}

    def test_topics_are_those_of_each_source(self) -> None:
        found = {topic.name: topic.partitions for topic in topics_for(three())}
        for prefix in ("postgres", "shop", "crm"):
            assert {
                f"{prefix}.public.users",
                f"{prefix}.transaction",
                f"__debezium-heartbeat.{prefix}",
                f"schema-changes.{prefix}",
            } <= set(found)
        assert found["shop.sales.orders"] == 12

    def test_each_source_has_its_connector_slot_and_account(self) -> None:
        connectors = {one.name: one.properties() for one in source_connectors(three())}
        assert list(connectors) == [
            "postgres-cdc-connector",
            "shop-cdc-connector",
            "crm-cdc-connector",
        ]
        slots = [one["slot.name"] for one in connectors.values()]
        assert slots == ["debezium_slot", "datapipe_shop", "datapipe_crm"]
        users = [one["database.user"] for one in connectors.values()]
        assert users == [
            "${env:DBZ_DB_USERNAME}",
            "${env:DBZ_DB_USERNAME_SHOP}",
            "${env:DBZ_DB_USERNAME_CRM}",
        ]
        assert connectors["shop-cdc-connector"]["database.sslrootcert"].endswith(
            "/postgresql-ca-shop.crt"
        )
        assert "database.sslrootcert" not in connectors["crm-cdc-connector"]

    def test_the_managed_database_may_have_a_connector_for_each_table(self) -> None:
        source = {"isolation": "per-table", "maxReplicationSlots": 8, "maxWalSenders": 8}
        found = [one.name for one in source_connectors(three(source=source))]
        assert [name for name in found if name.startswith("postgres-")] == [
            f"postgres-cdc-connector-{table}" for table in SAMPLE_TABLES
        ]
        assert found[-2:] == ["shop-cdc-connector", "crm-cdc-connector"]

    def test_resources_of_the_managed_database_are_those_of_a_stack_without_others(
        self, deployed: Deployment
    ) -> None:
        alone = deploy_stack(design(**{**SANDBOX, "sizing": ROOMY}))
        assert {(one.type, one.name) for one in alone.resources} <= {
            (one.type, one.name) for one in deployed.resources
        }
        for kind, name in (("Connector", "postgres-cdc-connector"), ("CatalogDatabase", "catalog")):
            assert deployed.one(kind, name).inputs == alone.one(kind, name).inputs


class TestWorker:
    def test_each_account_is_in_its_secret_and_nowhere_else(self, deployed: Deployment) -> None:
        secret = deployed.one("Secret", "kafka-connect")
        data = secret.inputs["stringData"]
        assert data["DBZ_DB_PASSWORD_SHOP"] == "of-the-shop"
        assert data["DBZ_DB_PASSWORD_CRM"] == "of-the-crm"
        assert data["DBZ_DB_PASSWORD"] not in {"of-the-shop", "of-the-crm"}
        assert {"DBZ_DB_USERNAME", "DBZ_DB_USERNAME_SHOP", "DBZ_DB_USERNAME_CRM"} <= set(data)
        shown = visible_text(deployed)
        assert "of-the-shop" not in shown
        assert "of-the-crm" not in shown

    def test_each_authority_and_query_has_its_file(self, deployed: Deployment) -> None:
        files = deployed.one("ConfigMap", "kafka-connect").inputs["data"]
        assert files["postgresql-ca-shop.crt"] == AUTHORITY
        assert {
            "postgresql-ca.crt",
            "captured-tables.sql",
            "captured-tables-shop.sql",
            "captured-tables-crm.sql",
        } <= set(files)

    def test_it_may_connect_to_each_server_at_its_port_and_nowhere_else(self) -> None:
        args = SecurityArgs.from_config(three(), ())
        egress = policy_specs(args.workloads, flows(args))["kafka-connect"]["egress"]
        blocks = {
            (peer["ipBlock"]["cidr"], port["port"])
            for rule in egress
            for peer in rule["to"]
            for port in rule["ports"]
            if "ipBlock" in peer
        }
        assert {("10.20.0.0/24", 5432), ("10.30.0.7/32", 6432)} <= blocks
        assert not blocks & {("10.20.0.0/24", 6432), ("10.30.0.7/32", 5432)}
        assert "postgresql" in policy_specs(args.workloads, flows(args))

    def test_two_databases_of_one_server_are_one_rule(self) -> None:
        args = SecurityArgs.from_config(
            three(shop={"host": "10.30.0.7", "networks": [], "port": 6432, "user": "shop"}), ()
        )
        to_servers = [one for one in flows(args) if one.reason == "change data capture"]
        assert len(to_servers) == 2

    def test_metrics_name_the_source_where_tables_may_have_one_name(self) -> None:
        counted = {
            one.name: one.properties().get("transforms.countEvents.source")
            for one in source_connectors(three())
        }
        assert counted == {
            "postgres-cdc-connector": None,
            "shop-cdc-connector": "shop",
            "crm-cdc-connector": "crm",
        }
        sink = declared_sinks(three()).archive.connector.properties()
        chain = sink["transforms"].split(",")
        assert chain[:3] == ["countEvents", "countEvents_shop", "countEvents_crm"]
        assert sink["transforms.countEvents_shop.topic.prefix"] == "shop."

    def test_the_lag_of_every_source_is_shown(self, deployed: Deployment) -> None:
        rules = deployed.one("ConfigMap", "kafka-connect").inputs["data"]["metrics.yml"]
        for prefix in ("postgres", "shop", "crm"):
            assert f"topic={prefix}_*,partition=*" in rules
            assert f"({prefix})_(public)_(" in rules
        assert r"server=(?:postgres|([^,]+))" in rules


class TestArchive:
    def test_one_sink_leads_each_topic_to_the_database_of_its_source(self) -> None:
        sink = declared_sinks(three()).archive
        assert {
            "postgres.public.users": "cdc.users",
            "shop.public.users": "cdc_shop.users",
            "shop.sales.orders": "cdc_shop.sales_orders",
            "crm.public.users": "cdc_crm.users",
        }.items() <= sink.archived_topics().items()

    def test_each_source_has_a_glue_database(self, deployed: Deployment) -> None:
        found = {one.name: one.inputs["name"] for one in deployed.of_type("CatalogDatabase")}
        assert found == {"catalog": "cdc", "catalog-shop": "cdc_shop", "catalog-crm": "cdc_crm"}

    @pytest.mark.parametrize("policy", ["write-archive", "maintain-archive"])
    def test_the_identities_may_use_all_of_them_and_no_other(
        self, deployed: Deployment, policy: str
    ) -> None:
        document = json.loads(deployed.one("Policy", policy).inputs["policy"])
        used = {
            arn.split(":", 5)[-1]
            for statement in document["Statement"]
            for arn in statement["Resource"]
            if ":glue:" in arn
        }
        databases = ("cdc", "cdc_shop", "cdc_crm")
        assert used == {
            "catalog",
            *(f"database/{name}" for name in databases),
            *(f"table/{name}/*" for name in databases),
        }

    def test_files_are_in_a_folder_of_their_source(self) -> None:
        sources = {"shop": SHOP, "crm": CRM}
        sink = declared_sinks(design(sources=sources, archive={"tasks": 4})).archive
        assert sink.archived_topics()["crm.public.users"] == "topics/crm.public.users"
        pattern = sink.connector.properties()["topics.regex"]
        assert pattern == (r"(postgres\.public\..*|shop\.(public|sales)\..*|crm\.public\..*)")

    def test_the_maintenance_knows_the_tables_of_all(self, deployed: Deployment) -> None:
        files = deployed.one("ConfigMap", "archive-maintenance").inputs["data"]
        (tables,) = [
            line for line in files["maintenance.properties"].splitlines() if "tables=" in line
        ]
        assert {"cdc.users", "cdc_shop.sales_orders", "cdc_crm.users"} <= set(
            tables.partition("=")[2].split(",")
        )

    def test_aws_maintains_tables_of_any_source(self) -> None:
        listed = ["public.users", "shop.sales.orders"]
        config = three(
            aws={},
            images={"icebergPlugin": "/x"},
            archive={"sink": "iceberg", "maintenance": {"kind": "glue", "glueTables": listed}},
        )
        optimizers = deploy_stack(config).of_type("CatalogTableOptimizer")
        assert {(one.inputs["databaseName"], one.inputs["tableName"]) for one in optimizers} == {
            ("cdc", "users"),
            ("cdc_shop", "sales_orders"),
        }
        assert "shop.sales.orders-compaction" in {one.name for one in optimizers}


class TestAccess:
    def test_every_source_may_write_its_own_topics(self) -> None:
        config = three(kafka={"security": "tls"})
        sinks = declared_sinks(config)
        found = grants(access_arguments(config, sinks, TopicsArgs.from_config(config, sinks)))
        of_worker = {
            (one.kind, one.name, operation)
            for one in found
            if one.account == "kafka-connect"
            for operation in one.operations
        }
        for prefix in ("postgres", "shop", "crm"):
            assert ("Topic", f"{prefix}.", "Write") in of_worker
            assert ("Topic", f"{prefix}.", "Read") in of_worker
            assert ("Topic", f"__debezium-heartbeat.{prefix}", "Write") in of_worker
            identifier = f"connect-cluster-{prefix}-cdc-connector"
            assert ("TransactionalID", identifier, "Write") in of_worker


class TestContradictions:
    @pytest.mark.parametrize(
        ("sections", "problem"),
        [
            (
                {"sources": {"shop": SHOP, "b": SHOP | {"slot": "datapipe_shop"}}},
                "datapipe:sources.b.slot: datapipe_shop is also the slot of shop",
            ),
            (
                {"sources": {"shop": SHOP, "b": SHOP | {"publication": "datapipe_shop"}}},
                "sources.b.publication: datapipe_shop is also the publication of sources.shop",
            ),
            (
                {"sources": {"shop": SHOP, "b": SHOP | {"password": "another"}}},
                "sources.b.password: is not that of sources.shop, which has the same user datapipe",
            ),
            (
                {
                    "sources": {
                        "a": SHOP | {"tables": {"b_c.d": {}}},
                        "a_b": CRM | {"tables": {"c.d": {}}},
                    }
                },
                "datapipe:sources.a_b.tables: b_c.d and c.d can't be captured together",
            ),
            (
                {"sources": {"a": SHOP | {"tables": {"b.transaction": {}}}, "a_b": CRM}},
                "Kafka does not tell apart the topics a.b.transaction and a_b.transaction",
            ),
            (
                {
                    "sources": {
                        "a": SHOP | {"objectNames": "short"},
                        "b": CRM | {"objectNames": "short"},
                    }
                },
                "sources.b.objectNames: short is already that of sources.a",
            ),
            (
                {
                    "sources": {"shop": SHOP | {"objectNames": "short"}},
                    "source": {"objectNames": "short"},
                },
                "sources.shop.objectNames: short is already that of source.objectNames",
            ),
            (
                {"tables": []},
                "datapipe:tables: must not be empty",
            ),
            (
                {"archive": {"catalogDatabase": "c" * 252}},
                "archive.catalogDatabase: is too long: " + "c" * 252 + "_shop",
            ),
        ],
    )
    def test_what_two_sources_would_share_is_refused(
        self, sections: dict[str, Any], problem: str
    ) -> None:
        assert problem in refusal(**sections)

    @pytest.mark.parametrize("slot", ["datapipe_crm", "debezium_slot"])
    def test_one_slot_name_on_two_servers_would_be_one_in_the_metrics(self, slot: str) -> None:
        assert f"{slot} is also the slot of" in refusal(
            sources={"crm": CRM, "shop": SHOP | {"slot": slot}}
        )

    def test_a_source_may_not_have_the_name_of_anothers_views(self) -> None:
        athena = {"readers": ["arn:aws:iam::123456789012:root"]}
        text = refusal(
            sources={"shop": SHOP, "shop_views": CRM}, aws={}, archive={"athena": athena}
        )
        assert "its Glue database cdc_shop_views is also one of shop's" in text

    def test_a_table_without_its_source_is_refused_where_no_database_is_meant(self) -> None:
        given = {
            "archive": {"bucket": "datapipe-ingestion-test"},
            "sources": {"shop": SHOP, "crm": CRM},
            "topics": {"delete": ["public.users"]},
        }
        with pytest.raises(ConfigError, match=r"write <source>\.public\.users"):
            parse(given, "Pulumi.test.yaml")


class TestObjectNames:
    def labels(self, *configs: StackConfig) -> list[list[str | None]]:
        return [[one.label for one in config.databases] for config in configs]

    def alone(self, **sources: Any) -> StackConfig:
        archive = {"bucket": "datapipe-ingestion-test"}
        return parse({"archive": archive, "sources": sources}, "Pulumi.test.yaml")

    def test_those_of_the_only_or_the_managed_database_are_short(self) -> None:
        assert self.labels(self.alone(shop=SHOP), three()) == [[None], [None, "shop", "crm"]]
        assert self.labels(self.alone(shop=SHOP, crm=CRM)) == [["shop", "crm"]]

    def test_the_stack_file_may_say_which(self) -> None:
        short, qualified = {"objectNames": "short"}, {"objectNames": "qualified"}
        assert self.labels(
            self.alone(shop=SHOP | qualified),
            self.alone(shop=SHOP | short, crm=CRM),
            three(shop=short),
            three(source=qualified),
        ) == [["shop"], [None, "crm"], ["postgres", None, "crm"], ["postgres", "shop", "crm"]]

    def test_a_managed_database_with_qualified_names_has_them_everywhere(self) -> None:
        deployment = deploy_stack(three(shop={"objectNames": "short"}))
        assert names(deployment, "CatalogDatabase") == {
            "catalog",
            "catalog-postgres",
            "catalog-crm",
        }
        data = deployment.one("Secret", "kafka-connect").inputs["stringData"]
        assert data["DBZ_DB_PASSWORD"] == "of-the-shop"
        assert "DBZ_DB_PASSWORD_POSTGRES" in data


def test_passwords_of_sources_are_not_in_messages() -> None:
    text = refusal(sources={"shop": SHOP, "b": SHOP | {"password": "another"}})
    assert "of-the-shop" not in text
    assert "another" not in text.replace("another account", "")
