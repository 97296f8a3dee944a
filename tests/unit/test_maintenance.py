"""The archive's maintenance: its keys, its job, its identity and what a preview says of it."""

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from components.archive.access import maintenance_policy, optimizer_trust_policy
from components.archive.layer import Archive, ArchiveArgs
from components.archive.optimizers import configurations
from components.config import StackConfig
from components.config.load import ConfigError
from components.config.maintenance import MaintenanceSettings
from components.sizing import MAINTENANCE_JVM, Sizing, heap_for
from components.streaming.maintenance.configuration import maintenance_properties
from components.streaming.maintenance.warnings import maintenance_warnings
from components.streaming.sinks.declared import declared_sinks
from tests.unit.deployment import ACCOUNT, Deployment
from tests.unit.streaming_stack import OWN_ICEBERG, deploy_stack, design, sandbox

BUCKET = "arn:aws:s3:::datapipe-ingestion-test"
DATABASE = f"arn:aws:glue:us-east-1:{ACCOUNT}:database/cdc"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/ABC"


def iceberg(maintenance: dict[str, Any] | None = None, **sections: Any) -> StackConfig:
    """Return a stack on AWS with an Iceberg archive."""
    archive = {"sink": "iceberg", "maintenance": maintenance or {}, **sections.pop("archive", {})}
    return design(images=OWN_ICEBERG, archive=archive, **sections)


@pytest.fixture(scope="module")
def deployed() -> Deployment:
    return deploy_stack(sandbox())


def job_of(deployment: Deployment) -> dict[str, Any]:
    return dict(deployment.one("CronJob").inputs["spec"]["jobTemplate"]["spec"])


def pod_of(deployment: Deployment) -> dict[str, Any]:
    return dict(job_of(deployment)["template"]["spec"])


class TestKeys:
    @pytest.mark.parametrize(
        "schedule", ["17 * * * *", "*/15 * * * *", "0 3 * * 1-5", "5,35 0-6/2 1 1,7 0"]
    )
    def test_schedules_of_cron_are_accepted(self, schedule: str) -> None:
        assert MaintenanceSettings(schedule=schedule).schedule == schedule

    @pytest.mark.parametrize(
        "schedule",
        [
            "hourly",
            "* * * *",
            "60 * * * *",
            "0 24 * * *",
            "9-3 * * * *",
            "* * 0 * *",
            "*/0 * * * *",
            "0 3 * * 7",
            "١٧ * * * *",
        ],
    )
    def test_other_text_is_refused_with_an_example(self, schedule: str) -> None:
        with pytest.raises(ConfigError, match=r"archive.maintenance.schedule.*17 \* \* \* \*"):
            iceberg({"schedule": schedule})

    @pytest.mark.parametrize(
        "schedule", ["0 3 30 2 *", "0 3 31 4,6,9-11/2 *", "* * 30-31 2-2/5 */1"]
    )
    def test_a_day_that_does_not_exist_is_refused(self, schedule: str) -> None:
        with pytest.raises(ConfigError, match=r"archive.maintenance.schedule.*is never due"):
            iceberg({"schedule": schedule})

    @pytest.mark.parametrize("schedule", ["0 3 29 2 *", "0 3 30 2 1", "0 3 31 4,5 *"])
    def test_a_day_that_exists_at_times_is_accepted(self, schedule: str) -> None:
        assert MaintenanceSettings(schedule=schedule).schedule == schedule

    def test_iceberg_is_maintained_by_default_and_files_are_not(self) -> None:
        assert iceberg().archive.maintenance_kind == "job"
        assert design().archive.maintenance_kind == "none"

    @pytest.mark.parametrize("kind", ["job", "glue"])
    def test_files_have_no_maintenance_to_choose(self, kind: str) -> None:
        with pytest.raises(ConfigError, match=f"maintenance.kind: {kind} needs archive.sink iceb"):
            design(archive={"maintenance": {"kind": kind}})

    def test_glue_needs_aws_itself(self) -> None:
        with pytest.raises(ConfigError, match="glue needs AWS itself"):
            sandbox(archive={"sink": "iceberg", "maintenance": {"kind": "glue"}})

    def test_a_table_with_an_optimizer_is_a_captured_one(self) -> None:
        with pytest.raises(ConfigError, match=r"glueTables: public.unknown is not a captured"):
            iceberg({"kind": "glue", "glueTables": ["public.unknown"]})

    def test_tables_of_glue_without_glue_are_refused(self) -> None:
        with pytest.raises(ConfigError, match=r"glueTables: needs AWS's table optimizers"):
            iceberg({"glueTables": ["public.users"]})

    @pytest.mark.parametrize(
        "topics",
        [{"retentionMs": 192 * 3_600_000}, {"overrides": {"public.users": {"retentionMs": 10**9}}}],
    )
    def test_no_file_that_the_sink_can_still_commit_is_an_orphan(
        self, topics: dict[str, Any]
    ) -> None:
        with pytest.raises(ConfigError, match=r"orphanMinAgeHours: 192 is not above the topics'"):
            iceberg(topics=topics)

    def test_the_identitys_name_has_room_in_iam(self) -> None:
        assert iceberg(archive={"bucket": "b" * 52})
        with pytest.raises(ConfigError, match="bucket: has 53 characters"):
            iceberg(archive={"bucket": "b" * 53})


