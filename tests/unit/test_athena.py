"""What archive.athena promises: views of every table, in a workgroup of its own, for readers."""

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest
import sqlglot

from archive_views.table import StoredColumn
from components.archive.athena.catalog import StoredColumns
from components.archive.athena.files import hive_type, partition_keys
from components.archive.athena.layer import Athena, AthenaArgs
from components.archive.athena.queried_source import QueriedSource
from components.archive.layer import Archive, ArchiveArgs
from components.config import StackConfig, parse
from components.config.load import ConfigError
from components.streaming.sinks.declared import declared_sinks
from tests.unit.deployment import ACCOUNT, Deployment, deploy
from tests.unit.existing_databases import SHOP
from tests.unit.streaming_stack import OWN_ICEBERG, design
from tests.verification.memory_archive import CATALOG

ANALYST = f"arn:aws:iam::{ACCOUNT}:role/analyst"
COLUMNS = [["id", "integer"], ["total", "numeric(10,2)"], ["at", "timestamp without time zone"]]


def stack(archive: Mapping[str, Any] | None = None, **sections: Any) -> StackConfig:
    given = {"athena": {"readers": [ANALYST]}, **(archive or {})}
    return design(archive=given, images=OWN_ICEBERG, **sections)


def deployed(config: StackConfig, stored: StoredColumns | None = None) -> Deployment:
    """Return what the layer registers; each table has the columns COLUMNS."""
    sink, athena = declared_sinks(config).archive, config.archive.athena
    assert athena is not None

    def program() -> dict[str, Any]:
        sources = tuple(
            QueriedSource(
                database,
                folders=None if sink.needs_catalog else sink.archived_tables(database),
                columns=pulumi.Output.from_input(dict.fromkeys(database.tables, COLUMNS)),
                keys=pulumi.Output.from_input({table: ["id"] for table in database.tables}),
                stored=stored or {},
            )
            for database in config.databases
        )
        bucket = pulumi.Output.from_input(config.archive.bucket)
        return {
            "reader": Athena(
                "athena", AthenaArgs(config.archive, athena, bucket, sources)
            ).reader_arn
        }

    return deploy(program)


def queries(deployment: Deployment) -> dict[str, str]:
    return {one.inputs["name"]: one.inputs["query"] for one in deployment.of_type("NamedQuery")}


class TestConfiguration:
    @pytest.mark.parametrize(
        "reader",
        [
            "*",
            "analyst",
            "arn:aws:iam::*:role/a",
            f"arn:aws:iam::{ACCOUNT}:role/*",
            "arn:aws:s3:::b",
        ],
    )
    def test_readers_are_named_one_by_one(self, reader: str) -> None:
        with pytest.raises(ConfigError, match=r"athena.readers.*ARN of who may read"):
            stack({"athena": {"readers": [reader]}})

    def test_somebody_must_be_named(self) -> None:
        with pytest.raises(ConfigError, match=r"archive\.athena\.readers"):
            stack({"athena": {"readers": []}})

    def test_results_do_not_go_into_the_archive(self) -> None:
        with pytest.raises(ConfigError, match=r"resultsPrefix: topics is the archive's folder"):
            stack({"athena": {"readers": [ANALYST], "resultsPrefix": "topics"}})

    def test_the_roles_name_must_fit_iam(self) -> None:
        with pytest.raises(ConfigError, match=r"archive\.bucket: has 58 characters.* at most 57"):
            stack({"bucket": "b" * 58})

    def test_the_views_database_must_fit_glue(self) -> None:
        with pytest.raises(ConfigError, match=r"catalogDatabase: has 250 characters.* at most 249"):
            stack({"catalogDatabase": "d" * 250})

    def test_a_stand_in_for_aws_has_no_athena(self) -> None:
        with pytest.raises(ConfigError, match=r"archive\.athena: needs AWS itself"):
            stack(aws={"endpoint": "http://10.0.0.1:5566"})

    def test_two_tables_of_one_name_in_glue_are_refused(self) -> None:
        with pytest.raises(
            ConfigError, match=r"archive\.athena: .* same table sales_users in Glue"
        ):
            stack(tables=["sales.users", "public.sales_users"])

    def test_the_limit_of_a_scan_is_not_below_athenas(self) -> None:
        with pytest.raises(ConfigError, match=r"athena\.scanLimit"):
            stack({"athena": {"readers": [ANALYST], "scanLimit": "9Mi"}})


