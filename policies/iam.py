"""IAM: an identity may do only what its programs do, and only on the archive."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from policies.documents import Statement, statements
from policies.finding import Finding, judge
from policies.resource import Resource, entries
from policies.settings import Schemas, Settings

# Confluent's S3 sink was observed to need these (docs/DESIGN.md, "Where we differ").
SINK_ACTIONS = [
    "s3:PutObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
    "s3:ListBucket",
    "s3:GetBucketLocation",
    "s3:ListBucketMultipartUploads",
]

# Of the identity that rewrites an Iceberg archive's tables; no sink may delete.
MAINTENANCE_ACTIONS = [
    "s3:GetObject",
    "s3:DeleteObject",
    "glue:GetTable",
    "glue:UpdateTable",
    # Of AWS's table optimizers.
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
]

# Of the readers' role, which queries with Athena.
READER_ACTIONS = [
    "athena:BatchGetNamedQuery",
    "athena:GetNamedQuery",
    "athena:GetQueryExecution",
    "athena:GetQueryResults",
    "athena:GetWorkGroup",
    "athena:ListNamedQueries",
    "athena:ListQueryExecutions",
    "athena:StartQueryExecution",
    "athena:StopQueryExecution",
    "glue:GetDatabase",
    "glue:GetDatabases",
    "glue:GetTable",
    "glue:GetTables",
    "s3:GetObject",
    "s3:PutObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
    "s3:ListBucket",
    "s3:GetBucketLocation",
    "s3:ListBucketMultipartUploads",
]

ACTION_SETTINGS: Schemas = {
    "allowedActions": {
        "type": "array",
        "items": {"type": "string"},
        "default": SINK_ACTIONS,
        "description": "the only actions that an identity of the stack may be granted",
    },
    "additionalActions": {
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"type": "string"}},
        "default": {"maintain-archive": MAINTENANCE_ACTIONS, "read-archive": READER_ACTIONS},
        "description": "actions that only one resource may grant, by its name in the stack",
    },
}
IDENTITY_SETTINGS: Schemas = {
    "allowAccessKeys": {
        "type": "boolean",
        "default": True,
        "description": "whether a user may have access keys (design: for local development)",
    },
    "allowUserPolicies": {
        "type": "boolean",
        "default": True,
        "description": "whether a policy may be attached to a user rather than a role",
    },
}

# The resources that grant permissions, and the property that holds the document.
DOCUMENTS = {
    "aws:iam/policy:Policy": "policy",
    "aws:iam/userPolicy:UserPolicy": "policy",
    "aws:iam/rolePolicy:RolePolicy": "policy",
    "aws:iam/groupPolicy:GroupPolicy": "policy",
}
ATTACHMENTS = {
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
    "aws:iam/policyAttachment:PolicyAttachment",
}
USER_POLICIES = {
    "aws:iam/userPolicy:UserPolicy",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
}
ACCESS_KEY = "aws:iam/accessKey:AccessKey"
ROLE = "aws:iam/role:Role"

# The only allowed wildcard in an ARN: everything below a named folder of a named resource, or every
# stream of a named group of logs.
NARROW_WILDCARD = re.compile(r"[^*?]+/[^*?]+[/:]\*")


def least_privilege(resource: Resource, settings: Settings) -> Iterator[Finding]:
    """Refuse grants other than the stack's actions on the archive's resources."""
    additional = settings["additionalActions"].get(resource.name, [])
    allowed = list(dict.fromkeys([*settings["allowedActions"], *additional]))
    if resource.type in DOCUMENTS:
        document = resource.properties.get(DOCUMENTS[resource.type])
        yield from judge(_document, document, allowed)
    if resource.type in ATTACHMENTS:
        yield from judge(_no_managed_policy, resource.properties.get("policyArn"))
    if resource.type == ROLE:
        yield from judge(_trust, resource)
        yield from judge(_role_grants, resource, allowed)


def _role_grants(role: Resource, allowed: list[str]) -> Iterator[Finding]:
    """Judge the inline and managed policies in a role's own properties."""
    for _, inline in entries(role.properties, "inlinePolicies"):
        yield from judge(_document, inline.get("policy"), allowed)
    for arn in role.properties.get("managedPolicyArns", ()):
        yield from judge(_no_managed_policy, arn)


def _document(document: Any, allowed: list[str]) -> Iterator[str | Finding]:
    if document is None:
        yield "the policy document is missing; set it"
        return
    try:
        granting = [statement for statement in statements(document) if statement.allows]
    except ValueError as wrong:
        yield f"the policy can't be read: {wrong}"
        return
    for statement in granting:
        yield from judge(_actions, statement, allowed)
        yield from judge(_resources, statement)


def _actions(statement: Statement, allowed: list[str]) -> Iterator[str]:
    if "NotAction" in statement.spec:
        yield f"{statement.label} uses NotAction, which allows all other actions; use Action"
    for action in statement.actions:
        if _has_wildcard(action):
            yield f"{statement.label} allows {action}; list the sink's actions without a wildcard"
        elif action not in allowed:
            yield (
                f"{statement.label} allows {action}, which is not in this policy's allowedActions"
                f" ({', '.join(allowed)}); remove it, or add it there"
            )


def _resources(statement: Statement) -> Iterator[str]:
    if "NotResource" in statement.spec:
        yield f"{statement.label} uses NotResource, which matches all other resources; use Resource"
    for arn in statement.resources:
        name = arn.split(":", 5)[-1]
        owner = arn.removesuffix(name)
        if _has_wildcard(owner) or (_has_wildcard(name) and not NARROW_WILDCARD.fullmatch(name)):
            yield (
                f"{statement.label} allows {arn}; a wildcard is allowed only at the end, below a"
                " folder, e.g. arn:aws:s3:::bucket/topics/*"
            )


def _has_wildcard(text: str) -> bool:
    return "*" in text or "?" in text


def _no_managed_policy(arn: Any) -> Iterator[str]:
    if ":iam::aws:policy/" in str(arn):
        yield (
            f"attaches the AWS managed policy {arn}, which grants more than the sink needs; write a"
            " policy of the sink's actions"
        )


def _trust(resource: Resource) -> Iterator[str]:
    for statement in statements(resource.properties["assumeRolePolicy"]):
        if statement.allows and "*" in statement.principals:
            yield f"{statement.label} allows any principal to assume the role; name the principal"
        web_identity = "sts:AssumeRoleWithWebIdentity" in statement.actions
        if statement.allows and web_identity and not _names_subject(statement):
            yield (
                f"{statement.label} allows every pod of the cluster to assume the role; add a"
                " StringEquals condition on the provider's :sub"
            )


def _names_subject(statement: Statement) -> bool:
    exact = statement.spec.get("Condition", {}).get("StringEquals", {})
    return any(key.endswith(":sub") for key in exact)


def short_lived_identities(resource: Resource, settings: Settings) -> Iterator[str]:
    """Refuse users with keys or policies, if the settings ask for roles."""
    if resource.type == ACCESS_KEY and not settings["allowAccessKeys"]:
        yield (
            "access keys never expire, and allowAccessKeys is false; use a role for the pods"
            " (archive.access: role)"
        )
    if resource.type in USER_POLICIES and not settings["allowUserPolicies"]:
        yield (
            "the policy is attached to a user, and allowUserPolicies is false; attach it to a role"
            " (archive.access: role)"
        )