class TestJob:
    def test_two_runs_never_overlap_and_each_has_an_end(self, deployed: Deployment) -> None:
        spec = deployed.one("CronJob", "archive-maintenance").inputs["spec"]
        assert spec["concurrencyPolicy"] == "Forbid"
        assert spec["startingDeadlineSeconds"] > 0
        job = job_of(deployed)
        assert (job["parallelism"], job["completions"]) == (1, 1)
        assert 0 < job["activeDeadlineSeconds"] < 3600
        assert job["backoffLimit"] >= 1

    def test_it_runs_the_program_in_the_workers_image(self, deployed: Deployment) -> None:
        [container] = pod_of(deployed)["containers"]
        [worker] = deployed.one("Deployment", "kafka-connect").inputs["spec"]["template"]["spec"][
            "containers"
        ]
        assert container["name"] == "maintenance"
        assert container["image"] == worker["image"]
        assert container["args"] == ["maintain"]
        variables = {one["name"]: one["value"] for one in container["env"]}
        heap = heap_for(Sizing().maintenance.memory_limit, MAINTENANCE_JVM)
        assert f"-Xmx{heap}m" in variables["MAINTENANCE_JAVA_OPTS"]
        assert variables["ICEBERG_PLUGIN"] == "/kafka/connect/iceberg-sink"

    def test_its_pod_has_no_token_and_writes_nowhere_but_tmp(self, deployed: Deployment) -> None:
        pod = pod_of(deployed)
        assert pod["serviceAccountName"] == "archive-maintenance-sa"
        assert pod["automountServiceAccountToken"] is False
        [container] = pod["containers"]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        writable = [one["mountPath"] for one in container["volumeMounts"] if "readOnly" not in one]
        assert writable == ["/tmp"]

    def test_its_access_key_is_not_the_sinks(self, deployed: Deployment) -> None:
        secret = deployed.one("Secret", "archive-maintenance")
        assert set(secret.inputs["stringData"]) == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
        assert secret.secret_paths
        keys = {one.name: one.inputs["user"] for one in deployed.of_type("AccessKey")}
        assert keys == {
            "sink-user": "datapipe-ingestion-test",
            "maintenance-user": "datapipe-ingestion-test-maintenance",
        }

    def test_a_rotation_replaces_its_key(self) -> None:
        rotated = deploy_stack(sandbox(security={"credentialsVersion": 2}))
        names = {one.name for one in rotated.of_type("AccessKey")}
        assert names == {"sink-user-2", "maintenance-user-2"}

    def test_with_a_role_it_has_a_token_for_aws_and_no_key(self) -> None:
        role = {"access": "role", "oidcProviderArn": PROVIDER}
        deployment = deploy_stack(iceberg(archive=role, connect={"plugins": "image"}))
        pod = pod_of(deployment)
        assert "envFrom" not in pod["containers"][0]
        assert [one.object_name for one in deployment.of_type("Secret")].count(
            "archive-maintenance"
        ) == 0
        trust = json.loads(deployment.one("Role", "maintenance-role").inputs["assumeRolePolicy"])
        [statement] = trust["Statement"]
        subject = "system:serviceaccount:data-ingestion:archive-maintenance-sa"
        assert subject in statement["Condition"]["StringEquals"].values()

    @pytest.mark.parametrize("kind", ["glue", "none"])
    def test_without_it_nothing_of_it_is_there(self, kind: str) -> None:
        deployment = deploy_stack(iceberg({"kind": kind}, connect={"plugins": "image"}))
        assert deployment.of_type("CronJob") == []
        named = [one.name for one in deployment.resources if "archive-maintenance" in one.name]
        assert named == []


