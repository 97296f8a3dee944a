"""The sink's policy against an AWS that enforces IAM (moto): what it needs works, nothing else.

The documents are those that the program attaches. Two things moto can't judge: it ignores
conditions, and it enforces no resources on Glue. There the document is evaluated, resource by
resource: for Glue here, for everything in test_permission_matrix.py.
"""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.iam.access_control import IAMPolicy, PermissionResult

from tests.aws.enforcing import (
    BUCKET,
    GLUE,
    KEY,
    MAINTENANCE,
    Client,
    client_of,
    denied,
    document_of,
    enforce,
    stop_enforcing,
)


@pytest.fixture(params=["confluent-s3", "iceberg"])
def sink(request: pytest.FixtureRequest, sinks: dict[str, Client]) -> Client:
    """Either sink."""
    return sinks[request.param]


@pytest.fixture
def iceberg(sinks: dict[str, Client]) -> Client:
    return sinks["iceberg"]


class TestWhatASinkNeeds:
    def test_an_upload_in_parts_from_start_to_end(self, sink: Client) -> None:
        s3, where = sink("s3"), {"Bucket": BUCKET, "Key": "topics/orders/large.parquet"}
        upload = {**where, "UploadId": s3.create_multipart_upload(**where)["UploadId"]}
        part = s3.upload_part(**upload, PartNumber=1, Body=b"x" * 5 * 1024 * 1024)
        assert len(s3.list_parts(**upload)["Parts"]) == 1
        parts = [{"PartNumber": 1, "ETag": part["ETag"]}]
        assert s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})["ETag"]

    def test_an_upload_that_is_given_up(self, sink: Client) -> None:
        s3, where = sink("s3"), {"Bucket": BUCKET, "Key": "topics/orders/stale.parquet"}
        upload = s3.create_multipart_upload(**where)["UploadId"]
        stale = s3.list_multipart_uploads(Bucket=BUCKET, Prefix="topics/")["Uploads"]
        assert upload in {one["UploadId"] for one in stale}
        s3.abort_multipart_upload(**where, UploadId=upload)

    def test_a_small_object_in_one_piece(self, sink: Client) -> None:
        assert not denied(sink("s3").put_object, Bucket=BUCKET, Key="topics/a", Body=b"1")

    def test_finding_the_bucket_and_what_is_in_it(self, sink: Client) -> None:
        s3 = sink("s3")
        assert not denied(s3.get_bucket_location, Bucket=BUCKET)
        assert not denied(s3.list_objects_v2, Bucket=BUCKET, Prefix="topics/")


class TestWhatNoSinkMay:
    @pytest.mark.parametrize(
        ("action", "arguments"),
        [
            ("put_object", {"Bucket": BUCKET, "Key": "elsewhere/file", "Body": b""}),
            ("put_object", {"Bucket": BUCKET, "Key": "topics", "Body": b""}),
            ("put_object", {"Bucket": "somebody-elses", "Key": KEY, "Body": b""}),
            ("create_multipart_upload", {"Bucket": BUCKET, "Key": "elsewhere/file"}),
            ("get_object", {"Bucket": BUCKET, "Key": "elsewhere/file"}),
            ("get_object", {"Bucket": "somebody-elses", "Key": KEY}),
            ("delete_object", {"Bucket": BUCKET, "Key": KEY}),
            ("put_object_acl", {"Bucket": BUCKET, "Key": KEY, "ACL": "public-read"}),
            ("put_bucket_policy", {"Bucket": BUCKET, "Policy": "{}"}),
            ("delete_bucket_policy", {"Bucket": BUCKET}),
            ("delete_bucket", {"Bucket": BUCKET}),
            ("delete_public_access_block", {"Bucket": BUCKET}),
            ("list_objects_v2", {"Bucket": "somebody-elses"}),
            ("list_buckets", {}),
            ("create_bucket", {"Bucket": "a-new-one"}),
        ],
    )
    def test_on_s3(self, sink: Client, action: str, arguments: dict[str, Any]) -> None:
        assert denied(getattr(sink("s3"), action), **arguments)

    def test_delete_many_at_once(self, sink: Client) -> None:
        answer = sink("s3").delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": KEY}]})
        assert [one["Code"] for one in answer["Errors"]] == ["AccessDenied"]

    def test_on_iam(self, sink: Client) -> None:
        iam = sink("iam")
        assert denied(iam.list_users)
        assert denied(iam.create_access_key, UserName="iceberg")
        assert denied(
            iam.put_user_policy, UserName="iceberg", PolicyName="more", PolicyDocument="{}"
        )


class TestTheConfluentSink:
    def test_it_reads_nothing_back(self, sinks: dict[str, Client]) -> None:
        assert denied(sinks["confluent-s3"]("s3").get_object, Bucket=BUCKET, Key=KEY)

    def test_it_has_no_business_with_the_catalog(self) -> None:
        assert "glue:" not in document_of("confluent-s3")


