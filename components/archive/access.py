"""The identities in AWS that use the archive: their policies, and users or roles that have them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.archive.statements import (
    Statement,
    allow,
    maintenance_statements,
    optimizer_log_statement,
)
from components.config.archive import ArchiveSettings
from components.config.security import versioned_name


@dataclass(frozen=True)
class Identity:
    """An identity of pods: access keys of a user, or a role that they take on."""

    access_key_id: pulumi.Output[str] | None
    secret_access_key: pulumi.Output[str] | None
    role_arn: pulumi.Output[str] | None
    ready: pulumi.Resource
    """its policy, without which it may do nothing"""


@dataclass(frozen=True)
class IdentityNames:
    """What an identity's resources are named."""

    name: str
    """in AWS, of the user or role and of its policy"""
    resource: str
    """in Pulumi's state, before -user and -role"""
    policy: str
    """in Pulumi's state"""


@dataclass(frozen=True)
class SinkNeeds:
    """What the stack's sinks need of the archive."""

    cold_storage_class: str
    """S3's storage class for files older than `archive.glacierDays`"""
    catalog: bool
    """whether there must be a Glue database for each source"""
    statements: Callable[[str, Sequence[str]], list[Statement]]
    """the IAM statements, for the ARNs of the bucket and of the Glue databases"""


def sink_policy(
    settings: ArchiveSettings,
    needs: SinkNeeds,
    bucket_arn: str,
    database_arns: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the policy of the sinks' identity; `database_arns` are those of the Glue databases."""
    return _document(settings, needs.statements(bucket_arn, database_arns))


def maintenance_policy(
    settings: ArchiveSettings, bucket_arn: str, database_arns: Sequence[str]
) -> dict[str, Any]:
    """Return the policy of the identity that maintains the tables of the Glue databases."""
    statements = maintenance_statements(bucket_arn, settings.prefix, database_arns)
    if settings.maintenance_kind == "glue":
        statements.append(optimizer_log_statement(database_arns[0]))
    return _document(settings, statements)


def _document(settings: ArchiveSettings, statements: list[Statement]) -> dict[str, Any]:
    if settings.kms_key_arn is not None:
        actions = ["kms:GenerateDataKey", "kms:Decrypt"]
        statements = [*statements, allow("UseKey", actions, [settings.kms_key_arn])]
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


def trust_policy(
    oidc_provider_arn: str, namespace: str, service_account: str, sid: str = "OnlyTheSinksPods"
) -> dict[str, Any]:
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
                "Sid": sid,
                "Effect": "Allow",
                "Principal": {"Federated": oidc_provider_arn},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {"StringEquals": identity},
            }
        ],
    }


def optimizer_trust_policy(account: str) -> dict[str, Any]:
    """Lets Glue, for the tables of this account, take on a role."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OnlyGlueOfThisAccount",
                "Effect": "Allow",
                "Principal": {"Service": "glue.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": account}},
            }
        ],
    }


def declare_user(
    names: IdentityNames,
    policy: pulumi.Input[str],
    key_version: int,
    opts: pulumi.ResourceOptions,
) -> Identity:
    """Return a user with access keys (design: "access_keys", for local development).

    IAM lets a user have two keys at a time: in a rotation the old one is deleted at the end.
    """
    resource = f"{names.resource}-user"
    user = aws.iam.User(resource, name=names.name, path="/datapipe/", opts=opts)
    granted = aws.iam.UserPolicyAttachment(
        resource, user=user.name, policy_arn=_managed_policy(names, policy, opts), opts=opts
    )
    key = aws.iam.AccessKey(versioned_name(resource, key_version), user=user.name, opts=opts)
    return Identity(
        access_key_id=pulumi.Output.secret(key.id),
        secret_access_key=pulumi.Output.secret(key.secret),
        role_arn=None,
        ready=granted,
    )


def declare_role(
    names: IdentityNames,
    trust: pulumi.Input[str],
    policy: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> Identity:
    """Return a role for pods or for Glue; no key is created, stored or rotated."""
    resource = f"{names.resource}-role"
    role = aws.iam.Role(
        resource, name=names.name, path="/datapipe/", assume_role_policy=trust, opts=opts
    )
    granted = aws.iam.RolePolicyAttachment(
        resource, role=role.name, policy_arn=_managed_policy(names, policy, opts), opts=opts
    )
    return Identity(access_key_id=None, secret_access_key=None, role_arn=role.arn, ready=granted)


def _managed_policy(
    names: IdentityNames, policy: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """Return the ARN of a policy of its own: it has versions, and account-wide audits see it."""
    managed = aws.iam.Policy(
        names.policy, name=names.name, path="/datapipe/", policy=policy, opts=opts
    )
    arn: pulumi.Output[str] = managed.arn
    return arn