class TestProperties:
    def properties(self, config: StackConfig) -> dict[str, Any]:
        maintained = declared_sinks(config).archive.maintained()
        assert maintained is not None
        keys = {
            "postgres.public.users": ["id"],
            "postgres.public.order_items": ["order_id", "line"],
        }
        return dict(maintenance_properties(config.archive.maintenance, maintained, keys))

    def test_the_catalog_is_the_sinks(self) -> None:
        config = sandbox()
        properties = self.properties(config)
        sink = declared_sinks(config).archive.connector.properties()
        for name, value in properties.items():
            if name.startswith("catalog.") and name != "catalog.warehouse":
                assert sink[f"iceberg.{name}"] == value
        assert properties["catalog.warehouse"] == "s3://datapipe-ingestion-test/topics"

    def test_every_table_is_given_what_the_sink_creates_it_with(self) -> None:
        config = sandbox()
        sink = declared_sinks(config).archive.connector.properties()
        created = "iceberg.tables.auto-create-props."
        given = "table.property."
        properties = self.properties(config)
        expected = {k.removeprefix(created): v for k, v in sink.items() if k.startswith(created)}
        assert expected["write.metadata.compression-codec"] == "gzip"
        assert {
            k.removeprefix(given): v for k, v in properties.items() if k.startswith(given)
        } == expected
        by_transform = "transforms.separateKinds.table."
        assert {
            k.removeprefix(by_transform): v for k, v in sink.items() if k.startswith(by_transform)
        } == expected

    def test_tables_and_their_keys(self) -> None:
        properties = self.properties(sandbox())
        assert properties["tables"] == "cdc.users,cdc.products,cdc.orders,cdc.order_items"
        assert properties["key.cdc.users"] == "id"
        assert properties["key.cdc.order_items"] == "order_id,line"
        assert "key.cdc.orders" not in properties

    def test_limits_have_the_programs_units(self) -> None:
        config = sandbox(
            archive={
                "maintenance": {
                    "snapshotMaxAgeHours": 2,
                    "snapshotMaxCount": 50,
                    "targetFileSize": "64Mi",
                    "closedAfterMinutes": 5,
                    "orphanMinAgeHours": 200,
                }
            }
        )
        properties = self.properties(config)
        assert properties["snapshots.maxAgeMs"] == 7_200_000
        assert properties["snapshots.maxCount"] == 50
        assert properties["files.targetBytes"] == 64 * 1024 * 1024
        assert properties["files.closedAfterMs"] == 300_000
        assert properties["orphans.minAgeMs"] == 720_000_000