class TestTheIcebergSink:
    def test_it_reads_its_own_files(self, iceberg: Client) -> None:
        assert iceberg("s3").get_object(Bucket=BUCKET, Key=KEY)["Body"].read() == b"there before"

    @pytest.mark.parametrize("action", ["GetDatabase", "CreateDatabase"])
    @pytest.mark.parametrize("resource", ["catalog", "database/cdc"])
    def test_it_uses_its_database(self, action: str, resource: str) -> None:
        assert allowed_on_glue(action, resource)

    @pytest.mark.parametrize("action", ["GetTable", "CreateTable", "UpdateTable"])
    @pytest.mark.parametrize("resource", ["catalog", "database/cdc", "table/cdc/users"])
    def test_it_uses_the_tables_of_its_database(self, action: str, resource: str) -> None:
        assert allowed_on_glue(action, resource)

    @pytest.mark.parametrize("resource", ["database/finance", "table/finance/users", "database/*"])
    @pytest.mark.parametrize("action", ["GetDatabase", "GetTable", "CreateTable", "UpdateTable"])
    def test_it_may_not_touch_other_databases(self, action: str, resource: str) -> None:
        assert not allowed_on_glue(action, resource)

    @pytest.mark.parametrize(
        "action", ["DeleteTable", "DeleteDatabase", "GetTables", "PutResourcePolicy"]
    )
    @pytest.mark.parametrize("resource", ["catalog", "database/cdc", "table/cdc/users"])
    def test_it_may_do_nothing_else_in_its_own(self, action: str, resource: str) -> None:
        assert not allowed_on_glue(action, resource)


class TestTheMaintenance:
    def test_it_rewrites_and_deletes_files_of_the_archive(self, sinks: dict[str, Client]) -> None:
        s3, where = sinks[MAINTENANCE]("s3"), {"Bucket": BUCKET, "Key": "topics/users/old.parquet"}
        s3.put_object(**where, Body=b"old")
        assert s3.get_object(**where)["Body"].read() == b"old"
        assert not denied(s3.list_objects_v2, Bucket=BUCKET, Prefix="topics/users/")
        # One by one: moto judges the deletion of many by the bucket's name instead of the objects'.
        assert not denied(s3.delete_object, **where)

    @pytest.mark.parametrize(
        "where",
        [{"Bucket": BUCKET, "Key": "elsewhere/file"}, {"Bucket": "somebody-elses", "Key": KEY}],
    )
    def test_it_touches_nothing_else(self, sinks: dict[str, Client], where: dict[str, str]) -> None:
        s3 = sinks[MAINTENANCE]("s3")
        assert denied(s3.get_object, **where)
        assert denied(s3.put_object, **where, Body=b"")
        assert denied(s3.delete_object, **where)

    @pytest.mark.parametrize("resource", ["catalog", "database/cdc", "table/cdc/users"])
    @pytest.mark.parametrize(
        ("action", "allowed"),
        [
            ("GetTable", True),
            ("UpdateTable", True),
            ("CreateTable", False),
            ("DeleteTable", False),
            ("DeleteTableVersion", False),
            ("CreateDatabase", False),
            ("DeleteDatabase", False),
        ],
    )
    def test_it_updates_tables_and_neither_creates_nor_deletes_one(
        self, action: str, allowed: bool, resource: str
    ) -> None:
        assert allowed_on_glue(action, resource, MAINTENANCE) is allowed

    @pytest.mark.parametrize("action", ["GetTable", "UpdateTable"])
    @pytest.mark.parametrize("resource", ["database/finance", "table/finance/users"])
    def test_it_uses_no_other_database(self, action: str, resource: str) -> None:
        assert not allowed_on_glue(action, resource, MAINTENANCE)


def allowed_on_glue(action: str, resource: str, identity: str = "iceberg") -> bool:
    """Return the decision on an action of an identity on a resource of the account's Glue."""
    policy = IAMPolicy(document_of(identity))
    result = policy.is_action_permitted(f"glue:{action}", f"{GLUE}:{resource}")
    return result is PermissionResult.PERMITTED


def test_a_deleted_access_key_is_refused(aws: str, sinks: dict[str, Client]) -> None:
    """The end of a rotation: IAM has two keys of the user for a while, then the first goes."""
    stop_enforcing(aws)
    iam = client_of(aws, "administrator", "any")("iam")
    [first] = iam.list_access_keys(UserName="confluent-s3")["AccessKeyMetadata"]
    made = iam.create_access_key(UserName="confluent-s3")["AccessKey"]
    second = client_of(aws, made["AccessKeyId"], made["SecretAccessKey"])("s3")
    enforce(aws)
    for s3 in (sinks["confluent-s3"]("s3"), second):
        s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"both are valid")

    stop_enforcing(aws)
    iam.delete_access_key(UserName="confluent-s3", AccessKeyId=first["AccessKeyId"])
    enforce(aws)

    second.put_object(Bucket=BUCKET, Key=KEY, Body=b"the second still is")
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        sinks["confluent-s3"]("s3").put_object(Bucket=BUCKET, Key=KEY, Body=b"")
