"""The sink's policy against an AWS that enforces IAM (moto): what it needs works, nothing else.

The documents are those that the program attaches. Two things moto can't judge: it ignores
conditions, so the listing's bound to the prefix is asserted on the document (test_archive.py), and
it enforces no resources on Glue, so there the document is given to its evaluator, resource by
resource.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
import requests
from botocore.exceptions import ClientError
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.server import ThreadedMotoServer

from components.archive.access import sink_policy
from components.config.archive import ArchiveSettings

ACCOUNT = "123456789012"
REGION = "us-east-1"
BUCKET = "datapipe-ingestion-test"
GLUE = f"arn:aws:glue:{REGION}:{ACCOUNT}"
KEY = "topics/users/part.parquet"
Client = Callable[[str], Any]


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """The address of an AWS with our bucket and another one, not yet enforcing."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    administrator = client_of(endpoint, "administrator", "any")
    for bucket in (BUCKET, "somebody-elses"):
        administrator("s3").create_bucket(Bucket=bucket)
        for key in (KEY, "elsewhere/file"):
            administrator("s3").put_object(Bucket=bucket, Key=key, Body=b"there before")
    yield endpoint
    # moto's state and its switch belong to the process, which other tests share.
    for path, body in (("reset-auth", "inf"), ("reset", "")):
        requests.post(f"{endpoint}/moto-api/{path}", data=body, timeout=10).raise_for_status()
    server.stop()


@pytest.fixture(scope="module")
def sinks(aws: str) -> dict[str, Client]:
    """What each kind of sink uses, with the keys of its user. IAM is enforced from here on."""
    iam = client_of(aws, "administrator", "any")("iam")
    clients = {}
    for sink in ("confluent-s3", "iceberg"):
        iam.create_user(UserName=sink)
        iam.put_user_policy(
            UserName=sink, PolicyName="write-archive", PolicyDocument=document_of(sink)
        )
        key = iam.create_access_key(UserName=sink)["AccessKey"]
        clients[sink] = client_of(aws, key["AccessKeyId"], key["SecretAccessKey"])
    requests.post(f"{aws}/moto-api/reset-auth", data="0", timeout=10).raise_for_status()
    return clients


def document_of(sink: str) -> str:
    settings = ArchiveSettings(bucket=BUCKET, sink=sink)  # type: ignore[arg-type]
    database = f"{GLUE}:database/cdc" if sink == "iceberg" else None
    return json.dumps(sink_policy(settings, f"arn:aws:s3:::{BUCKET}", database))


def client_of(endpoint: str, key: str, secret: str) -> Client:
    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=endpoint,
            region_name=REGION,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
        )

    return client


@pytest.fixture(params=["confluent-s3", "iceberg"])
def sink(request: pytest.FixtureRequest, sinks: dict[str, Client]) -> Client:
    """Either sink."""
    return sinks[request.param]


@pytest.fixture
def iceberg(sinks: dict[str, Client]) -> Client:
    return sinks["iceberg"]


def denied(call: Callable[..., Any], **arguments: Any) -> bool:
    """Whether AWS refuses a call for lack of permission. Raises what else it refuses it for."""
    try:
        call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"AccessDenied", "AccessDeniedException", "403"}:
            return True
        raise
    return False


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


def allowed_on_glue(action: str, resource: str) -> bool:
    """What the Iceberg sink's document says to an action on a resource of the account's Glue."""
    policy = IAMPolicy(document_of("iceberg"))
    result = policy.is_action_permitted(f"glue:{action}", f"{GLUE}:{resource}")
    return result is PermissionResult.PERMITTED
