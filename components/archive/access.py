"""The sinks' identity in AWS: its policy, and a user or role that has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.archive.statements import Statement, allow
from components.config.archive import ArchiveSettings
from components.config.security import versioned_name


@dataclass(frozen=True)
class Writer:
    """The sink's identity: access keys of a user, or a role that its pod takes on."""

    access_key_id: pulumi.Output[str] | None
    secret_access_key: pulumi.Output[str] | None
    role_arn: pulumi.Output[str] | None
    ready: pulumi.Resource
    """its policy, without which it may do nothing"""


@dataclass(frozen=True)
class SinkNeeds:
    """What the stack's sinks need of the archive."""

    cold_storage_class: str
    """S3's storage class for files older than `archive.glacierDays`"""
    catalog: bool
    """whether there must be a Glue database"""
    statements: Callable[[str, str | None], list[Statement]]
    """the IAM statements, for the ARNs of the bucket and of the Glue database"""


def sink_policy(
    settings: ArchiveSettings,
    needs: SinkNeeds,
    bucket_arn: str,
    database_arn: str | None = None,
) -> dict[str, Any]:
    """Return the policy of the sinks' identity; `database_arn` is that of the Glue database."""
    statements = needs.statements(bucket_arn, database_arn)
    if settings.kms_key_arn is not None:
        actions = ["kms:GenerateDataKey", "kms:Decrypt"]
        statements.append(allow("UseKey", actions, [settings.kms_key_arn]))
    return {"Version": "2012-10-17", "Statement": statements}


def tls_only_policy(bucket_arn: str) -> dict[str, Any]:
    """Return the bucket's own policy: it refuses requests without TLS."""
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
    """Return a user with access keys (design: "access_keys", for local development).

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
    """Return a role for the sink's pods; no key is created, stored or rotated."""
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
    """Return the ARN of a policy of its own: it has versions, and account-wide audits see it."""
    managed = aws.iam.Policy(
        "write-archive", name=name, path="/datapipe/", policy=policy, opts=opts
    )
    arn: pulumi.Output[str] = managed.arn
    return arn
