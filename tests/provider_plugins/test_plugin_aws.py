"""The life of each AWS resource type, against a moto server of its own."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from provider_plugins.aws.account import Settings
from provider_plugins.aws.functions import policy_document
from provider_plugins.aws.provider import TYPES, Aws
from provider_plugins.aws.resource import same_policy
from provider_plugins.aws.s3 import bucket_name_problem, from_aws, to_aws
from provider_plugins.provider import InvalidInputsError, Naming, ProviderError, Resource
from provider_plugins.wire import UNKNOWN, Properties, Secret, plain

POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::b/*"}
        ],
    }
)
OTHER_POLICY = POLICY.replace("PutObject", "GetObject")
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": "ec2.amazonaws.com"},
            }
        ],
    }
)
OTHER_TRUST = TRUST.replace("ec2", "glue")
BUCKET = "plugins-bucket"
USER = "plugins-user"
ROLE = "plugins-role"
POLICY_ARN = "arn:aws:iam::123456789012:policy/plugins-attached"


def resource(token: str) -> Resource:
    return Resource(f"urn:pulumi:dev::project::{token}::it")


def s3(name: str) -> str:
    return f"aws:s3/{name[0].lower()}{name[1:]}:{name}"


def iam(name: str) -> str:
    return f"aws:iam/{name[0].lower()}{name[1:]}:{name}"


def rule(name: str, **more: Any) -> Properties:
    return {"id": name, "status": "Enabled", **more}


LIVES: list[tuple[str, Properties, Properties]] = [
    (s3("Bucket"), {"bucket": "plugins-life", "tags": {"a": "1"}}, {"tags": {"b": "2"}}),
    (s3("BucketV2"), {"bucket": "plugins-life"}, {"tags": {"b": "2"}}),
    (
        s3("BucketServerSideEncryptionConfiguration"),
        {
            "bucket": BUCKET,
            "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}],
        },
        {
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {
                        "sseAlgorithm": "aws:kms",
                        "kmsMasterKeyId": "key",
                    },
                    "bucketKeyEnabled": True,
                }
            ]
        },
    ),
    (
        s3("BucketPublicAccessBlock"),
        {"bucket": BUCKET, "blockPublicAcls": True},
        {"restrictPublicBuckets": True},
    ),
    (s3("BucketPolicy"), {"bucket": BUCKET, "policy": POLICY}, {"policy": OTHER_POLICY}),
    (
        s3("BucketOwnershipControls"),
        {"bucket": BUCKET, "rule": {"objectOwnership": "BucketOwnerEnforced"}},
        {"rule": {"objectOwnership": "BucketOwnerPreferred"}},
    ),
    (
        s3("BucketLifecycleConfiguration"),
        {
            "bucket": BUCKET,
            "rules": [
                rule("abort", filter={}, abortIncompleteMultipartUpload={"daysAfterInitiation": 7}),
                rule(
                    "cold",
                    filter={"prefix": "topics/"},
                    transitions=[
                        {"days": 30, "storageClass": "STANDARD_IA"},
                        {"days": 90, "storageClass": "GLACIER"},
                    ],
                ),
            ],
        },
        {
            "rules": [
                rule(
                    "expire",
                    filter={"and": {"prefix": "tmp/", "tags": {"a": "b"}}},
                    expiration={"days": 1},
                    noncurrentVersionExpiration={"noncurrentDays": 3},
                )
            ]
        },
    ),
    (
        s3("BucketVersioningV2"),
        {"bucket": BUCKET, "versioningConfiguration": {"status": "Enabled"}},
        {"versioningConfiguration": {"status": "Suspended"}},
    ),
    (iam("User"), {"name": "plugins-life", "path": "/a/"}, {"path": "/b/", "tags": {"a": "1"}}),
    (iam("AccessKey"), {"user": USER}, {"status": "Inactive"}),
    (
        iam("Policy"),
        {"name": "plugins-life", "policy": POLICY, "description": "d"},
        {"policy": OTHER_POLICY, "tags": {"a": "1"}},
    ),
    (
        iam("Role"),
        {"name": "plugins-life", "assumeRolePolicy": TRUST},
        {"assumeRolePolicy": OTHER_TRUST, "description": "d", "maxSessionDuration": 7200},
    ),
    (iam("UserPolicyAttachment"), {"user": USER, "policyArn": POLICY_ARN}, {}),
    (iam("RolePolicyAttachment"), {"role": ROLE, "policyArn": POLICY_ARN}, {}),
    (
        "aws:glue/catalogDatabase:CatalogDatabase",
        {"name": "plugins_life", "description": "the lake"},
        {"description": "the archive", "parameters": {"a": "b"}, "tags": {"x": "y"}},
    ),
]


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def aws(moto: str) -> Aws:
    """A provider, and in its account what the resources under test refer to."""
    provider = Aws()
    provider.configure(
        {
            "region": "us-east-1",
            "accessKey": "key",
            "secretKey": "secret",
            "s3UsePathStyle": True,
            "endpoints": [dict.fromkeys(("s3", "iam", "sts", "glue"), moto)],
            "defaultTags": {"tags": {"project": "datapipe"}},
        }
    )
    account = provider.account
    account.call("s3", "create_bucket", Bucket=BUCKET)
    account.call("iam", "create_user", UserName=USER)
    account.call("iam", "create_role", RoleName=ROLE, AssumeRolePolicyDocument=TRUST)
    name = POLICY_ARN.rpartition("/")[2]
    account.call("iam", "create_policy", PolicyName=name, PolicyDocument=POLICY)
    return provider


@pytest.mark.parametrize(("token", "inputs", "update"), LIVES, ids=[life[0] for life in LIVES])
def test_a_resource_lives(aws: Aws, token: str, inputs: Properties, update: Properties) -> None:
    it = resource(token)
    assert aws.check(it, {}, inputs, Naming()) == inputs
    resource_id, outputs = aws.create(it, inputs, 0)
    assert outputs.keys() >= inputs.keys()
    _assert_no_drift(aws, it, resource_id, outputs, inputs)
    if update:
        changed = {**inputs, **update}
        outputs = aws.update(it, resource_id, outputs, changed, 0)
        _assert_no_drift(aws, it, resource_id, outputs, changed)
        drifted = aws.read(it, resource_id, outputs, inputs)
        assert drifted is not None
        assert aws.changes(it, plain(drifted.inputs), inputs), "the old inputs no longer hold"
    imported = aws.read(it, resource_id, {"user": inputs.get("user")}, {})
    assert imported is not None
    assert not aws.check(it, {}, imported.inputs, Naming()).keys() - TYPES[token].inputs
    aws.delete(it, resource_id, outputs, 0)
    aws.delete(it, resource_id, outputs, 0)  # gone already
    gone = aws.read(it, resource_id, outputs, inputs)
    if "Versioning" in token:
        assert gone is not None  # S3 can suspend versioning, not remove it
        assert gone.inputs["versioningConfiguration"] == {"status": "Suspended"}
    else:
        assert gone is None


def _assert_no_drift(
    aws: Aws, it: Resource, resource_id: str, outputs: Properties, inputs: Properties
) -> None:
    found = aws.read(it, resource_id, outputs, inputs)
    assert found is not None
    assert aws.changes(it, plain(found.inputs), inputs) == {}


def test_every_type_has_its_life_tested() -> None:
    tested = {TYPES[token] for token, _, _ in LIVES}
    assert tested == set(TYPES.values())


def test_an_access_keys_secret_is_secret_and_survives_refresh_and_update(aws: Aws) -> None:
    it = resource(iam("AccessKey"))
    key_id, outputs = aws.create(it, {"user": USER}, 0)
    assert isinstance(outputs["secret"], Secret)
    assert outputs["secret"].value
    found = aws.read(it, key_id, outputs, {"user": USER})
    assert found is not None
    assert found.outputs["secret"] == outputs["secret"]
    updated = aws.update(it, key_id, outputs, {"user": USER, "status": "Inactive"}, 0)
    assert updated["secret"] == outputs["secret"]
    aws.delete(it, key_id, outputs, 0)


def test_a_policy_keeps_no_more_versions_than_iam_allows(aws: Aws) -> None:
    it = resource(iam("Policy"))
    inputs = {"name": "plugins-versions", "policy": POLICY}
    arn, outputs = aws.create(it, inputs, 0)
    for number in range(7):
        changed = POLICY.replace("PutObject", f"PutObject{number}")
        outputs = aws.update(it, arn, outputs, {**inputs, "policy": changed}, 0)
    assert "PutObject6" in outputs["policy"]
    assert len(aws.account.call("iam", "list_policy_versions", PolicyArn=arn)["Versions"]) <= 5
    aws.delete(it, arn, outputs, 0)


def test_a_bucket_with_objects_goes_only_by_force(aws: Aws) -> None:
    it = resource(s3("Bucket"))
    inputs = {"bucket": "plugins-full"}
    name, outputs = aws.create(it, inputs, 0)
    aws.account.call("s3", "put_object", Bucket=name, Key="a", Body=b"x")
    with pytest.raises(ProviderError, match="BucketNotEmpty"):
        aws.delete(it, name, outputs, 0)
    aws.delete(it, name, {**outputs, "forceDestroy": True}, 0)
    assert aws.read(it, name, outputs, inputs) is None


def test_default_tags_are_no_drift_and_foreign_tags_are(aws: Aws) -> None:
    it = resource(s3("Bucket"))
    inputs = {"bucket": "plugins-tags"}
    name, outputs = aws.create(it, inputs, 0)
    assert outputs["tagsAll"] == {"project": "datapipe"}
    tags = [{"Key": "project", "Value": "datapipe"}, {"Key": "by", "Value": "hand"}]
    aws.account.call("s3", "put_bucket_tagging", Bucket=name, Tagging={"TagSet": tags})
    found = aws.read(it, name, outputs, inputs)
    assert found is not None
    assert found.inputs["tags"] == {"by": "hand"}
    aws.delete(it, name, outputs, 0)


def test_an_automatic_name_is_made_once(aws: Aws) -> None:
    it = resource(s3("Bucket"))
    first = aws.check(it, {}, {}, Naming(seed=b"1"))
    assert first["bucket"].startswith("it-")
    assert aws.check(it, first, {}, Naming(seed=b"2")) == first


def test_an_unknown_input_is_no_problem_yet(aws: Aws) -> None:
    inputs = {"bucket": UNKNOWN, "policy": UNKNOWN}
    assert aws.check(resource(s3("BucketPolicy")), {}, inputs, Naming()) == inputs


@pytest.mark.parametrize(
    ("token", "inputs", "problem"),
    [
        (s3("Bucket"), {"bucket": "Bad_Name"}, "bucket: 'Bad_Name'"),
        (s3("Bucket"), {"bucket": "ok-name", "acl": "public-read"}, "acl: is not supported"),
        (s3("BucketPolicy"), {"policy": "{}"}, "bucket: is required"),
        (s3("BucketPolicy"), {"bucket": "ok-name"}, "policy: is required"),
        (s3("BucketPolicy"), {"bucket": "ok-name", "policy": "{"}, "policy: is not JSON"),
        (iam("AccessKey"), {}, "user: is required"),
        ("aws:glue/catalogDatabase:CatalogDatabase", {"name": "Lake"}, "name: 'Lake'"),
    ],
)
def test_bad_input_is_refused_in_the_preview(
    aws: Aws, token: str, inputs: Properties, problem: str
) -> None:
    with pytest.raises(InvalidInputsError, match=problem):
        aws.check(resource(token), {}, inputs, Naming())


def test_an_unknown_type_is_refused_with_what_there_is(aws: Aws) -> None:
    with pytest.raises(ProviderError, match=r"ec2.*it has .*Bucket"):
        aws.check(resource("aws:ec2/instance:Instance"), {}, {}, Naming())


@pytest.mark.parametrize(
    "name", ["abc", "datapipe-ingestion-1", "a.b.c", "1-2", "x" * 63, "1.2.3.four"]
)
def test_names_that_s3_takes(name: str) -> None:
    assert bucket_name_problem(name) is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("ab", "2 characters"),
        ("x" * 64, "64 characters"),
        ("Upper", "a-z, 0-9"),
        ("under_score", "a-z, 0-9"),
        ("-dash", "begin and end"),
        ("dot.", "begin and end"),
        ("a..b", "two dots"),
        ("192.168.1.1", "IP address"),
        ("xn--name", "begins with"),
        ("name-s3alias", "ends with"),
    ],
)
def test_names_that_s3_refuses(name: str, why: str) -> None:
    problem = bucket_name_problem(name)
    assert problem is not None
    assert why in problem


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('{"Statement": [{"Action": "a"}]}', '{"Statement": {"Action": ["a"]}}', True),
        ('{"Statement": [{"Action": ["b", "a"]}]}', '{"Statement":[{"Action":["a","b"]}]}', True),
        ('{"Statement": [{"Action": "a"}]}', '{"Statement": [{"Action": "b"}]}', False),
        ('{"Statement": []}', "no JSON", False),
    ],
)
def test_policies_are_compared_by_meaning(one: str, other: str, same: bool) -> None:
    assert same_policy(one, other) is same


def test_another_spelling_of_a_policy_is_no_change(aws: Aws) -> None:
    it = resource(s3("BucketPolicy"))
    spaced = json.dumps(json.loads(POLICY), indent=4)
    assert aws.changes(it, {"policy": POLICY}, {"policy": spaced}) == {}
    assert aws.changes(it, {"policy": POLICY}, {"policy": OTHER_POLICY}) == {"policy": "update"}


def test_property_names_survive_s3s_spelling() -> None:
    rules = [{"id": "x", "applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]
    spelt = to_aws(rules)
    assert spelt == [{"ID": "x", "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
    assert from_aws(spelt) == rules


def test_the_functions_answer_from_the_account(aws: Aws) -> None:
    identity = aws.invoke("aws:index/getCallerIdentity:getCallerIdentity", {})
    assert identity["accountId"] == "123456789012"
    assert aws.invoke("aws:index/getRegion:getRegion", {})["region"] == "us-east-1"
    assert aws.invoke("aws:index/getPartition:getPartition", {})["partition"] == "aws"
    with pytest.raises(ProviderError, match="no function"):
        aws.invoke("aws:ec2/getAmi:getAmi", {})


def test_a_policy_document_is_built_from_its_parts(aws: Aws) -> None:
    statement = {
        "sid": "Tls",
        "effect": "Deny",
        "actions": ["s3:Put", "s3:Get"],
        "resources": ["arn"],
        "principals": [{"type": "*", "identifiers": ["*"]}],
        "conditions": [{"test": "Bool", "variable": "aws:SecureTransport", "values": ["false"]}],
    }
    document = json.loads(policy_document(aws.account, {"statements": [statement]})["json"])
    assert document["Statement"] == [
        {
            "Sid": "Tls",
            "Effect": "Deny",
            "Action": ["s3:Get", "s3:Put"],
            "Resource": "arn",
            "Principal": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ]


def test_without_a_region_the_settings_say_where_to_set_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    with pytest.raises(ProviderError, match="aws:region"):
        Settings.parse({})
