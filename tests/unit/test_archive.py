"""What the archive layer promises: a closed, encrypted bucket that one identity may write to."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from components.archive.access import sink_policy, trust_policy
from components.archive.bucket import STALE_UPLOAD_DAYS
from components.archive.layer import Archive, ArchiveArgs
from components.config import StackConfig
from components.streaming.sinks.declared import declared_sinks
from tests.unit.deployment import ACCOUNT, Deployment, Secret, visible_text
from tests.unit.streaming_stack import OWN_ICEBERG

Stack = Callable[..., StackConfig]
Archived = Callable[..., Deployment]
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/ABC"
ROLE_ACCESS = {"access": "role", "oidcProviderArn": PROVIDER}


@pytest.fixture
def archived(stack: Stack, deploy: Callable[..., Deployment]) -> Archived:
    """The archive layer of a stack with these archive settings."""

    def run(aws: dict[str, Any] | None = None, credentials: int = 1, **archive: Any) -> Deployment:
        config = stack(
            aws=aws or {},
            archive=archive,
            images=OWN_ICEBERG,
            security={"credentialsVersion": credentials},
        )

        def program() -> dict[str, Any]:
            args = ArchiveArgs.from_config(config, declared_sinks(config).needs, "data-ingestion")
            built = Archive("archive", args)
            return {
                "key": built.access_key_id,
                "secret": built.secret_access_key,
                "role": built.role_arn,
            }

        return deploy(program)

    return run


def document(
    deployment: Deployment, kind: str, field: str = "policy", name: str | None = None
) -> dict[str, Any]:
    return dict(json.loads(deployment.one(kind, name).inputs[field]))


def actions(policy: dict[str, Any]) -> set[str]:
    return {action for statement in policy["Statement"] for action in statement["Action"]}


class TestBucket:
    def test_the_public_is_shut_out(self, archived: Archived) -> None:
        inputs = archived().one("BucketPublicAccessBlock").inputs
        for switch in (
            "blockPublicAcls",
            "blockPublicPolicy",
            "ignorePublicAcls",
            "restrictPublicBuckets",
        ):
            assert inputs[switch] is True

    def test_access_lists_are_off(self, archived: Archived) -> None:
        rule = archived().one("BucketOwnershipControls").inputs["rule"]
        assert rule == {"objectOwnership": "BucketOwnerEnforced"}

    def test_nobody_reaches_it_without_tls(self, archived: Archived) -> None:
        [statement] = document(archived(), "BucketPolicy")["Statement"]
        assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert len(statement["Resource"]) == 2

    def test_a_stand_in_without_tls_is_not_locked_out(self, archived: Archived) -> None:
        assert archived(aws={"endpoint": "http://10.0.0.1:5000"}).of_type("BucketPolicy") == []

    def test_objects_are_encrypted(self, archived: Archived) -> None:
        def default(**archive: Any) -> dict[str, Any]:
            kind = "BucketServerSideEncryptionConfiguration"
            [rule] = archived(**archive).one(kind).inputs["rules"]
            return dict(rule["applyServerSideEncryptionByDefault"])

        assert default() == {"sseAlgorithm": "AES256"}
        key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"
        assert default(encryption="aws:kms", kmsKeyArn=key) == {
            "sseAlgorithm": "aws:kms",
            "kmsMasterKeyId": key,
        }

    @pytest.mark.parametrize(
        ("sink", "cold"), [("confluent-s3", "GLACIER"), ("iceberg", "GLACIER_IR")]
    )
    def test_old_data_gets_cheaper_and_tables_stay_readable(
        self, archived: Archived, sink: str, cold: str
    ) -> None:
        stale, aged = archived(sink=sink).one("BucketLifecycleConfiguration").inputs["rules"]
        assert stale["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": STALE_UPLOAD_DAYS}
        assert aged["filter"] == {"prefix": "topics/"}
        assert aged["transitions"] == [
            {"days": 30, "storageClass": "STANDARD_IA"},
            {"days": 180, "storageClass": cold},
        ]

    def test_data_outlives_the_stack_with_its_protection(self, archived: Archived) -> None:
        resources = archived(sink="iceberg").resources
        retained = {one.type for one in resources if one.retain_on_delete}
        with_data = {one.type for one in resources if "s3/bucket" in one.type or "glue" in one.type}
        assert with_data
        assert retained == with_data

    def test_a_throw_away_bucket_is_emptied_and_destroyed(self, archived: Archived) -> None:
        deployment = archived(retain=False)
        assert deployment.one("Bucket").inputs["forceDestroy"] is True
        assert not any(one.retain_on_delete for one in deployment.resources)


class TestSinksPolicy:
    def test_it_writes_below_the_prefix_and_nothing_else(self, archived: Archived) -> None:
        policy = document(archived(), "Policy")
        assert actions(policy) == {
            "s3:PutObject",
            "s3:AbortMultipartUpload",
            "s3:ListMultipartUploadParts",
            "s3:ListBucket",
            "s3:GetBucketLocation",
            "s3:ListBucketMultipartUploads",
        }
        resources = {one for part in policy["Statement"] for one in part["Resource"]}
        bucket = "arn:aws:s3:::datapipe-ingestion-test"
        assert resources == {bucket, f"{bucket}/topics/*"}

    def test_listing_is_bound_to_the_prefix(self, archived: Archived) -> None:
        [listing] = [
            statement
            for statement in document(archived(), "Policy")["Statement"]
            if "s3:ListBucket" in statement["Action"]
        ]
        assert listing["Condition"] == {"StringLike": {"s3:prefix": ["topics", "topics/*"]}}

    @pytest.mark.parametrize("sink", ["confluent-s3", "iceberg"])
    def test_no_sink_may_delete_or_use_a_wildcard(self, archived: Archived, sink: str) -> None:
        policy = document(archived(sink=sink), "Policy", name="write-archive")
        assert not [one for one in actions(policy) if "*" in one or "Delete" in one or "Acl" in one]
        assert not [one for part in policy["Statement"] for one in part["Resource"] if one == "*"]

    def test_iceberg_reads_its_files_and_uses_one_database(self, archived: Archived) -> None:
        policy = document(archived(sink="iceberg"), "Policy", name="write-archive")
        glue = f"arn:aws:glue:us-east-1:{ACCOUNT}"
        resources = {
            one
            for part in policy["Statement"]
            for one in part["Resource"]
            if part["Action"][0].startswith("glue:")
        }
        assert "s3:GetObject" in actions(policy)
        assert resources == {f"{glue}:catalog", f"{glue}:database/cdc", f"{glue}:table/cdc/*"}

    def test_a_kms_key_may_be_used(self, stack: Stack) -> None:
        key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"
        config = stack(archive={"encryption": "aws:kms", "kmsKeyArn": key})
        needs = declared_sinks(config).needs
        [statement] = [
            one
            for one in sink_policy(config.archive, needs, "arn:aws:s3:::b")["Statement"]
            if one["Resource"] == [key]
        ]
        assert set(statement["Action"]) == {"kms:GenerateDataKey", "kms:Decrypt"}


class TestIdentity:
    def test_access_keys_are_secret(self, archived: Archived) -> None:
        deployment = archived()
        assert deployment.outputs["secret"] == Secret("a-secret-access-key")
        assert isinstance(deployment.outputs["key"], Secret)
        assert deployment.outputs["role"] is None
        assert "a-secret-access-key" not in visible_text(deployment)

    def test_each_version_of_the_credentials_has_a_key_of_its_own(self, archived: Archived) -> None:
        """The first has the name that it had before there were versions."""
        first, second = archived(), archived(credentials=2)
        keys = [one.one("AccessKey") for one in (first, second)]
        assert [key.name for key in keys] == ["sink-user", "sink-user-2"]
        assert len({key.inputs["user"] for key in keys}) == 1

    def test_a_role_needs_no_key(self, archived: Archived) -> None:
        deployment = archived(**ROLE_ACCESS)
        assert deployment.of_type("AccessKey") == deployment.of_type("User") == []
        assert deployment.outputs["key"] is deployment.outputs["secret"] is None
        assert deployment.outputs["role"].startswith("arn:aws:iam::")

    def test_only_connects_pods_may_take_on_the_role(self, archived: Archived) -> None:
        trust = document(archived(**ROLE_ACCESS), "Role", "assumeRolePolicy")
        assert trust == trust_policy(PROVIDER, "data-ingestion", "kafka-connect-sa")
        [statement] = trust["Statement"]
        issuer = "oidc.eks.us-east-1.amazonaws.com/id/ABC"
        assert statement["Condition"]["StringEquals"] == {
            f"{issuer}:sub": "system:serviceaccount:data-ingestion:kafka-connect-sa",
            f"{issuer}:aud": "sts.amazonaws.com",
        }


def test_only_iceberg_has_a_catalog(archived: Archived) -> None:
    assert archived().of_type("CatalogDatabase") == []
    database = archived(sink="iceberg").one("CatalogDatabase").inputs
    assert database["locationUri"] == "s3://datapipe-ingestion-test/topics"
