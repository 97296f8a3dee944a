"""The archive's identities may do what they need and nothing else of AWS, and more is noticed.

What they need is stated here by hand. Every action of iam_actions.json on every place is judged by
evaluating the document, conditions included. Calls that moto judges under their own action and
resource, which leaves out Glue's, are made against it as well.
"""

import json
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from botocore import xform_name
from moto.iam.access_control import IAMPolicy, PermissionResult

from tests.aws.calls import ON_BUCKETS, ON_OBJECTS, refused
from tests.aws.enforcing import (
    BUCKET,
    GLUE,
    KEY,
    MAINTENANCE,
    OTHER_BUCKET,
    Client,
    document_of,
    enforce,
    stop_enforcing,
    user_with,
)
from tests.aws.permissions import ACTIONS, OWN_BUCKET, OWN_OBJECT, Call, matrix, permitted

Document = dict[str, Any]
WRITING = {
    Call("s3:PutObject", OWN_OBJECT),
    Call("s3:AbortMultipartUpload", OWN_OBJECT),
    Call("s3:ListMultipartUploadParts", OWN_OBJECT),
    Call("s3:ListBucket", OWN_BUCKET, "topics"),
    Call("s3:ListBucket", OWN_BUCKET, "topics/users"),
    Call("s3:GetBucketLocation", OWN_BUCKET),
    Call("s3:ListBucketMultipartUploads", OWN_BUCKET),
}
CATALOG, DATABASE = f"{GLUE}:catalog", f"{GLUE}:database/cdc"
TABLE = f"{GLUE}:table/cdc/users"
NEEDED = {
    "confluent-s3": WRITING,
    "iceberg": WRITING
    | {Call("s3:GetObject", OWN_OBJECT)}
    | {
        Call(f"glue:{action}Database", place)
        for action in ("Get", "Create")
        for place in (CATALOG, DATABASE)
    }
    | {
        Call(f"glue:{action}Table", place)
        for action in ("Get", "Create", "Update")
        for place in (CATALOG, DATABASE, TABLE)
    },
    MAINTENANCE: {
        *(
            Call(f"s3:{action}", OWN_OBJECT)
            for action in ("GetObject", "PutObject", "DeleteObject", "AbortMultipartUpload")
        ),
        Call("s3:ListBucket", OWN_BUCKET, "topics"),
        Call("s3:ListBucket", OWN_BUCKET, "topics/users"),
        *(
            Call(f"glue:{action}Table", place)
            for action in ("Get", "Update")
            for place in (CATALOG, DATABASE, TABLE)
        ),
    },
}
# The statement with which each writes objects, as the ways to widen it name it.
WRITES = {"confluent-s3": "WriteObjects", "iceberg": "WriteObjects", MAINTENANCE: "RewriteFiles"}


def change(sid: str, **changed: Any) -> Callable[[Document], None]:
    """Return a statement with some fields changed; None takes one away."""

    def widen(document: Document) -> None:
        [statement] = [one for one in document["Statement"] if one["Sid"] == sid]
        for field, value in changed.items():
            if value is None:
                del statement[field]
            else:
                statement[field] = value

    return widen


def add(action: str, resource: str) -> Callable[[Document], None]:
    statement = {"Sid": "More", "Effect": "Allow", "Action": [action], "Resource": [resource]}
    return lambda document: document["Statement"].append(statement)


WIDENED = {
    "deletes": add("s3:DeleteObject", f"{OWN_BUCKET}/elsewhere/*"),
    "acls": add("s3:PutObjectAcl", f"{OWN_BUCKET}/topics/*"),
    "bucket policy": add("s3:PutBucketPolicy", OWN_BUCKET),
    "every put": change("WriteObjects", Action=["s3:Put*"]),
    "every action": change("WriteObjects", Action=["s3:*"]),
    "whole bucket": change("WriteObjects", Resource=[f"{OWN_BUCKET}/*"]),
    "prefix without its slash": change("WriteObjects", Resource=[f"{OWN_BUCKET}/topics*"]),
    "buckets that begin so": change("WriteObjects", Resource=[f"{OWN_BUCKET}*/topics/*"]),
    "every bucket": change("WriteObjects", Resource=["arn:aws:s3:::*/topics/*"]),
    "listing everything": change("ListObjects", Condition=None),
    "listing what begins so": change(
        "ListObjects", Condition={"StringLike": {"s3:prefix": ["topics*"]}}
    ),
    "other databases": add("glue:GetTable", f"{GLUE}:*"),
    "table deletion": add("glue:DeleteTable", TABLE),
    "own keys": add("iam:CreateAccessKey", "*"),
    "other roles": add("sts:AssumeRole", "*"),
}


def document(sink: str, widening: str | None = None) -> Document:
    made: Document = json.loads(document_of(sink))
    for statement in made["Statement"]:
        if statement["Sid"] == WRITES[sink]:
            statement["Sid"] = "WriteObjects"
    if widening is not None:
        WIDENED[widening](made)
    return made