class TestIdentity:
    def test_it_deletes_files_below_the_prefix_and_no_table(self) -> None:
        statements = maintenance_policy(iceberg().archive, BUCKET, [DATABASE])["Statement"]
        deleting = [one for one in statements if "s3:DeleteObject" in one["Action"]]
        assert [one["Resource"] for one in deleting] == [[f"{BUCKET}/topics/*"]]
        actions = {action for one in statements for action in one["Action"]}
        of_glue = {action for action in actions if action.startswith("glue:")}
        assert of_glue == {"glue:GetTable", "glue:UpdateTable"}
        assert not any("*" in action for action in actions)

    def test_with_a_key_of_kms_it_may_use_it(self) -> None:
        key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"
        config = iceberg(archive={"encryption": "aws:kms", "kmsKeyArn": key})
        statements = maintenance_policy(config.archive, BUCKET, [DATABASE])["Statement"]
        assert [key] in [one["Resource"] for one in statements]


@pytest.fixture(scope="module")
def optimized() -> Deployment:
    """A stack whose tables AWS maintains."""
    listed = {"kind": "glue", "glueTables": ["public.users", "public.orders"]}
    return deploy_stack(iceberg(listed, connect={"plugins": "image"}))


class TestGlue:
    def test_each_listed_table_has_all_optimizers(self, optimized: Deployment) -> None:
        found = {
            (one.inputs["tableName"], one.inputs["type"])
            for one in optimized.of_type("CatalogTableOptimizer")
        }
        kinds = ("compaction", "retention", "orphan_file_deletion")
        assert found == {(table, kind) for table in ("users", "orders") for kind in kinds}
        for one in optimized.of_type("CatalogTableOptimizer"):
            assert one.inputs["catalogId"] == ACCOUNT
            assert "maintenance-role" in one.dependencies

    def test_glue_takes_on_a_role_of_its_own(self, optimized: Deployment) -> None:
        role = optimized.one("Role", "maintenance-role")
        assert json.loads(role.inputs["assumeRolePolicy"]) == optimizer_trust_policy(ACCOUNT)
        policy = json.loads(optimized.one("Policy", "maintain-archive").inputs["policy"])
        assert "WriteLogs" in {one["Sid"] for one in policy["Statement"]}

    def test_aws_counts_in_days(self) -> None:
        made = configurations(MaintenanceSettings(snapshot_max_age_hours=25))
        retention = made["retention"]["retention_configuration"]["iceberg_configuration"]
        assert retention["snapshot_retention_period_in_days"] == 2
        assert retention["number_of_snapshots_to_retain"] == 500


class TestWarnings:
    def test_a_stack_that_fits_has_none(self) -> None:
        assert list(maintenance_warnings(sandbox())) == []
        assert list(maintenance_warnings(design())) == []

    def test_an_archive_that_nobody_maintains(self) -> None:
        [warning] = maintenance_warnings(iceberg({"kind": "none"}))
        assert "grows with each commit" in warning

    def test_tables_without_optimizers(self) -> None:
        [warning] = maintenance_warnings(iceberg({"kind": "glue", "glueTables": ["public.users"]}))
        assert "public.products, public.orders, public.order_items has no table" in warning

    def test_too_little_room_names_the_keys(self) -> None:
        memory, cpu = maintenance_warnings(iceberg())
        assert "add up to 4606Mi with the 512Mi of sizing.maintenance.memoryLimit" in memory
        assert "raise budget.memory by 510Mi" in memory
        assert "raise budget.cpu by 500m" in cpu
        assert list(maintenance_warnings(iceberg(budget={"memory": "5Gi", "cpu": "5"}))) == []


def test_the_identitys_policy_exists_before_the_job(deployed: Deployment) -> None:
    assert "maintenance-user" in deployed.one("CronJob").dependencies


def test_the_archive_layer_alone_returns_the_identity(
    deploy: Callable[[Callable[[], dict[str, pulumi.Input[Any]]]], Deployment],
) -> None:
    def program() -> dict[str, pulumi.Input[Any]]:
        config = iceberg()
        built = Archive(
            "archive", ArchiveArgs.from_config(config, declared_sinks(config).needs, "namespace")
        )
        assert built.maintainer is not None
        return {"role": built.maintainer.role_arn, "key": built.maintainer.access_key_id}

    outputs = deploy(program).outputs
    assert outputs["role"] is None
    assert outputs["key"] is not None