class TestQueries:
    @pytest.mark.parametrize("sink", ["iceberg", "confluent-s3"])
    def test_each_table_has_its_views_and_all_have_one_of_events(self, sink: str) -> None:
        found = queries(deployed(stack({"sink": sink})))
        tables = ("users", "products", "orders", "order_items")
        expected = {f"{name}{suffix}" for name in tables for suffix in ("", "_changes", "_at")}
        assert found.keys() == {*expected, "s3_cdc_events"}
        for sql in found.values():
            [statement] = sqlglot.parse(sql, read="athena")
            assert statement is not None

    def test_they_read_the_catalogs_tables(self) -> None:
        found = queries(deployed(stack({"sink": "iceberg"})))
        assert 'VIEW "cdc_views"."users" AS' in found["users"]
        assert '"cdc"."users"' in found["users"]
        assert "table_name = 'users'" in found["users"]

    def test_they_read_all_files_of_plain_files(self) -> None:
        found = queries(deployed(stack()))
        assert '"cdc"."users_files"' in found["users"]
        assert "information_schema" not in found["users"]

    def test_columns_of_earlier_types_are_read_from_the_catalog(self) -> None:
        stored = (
            StoredColumn("id", "id", "integer"),
            StoredColumn("total", "total", "integer"),
            StoredColumn("total__text", "total", "text"),
            StoredColumn("gone", "gone", "text"),
        )
        found = queries(deployed(stack({"sink": "iceberg"}), {"users": stored}))
        for column in ("total__text", "gone"):
            assert f'"{column}"' in found["users"]
            assert f'"{column}"' not in found["orders"]

    def test_they_belong_to_the_workgroup_and_the_views_database(self) -> None:
        named = deployed(stack()).of_type("NamedQuery")
        assert named
        for query in named:
            assert query.inputs["workgroup"] == "archive-id"
            assert query.inputs["database"] == "cdc_views"


class TestSources:
    """The managed database and an existing one, which has a table of the same name."""

    CATALOG = ("cdc", "cdc_views", "cdc_shop", "cdc_shop_views")

    def test_each_has_a_database_of_views(self) -> None:
        found = deployed(stack({"sink": "iceberg"}, sources={"shop": SHOP}))
        databases = {one.name: one.inputs["name"] for one in found.of_type("CatalogDatabase")}
        assert databases == {"views": "cdc_views", "views-shop": "cdc_shop_views"}

    def test_each_has_a_query_for_each_of_its_views(self) -> None:
        found = deployed(stack({"sink": "iceberg"}, sources={"shop": SHOP}))
        shop = {
            one.inputs["name"]: one.inputs
            for one in found.of_type("NamedQuery")
            if one.inputs["database"] == "cdc_shop_views"
        }
        tables = ("users", "sales_orders")
        expected = {f"shop.{name}{suffix}" for name in tables for suffix in ("", "_changes", "_at")}
        assert shop.keys() == {*expected, "shop.s3_cdc_events"}
        assert 'VIEW "cdc_shop_views"."users" AS' in shop["shop.users"]["query"]
        assert '"cdc_shop"."users"' in shop["shop.users"]["query"]
        assert '"cdc"."users"' in queries(found)["users"]

    def test_the_events_of_each_database_are_those_of_all_sources(self) -> None:
        found = queries(deployed(stack({"sink": "iceberg"}, sources={"shop": SHOP})))
        for name in ("s3_cdc_events", "shop.s3_cdc_events"):
            for part in ("'postgres' AS", "'shop' AS", '"cdc"."users"', '"cdc_shop"."users"'):
                assert part in found[name]

    def test_plain_files_of_each_have_a_database_of_tables(self) -> None:
        found = deployed(stack(sources={"shop": SHOP}))
        tables = {one.name: one.inputs for one in found.of_type("CatalogTable")}
        assert tables["users_files"]["databaseName"] == "cdc"
        shop = tables["users_files-shop"]
        assert (shop["name"], shop["databaseName"]) == ("users_files", "cdc_shop")
        location = "s3://datapipe-ingestion-test/topics/shop.public.users/"
        assert shop["storageDescriptor"]["location"] == location

    def test_the_reader_may_read_all(self) -> None:
        policy = json.loads(deployed(stack(sources={"shop": SHOP})).one("Policy").inputs["policy"])
        [catalog] = [one["Resource"] for one in policy["Statement"] if one["Sid"] == "ReadCatalog"]
        glue = f"arn:aws:glue:us-east-1:{ACCOUNT}"
        for database in self.CATALOG:
            assert {f"{glue}:database/{database}", f"{glue}:table/{database}/*"} <= set(catalog)

    def test_one_database_alone_keeps_the_names_that_it_had(self) -> None:
        archive = {
            "bucket": "datapipe-ingestion-test",
            "sink": "iceberg",
            "athena": {"readers": [ANALYST]},
        }
        given = {"archive": archive, "images": OWN_ICEBERG, "sources": {"shop": SHOP}}
        found = deployed(parse(given, "Pulumi.test.yaml"))
        [views] = found.of_type("CatalogDatabase")
        assert (views.name, views.inputs["name"]) == ("views", "cdc_shop_views")
        assert "users" in queries(found)

    @pytest.mark.parametrize(
        ("sources", "database"),
        [
            ({"views": SHOP}, "cdc_views"),
            ({"shop": SHOP, "shop_views": {**SHOP, "database": "b"}}, "cdc_shop_views"),
        ],
    )
    def test_no_archive_has_the_name_of_anothers_views(
        self, sources: dict[str, Any], database: str
    ) -> None:
        with pytest.raises(ConfigError, match=rf"Glue database {database} is also one of"):
            stack(sources=sources)


