"""The reader may query the archive, and nothing else: against moto, and by the document itself.

moto enforces no resources on Athena and Glue and ignores conditions; there the document is judged.
"""

import json
from typing import Any

import pytest
from botocore import xform_name
from moto.iam.access_control import IAMPolicy, PermissionResult

from components.archive.athena.reader import (
    CATALOG_ACTIONS,
    WORKGROUP_ACTIONS,
    Readable,
    reader_policy,
)
from components.config import parse
from tests.aws.calls import ON_BUCKETS, ON_OBJECTS, refused
from tests.aws.enforcing import (
    ACCOUNT,
    BUCKET,
    GLUE,
    KEY,
    OTHER_BUCKET,
    REGION,
    Client,
    enforce,
    stop_enforcing,
    user_with,
)
from tests.aws.permissions import ACTIONS, OWN_BUCKET, OWN_OBJECT, Call, permitted

RESULT = "athena-results/query.csv"
ATHENA = f"arn:aws:athena:{REGION}:{ACCOUNT}"
WORKGROUP = f"{ATHENA}:workgroup/{BUCKET}"
# Of AWS's Service Authorization Reference, those that write or show more than queries.
OTHER_ATHENA_ACTIONS = (
    "CreateNamedQuery",
    "CreateDataCatalog",
    "CreatePreparedStatement",
    "CreateWorkGroup",
    "DeleteNamedQuery",
    "DeleteWorkGroup",
    "UpdateNamedQuery",
    "UpdateWorkGroup",
    "ListWorkGroups",
    "StartSession",
    "TagResource",
)


def document() -> dict[str, Any]:
    athena = {"readers": [f"arn:aws:iam::{ACCOUNT}:role/analyst"]}
    given = {"tables": ["public.users"], "archive": {"bucket": BUCKET, "athena": athena}}
    config = parse(given, "tests/aws").archive
    assert config.athena is not None
    readable = Readable(ACCOUNT, REGION, "aws", ("cdc", "cdc_views"), BUCKET)
    return reader_policy(config, config.athena, readable)


def allowed(action: str, resource: str) -> bool:
    policy = IAMPolicy(json.dumps(document()))
    return policy.is_action_permitted(action, resource) is PermissionResult.PERMITTED


@pytest.fixture(scope="module")
def reader(aws: str, sinks: dict[str, Client]) -> Client:
    """What the reader uses, with keys instead of the role. IAM is enforced from here on."""
    stop_enforcing(aws)
    client = user_with(aws, "reader", json.dumps(document()))
    enforce(aws)
    return client


class TestOnS3:
    def test_it_reads_the_archive(self, reader: Client) -> None:
        assert reader("s3").get_object(Bucket=BUCKET, Key=KEY)["Body"].read() == b"there before"

    def test_it_writes_and_reads_results(self, reader: Client) -> None:
        s3 = reader("s3")
        s3.put_object(Bucket=BUCKET, Key=RESULT, Body=b"id\n1\n")
        assert s3.get_object(Bucket=BUCKET, Key=RESULT)["Body"].read() == b"id\n1\n"

    @pytest.mark.parametrize("action", ON_OBJECTS)
    def test_other_calls_on_the_archives_objects_are_refused(
        self, reader: Client, action: str
    ) -> None:
        s3 = reader("s3")
        for method in ON_OBJECTS[action]:
            assert refused(s3, method, Bucket=BUCKET, Key=KEY) is (action != "GetObject")
            assert refused(s3, method, Bucket=BUCKET, Key="elsewhere/file")
            assert refused(s3, method, Bucket=OTHER_BUCKET, Key=KEY)

    @pytest.mark.parametrize("action", ON_BUCKETS)
    def test_other_calls_on_buckets_are_refused(self, reader: Client, action: str) -> None:
        finding = {"GetBucketLocation", "ListBucket", "ListBucketMultipartUploads"}
        for method in ON_BUCKETS[action]:
            assert refused(reader("s3"), method, Bucket=BUCKET) is (action not in finding)
            assert refused(reader("s3"), method, Bucket=OTHER_BUCKET)

    @pytest.mark.parametrize("service", ["iam", "sts"])
    def test_it_has_no_identity_to_give(self, reader: Client, service: str) -> None:
        client = reader(service)
        calls = [xform_name(action) for action in ACTIONS[service]["account"]]
        made = [method for method in calls if hasattr(client, method)]
        assert made
        assert [method for method in made if not refused(client, method)] == []


class TestTheDocument:
    def test_of_s3_glue_iam_and_kms_it_allows_what_queries_need_and_nothing_else(self) -> None:
        databases = [f"{GLUE}:catalog", f"{GLUE}:database/cdc"]
        assert permitted(document()) == {
            Call("s3:GetObject", OWN_OBJECT),
            Call("s3:ListBucket", OWN_BUCKET, "topics"),
            Call("s3:ListBucket", OWN_BUCKET, "topics/users"),
            Call("s3:GetBucketLocation", OWN_BUCKET),
            Call("s3:ListBucketMultipartUploads", OWN_BUCKET),
            *(
                Call(action, place)
                for action in CATALOG_ACTIONS
                if action.removeprefix("glue:") in ACTIONS["glue"]["tables"]
                for place in (*databases, f"{GLUE}:table/cdc/users")
            ),
        }

    @pytest.mark.parametrize("action", WORKGROUP_ACTIONS)
    def test_it_queries_in_its_workgroup_only(self, action: str) -> None:
        assert allowed(action, WORKGROUP)
        for other in ("primary", f"{BUCKET}-2", "*"):
            assert not allowed(action, f"{ATHENA}:workgroup/{other}")

    @pytest.mark.parametrize("action", OTHER_ATHENA_ACTIONS)
    def test_it_changes_nothing_in_athena(self, action: str) -> None:
        for resource in (WORKGROUP, f"{ATHENA}:workgroup/primary", f"{ATHENA}:datacatalog/any"):
            assert not allowed(f"athena:{action}", resource)

    @pytest.mark.parametrize("action", CATALOG_ACTIONS)
    def test_it_sees_its_databases_only(self, action: str) -> None:
        for resource in ("database/cdc_views", "table/cdc_views/users", "database/default"):
            assert allowed(action, f"{GLUE}:{resource}")
        for resource in ("database/finance", "table/finance/users", "table/default/users"):
            assert not allowed(action, f"{GLUE}:{resource}")
