"""Who may write to the archive, and no more than the sink does: policy documents and identities.

The actions are those that the sinks were seen to need: a multipart upload from start to end or
abort, and looking for what lies under the prefix. Nobody may delete, and only the Iceberg sink,
which appends to metadata that it reads first, may read.
"""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.config.archive import ArchiveSettings
from components.config.security import versioned_name

Statement = dict[str, Any]

TABLE_ACTIONS = ("glue:GetTable", "glue:CreateTable", "glue:UpdateTable")
DATABASE_ACTIONS = ("glue:GetDatabase", "glue:CreateDatabase")
"""CreateDatabase: before its first table the sink creates the database and expects the answer
"already exists"; where it is forbidden to ask, the table is not made."""


@dataclass(frozen=True)
class Writer:
    """The sink's identity: access keys of a user, or a role that its pod takes on."""

    access_key_id: pulumi.Output[str] | None
    secret_access_key: pulumi.Output[str] | None
    role_arn: pulumi.Output[str] | None
    ready: pulumi.Resource
    """its policy, without which it may do nothing"""


def sink_policy(
    settings: ArchiveSettings, bucket_arn: str, database_arn: str | None = None
) -> dict[str, Any]:
    """What the sink may do. `database_arn`: of the Glue database that the Iceberg sink uses."""
    statements = _write_statements(bucket_arn, settings.prefix)
    if database_arn is not None:
        statements.append(
            _allow("ReadTableFiles", ["s3:GetObject"], [_objects(bucket_arn, settings.prefix)])
        )
        statements += _catalog_statements(database_arn)
    if settings.kms_key_arn is not None:
        statements.append(
            _allow("UseKey", ["kms:GenerateDataKey", "kms:Decrypt"], [settings.kms_key_arn])
        )
    return {"Version": "2012-10-17", "Statement": statements}


def _write_statements(bucket_arn: str, prefix: str) -> list[Statement]:
    within_prefix = {"StringLike": {"s3:prefix": [prefix, f"{prefix}/*"]}}
    return [
        _allow(
            "WriteObjects",
            ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
            [_objects(bucket_arn, prefix)],
        ),
        _allow("ListObjects", ["s3:ListBucket"], [bucket_arn]) | {"Condition": within_prefix},
        _allow(
            "FindBucketAndUploads",
            ["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
            [bucket_arn],
        ),
    ]


def _catalog_statements(database_arn: str) -> list[Statement]:
    """The one database and its tables; Glue asks for the right to the catalog as well."""
    account, database = database_arn.rsplit(":", 1)
    catalog = f"{account}:catalog"
    tables = f"{account}:table/{database.removeprefix('database/')}/*"
    return [
        _allow("UseDatabase", list(DATABASE_ACTIONS), [catalog, database_arn]),
        _allow("UseTables", list(TABLE_ACTIONS), [catalog, database_arn, tables]),
    ]


def tls_only_policy(bucket_arn: str) -> dict[str, Any]:
    """The bucket's own policy: nobody reaches it without TLS."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "DenyWithoutTls",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [bucket_arn, f"{bucket_arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }


def trust_policy(oidc_provider_arn: str, namespace: str, service_account: str) -> dict[str, Any]:
    """Lets the pods of one service account of one EKS cluster, and no others, take on a role."""
    issuer = oidc_provider_arn.split("oidc-provider/", 1)[1]
    identity = {
        f"{issuer}:sub": f"system:serviceaccount:{namespace}:{service_account}",
        f"{issuer}:aud": "sts.amazonaws.com",
    }
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OnlyTheSinksPods",
                "Effect": "Allow",
                "Principal": {"Federated": oidc_provider_arn},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {"StringEquals": identity},
            }
        ],
    }


def declare_user(
    name: str, policy: pulumi.Input[str], key_version: int, opts: pulumi.ResourceOptions
) -> Writer:
    """A user with access keys (design: "access_keys", for local development).

    IAM lets a user have two keys at a time: in a rotation the old one is deleted at the end.
    """
    user = aws.iam.User("sink-user", name=name, path="/datapipe/", opts=opts)
    granted = aws.iam.UserPolicyAttachment(
        "sink-user", user=user.name, policy_arn=_managed_policy(name, policy, opts), opts=opts
    )
    key = aws.iam.AccessKey(versioned_name("sink-user", key_version), user=user.name, opts=opts)
    return Writer(
        access_key_id=pulumi.Output.secret(key.id),
        secret_access_key=pulumi.Output.secret(key.secret),
        role_arn=None,
        ready=granted,
    )


def declare_role(
    name: str, trust: pulumi.Input[str], policy: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> Writer:
    """A role for the sink's pods; no key is made, kept or rotated."""
    role = aws.iam.Role(
        "sink-role", name=name, path="/datapipe/", assume_role_policy=trust, opts=opts
    )
    granted = aws.iam.RolePolicyAttachment(
        "sink-role", role=role.name, policy_arn=_managed_policy(name, policy, opts), opts=opts
    )
    return Writer(access_key_id=None, secret_access_key=None, role_arn=role.arn, ready=granted)


def _managed_policy(
    name: str, policy: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """The ARN of a policy of its own: it has versions, and account-wide audits see it."""
    managed = aws.iam.Policy(
        "write-archive", name=name, path="/datapipe/", policy=policy, opts=opts
    )
    arn: pulumi.Output[str] = managed.arn
    return arn


def _objects(bucket_arn: str, prefix: str) -> str:
    return f"{bucket_arn}/{prefix}/*"


def _allow(sid: str, actions: list[str], resources: list[str]) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