@pytest.mark.parametrize("sink", NEEDED)
class TestTheDocument:
    def test_allows_what_is_needed_and_nothing_else(self, sink: str) -> None:
        assert permitted(document(sink)) == NEEDED[sink]
        assert len(set(matrix()) - NEEDED[sink]) > 500

    @pytest.mark.parametrize("widening", WIDENED)
    def test_allows_more_where_it_is_widened(self, sink: str, widening: str) -> None:
        assert permitted(document(sink, widening)) - NEEDED[sink] != set()

    @pytest.mark.parametrize(
        "field",
        [
            {"NotAction": ["s3:GetObject"]},
            {"NotResource": [OWN_BUCKET]},
            {"Principal": "*"},
            {"Condition": {"StringNotLike": {"s3:prefix": ["elsewhere"]}}},
        ],
        ids=lambda field: next(iter(field)),
    )
    def test_is_not_judged_by_half(self, sink: str, field: dict[str, Any]) -> None:
        unknown = document(sink)
        unknown["Statement"][0] |= field
        with pytest.raises(ValueError, match="is not evaluated"):
            permitted(unknown)

    def test_is_read_as_moto_reads_it(self, sink: str) -> None:
        """Conditions are left out, as moto does not know them."""
        made = document(sink)
        for statement in made["Statement"]:
            statement.pop("Condition", None)
        policy = IAMPolicy(json.dumps(made))
        by_moto = {
            call
            for call in matrix()
            if policy.is_action_permitted(call.action, call.resource) is PermissionResult.PERMITTED
            and (call.action != "s3:ListBucket" or call.prefix is not None)
        }
        assert permitted(made) == by_moto


MADE = {
    "confluent-s3": {"PutObject", "AbortMultipartUpload", "ListMultipartUploadParts"},
    "iceberg": {"PutObject", "AbortMultipartUpload", "ListMultipartUploadParts", "GetObject"},
    MAINTENANCE: {"PutObject", "AbortMultipartUpload", "GetObject", "DeleteObject"},
}
FINDING = {"GetBucketLocation", "ListBucketMultipartUploads", "ListBucket"}
ON_OWN_BUCKET = {"confluent-s3": FINDING, "iceberg": FINDING, MAINTENANCE: {"ListBucket"}}
names = count()


class TestRealCalls:
    """Each is made with the least that boto3 asks for, and must be refused before that is read."""

    @pytest.mark.parametrize("action", ON_OBJECTS)
    @pytest.mark.parametrize("sink", MADE)
    def test_on_objects(self, sinks: dict[str, Client], sink: str, action: str) -> None:
        s3 = sinks[sink]("s3")
        for method in ON_OBJECTS[action]:
            own = refused(s3, method, Bucket=BUCKET, Key=KEY)
            assert own is (action not in MADE[sink])
            assert refused(s3, method, Bucket=BUCKET, Key="elsewhere/file")
            assert refused(s3, method, Bucket=BUCKET, Key="topics-of-others/file")
            assert refused(s3, method, Bucket=OTHER_BUCKET, Key=KEY)

    @pytest.mark.parametrize("action", ON_BUCKETS)
    @pytest.mark.parametrize("sink", MADE)
    def test_on_buckets(self, sinks: dict[str, Client], sink: str, action: str) -> None:
        s3 = sinks[sink]("s3")
        for method in ON_BUCKETS[action]:
            assert refused(s3, method, Bucket=BUCKET) is (action not in ON_OWN_BUCKET[sink])
            assert refused(s3, method, Bucket=OTHER_BUCKET)

    @pytest.mark.parametrize("service", ["iam", "sts"])
    @pytest.mark.parametrize("sink", MADE)
    def test_on_identities(self, sinks: dict[str, Client], sink: str, service: str) -> None:
        client = sinks[sink](service)
        calls = [xform_name(action) for action in ACTIONS[service]["account"]]
        made = [method for method in calls if hasattr(client, method)]
        assert made
        assert [method for method in made if not refused(client, method)] == []

    @pytest.mark.parametrize(
        ("widening", "call"),
        [
            ("deletes", ("s3", "delete_object", BUCKET, "elsewhere/file")),
            ("acls", ("s3", "put_object_acl", BUCKET, KEY)),
            ("every put", ("s3", "put_object_acl", BUCKET, KEY)),
            ("every action", ("s3", "get_object_acl", BUCKET, KEY)),
            ("whole bucket", ("s3", "put_object", BUCKET, "elsewhere/file")),
            ("prefix without its slash", ("s3", "put_object", BUCKET, "topics-of-others/file")),
            ("every bucket", ("s3", "put_object", OTHER_BUCKET, KEY)),
            ("own keys", ("iam", "create_access_key")),
            ("other roles", ("sts", "assume_role")),
        ],
    )
    def test_one_that_is_refused_is_not_where_the_policy_is_widened(
        self, aws: str, sinks: dict[str, Client], widening: str, call: tuple[str, ...]
    ) -> None:
        stop_enforcing(aws)
        text = json.dumps(document("iceberg", widening))
        widened = user_with(aws, f"widened-{next(names)}", text)
        enforce(aws)
        service, method, *where = call
        arguments = dict(zip(("Bucket", "Key"), where, strict=False))
        assert refused(sinks["iceberg"](service), method, **arguments)
        assert not refused(widened(service), method, **arguments)