class TestWorkgroup:
    def test_clients_can_choose_neither_the_results_place_nor_their_encryption(self) -> None:
        inputs = deployed(stack()).one("Workgroup").inputs
        configuration = inputs["configuration"]
        assert inputs["name"] == "datapipe-ingestion-test"
        assert configuration["enforceWorkgroupConfiguration"] is True
        assert configuration["resultConfiguration"] == {
            "outputLocation": "s3://datapipe-ingestion-test/athena-results/",
            "encryptionConfiguration": {"encryptionOption": "SSE_S3"},
        }

    def test_results_have_the_archives_key(self) -> None:
        key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"
        config = stack({"encryption": "aws:kms", "kmsKeyArn": key})
        result = deployed(config).one("Workgroup").inputs["configuration"]["resultConfiguration"]
        assert result["encryptionConfiguration"] == {
            "encryptionOption": "SSE_KMS",
            "kmsKeyArn": key,
        }

    def test_a_query_reads_no_more_than_the_limit(self) -> None:
        config = stack({"athena": {"readers": [ANALYST], "scanLimit": "2Gi"}})
        configuration = deployed(config).one("Workgroup").inputs["configuration"]
        assert configuration["bytesScannedCutoffPerQuery"] == 2 * 1024**3

    @pytest.mark.parametrize("days", [7, 30])
    def test_results_are_deleted(self, days: int) -> None:
        config = stack({"athena": {"readers": [ANALYST], "resultsDays": days}})

        def program() -> dict[str, Any]:
            args = ArchiveArgs.from_config(config, declared_sinks(config).needs, "data-ingestion")
            return {"bucket": Archive("archive", args).bucket}

        rules = deploy(program).one("BucketLifecycleConfiguration").inputs["rules"]
        [rule] = [rule for rule in rules if rule["filter"]["prefix"] == "athena-results/"]
        assert (rule["status"], rule["expiration"]) == ("Enabled", {"days": days})


class TestReader:
    def test_only_the_named_readers_take_on_the_role(self) -> None:
        role = deployed(stack()).one("Role")
        [statement] = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        assert statement["Principal"] == {"AWS": [ANALYST]}
        assert role.inputs["name"] == "datapipe-ingestion-test-reader"

    def test_the_key_is_allowed_where_there_is_one(self) -> None:
        key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"
        for config, expected in (
            (stack(), []),
            (stack({"encryption": "aws:kms", "kmsKeyArn": key}), [key]),
        ):
            policy = json.loads(deployed(config).one("Policy").inputs["policy"])
            keys = [one["Resource"] for one in policy["Statement"] if one["Sid"] == "UseKey"]
            assert keys == [[each] for each in expected]


class TestFiles:
    def test_an_iceberg_archive_needs_no_tables_over_files(self) -> None:
        assert deployed(stack({"sink": "iceberg"})).of_type("CatalogTable") == []

    def test_there_is_a_table_of_all_files_and_one_by_hours(self) -> None:
        found = {one.name: one.inputs for one in deployed(stack()).of_type("CatalogTable")}
        location = "s3://datapipe-ingestion-test/topics/postgres.public.users/"
        for name in ("users_files", "users_hours"):
            descriptor = found[name]["storageDescriptor"]
            assert descriptor["location"] == location
            assert {"name": "at", "type": "bigint"} in descriptor["columns"]
        assert "partitionKeys" not in found["users_files"]
        hours = found["users_hours"]
        assert [key["name"] for key in hours["partitionKeys"]] == [
            "archived_year",
            "archived_month",
            "archived_day",
            "archived_hour",
        ]
        assert hours["parameters"]["storage.location.template"] == (
            location + "year=${archived_year}/month=${archived_month}/day=${archived_day}"
            "/hour=${archived_hour}/"
        )
        assert hours["parameters"]["projection.archived_hour.range"] == "0,23"
        assert hours["parameters"]["projection.archived_month.digits"] == "2"

    def test_no_partition_key_has_the_name_of_a_column(self) -> None:
        keys = partition_keys(["archived_year", "Archived_Year_", "id"])
        assert keys["year"] == "archived_year__"
        assert keys["month"] == "archived_month"

    @pytest.mark.parametrize("each", CATALOG["types"], ids=lambda each: each["type"])
    def test_hives_types_are_those_of_the_files(self, each: dict[str, Any]) -> None:
        """By the table in docs/TYPES.md: Parquet's types follow from the archive's."""
        expected = {"text": "string", "struct": "struct<x:double,y:double,wkb:binary,srid:int>"}
        assert hive_type(PRINTED.get(each["type"], each["type"])) == expected.get(
            each["archive"], each["archive"]
        )


# As format_type() prints them, and the base types of the domains.
PRINTED = {
    "time": "time without time zone",
    "time(3)": "time(3) without time zone",
    "timestamp": "timestamp without time zone",
    "timestamp(3)": "timestamp(3) without time zone",
    "timestamp(0)": "timestamp(0) without time zone",
    "timestamptz": "timestamp with time zone",
    "timestamptz(3)": "timestamp(3) with time zone",
    "bit": "bit(1)",
    "positive": "integer",
    "stamp": "timestamp without time zone",
}
