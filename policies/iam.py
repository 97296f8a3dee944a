"""IAM: an identity may do what the sink does, on the archive alone, and no more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from policies.documents import Statement, statements
from policies.finding import Finding, judge
from policies.resource import Resource, entries
from policies.settings import Schemas, Settings

SINK_ACTIONS = [
    "s3:PutObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
    "s3:ListBucket",
    "s3:GetBucketLocation",
    "s3:ListBucketMultipartUploads",
]
"""What Confluent's S3 sink was observed to need (decisions on the design)."""

ACTION_SETTINGS: Schemas = {
    "allowedActions": {
        "type": "array",
        "items": {"type": "string"},
        "default": SINK_ACTIONS,
        "description": "the only actions that an identity of the stack may be granted",
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

DOCUMENTS = {
    "aws:iam/policy:Policy": "policy",
    "aws:iam/userPolicy:UserPolicy": "policy",
    "aws:iam/rolePolicy:RolePolicy": "policy",
    "aws:iam/groupPolicy:GroupPolicy": "policy",
}
"""The resources that grant rights, and the property with the document."""
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
USER = "aws:iam/user:User"

NARROW_WILDCARD = re.compile(r"[^*?]+/[^*?]+/\*")
"""The only wildcard in an ARN's resource: everything below a named folder of a named thing."""


def least_privilege(resource: Resource, settings: Settings) -> Iterator[Finding]:
    """Every grant names actions of the sink and resources of the archive."""
    if resource.type in DOCUMENTS:
        document = resource.properties.get(DOCUMENTS[resource.type])
        yield from judge(_document, document, settings["allowedActions"])
    if resource.type in ATTACHMENTS:
        yield from judge(_no_managed_policy, resource.properties.get("policyArn"))
    if resource.type == ROLE:
        yield from judge(_trust, resource)
        yield from judge(_role_grants, resource, settings["allowedActions"])


def _role_grants(role: Resource, allowed: list[str]) -> Iterator[Finding]:
    """What a role brings along without a resource of its own."""
    for _, inline in entries(role.properties, "inlinePolicies"):
        yield from judge(_document, inline.get("policy"), allowed)
    for arn in role.properties.get("managedPolicyArns", ()):
        yield from judge(_no_managed_policy, arn)


def _document(document: Any, allowed: list[str]) -> Iterator[str | Finding]:
    if document is None:
        yield "the policy has no document"
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
        yield f"{statement.label} allows all but some actions (NotAction); list those it needs"
    for action in statement.actions:
        if _has_wildcard(action):
            yield f"{statement.label} allows {action}; name the actions that the sink needs"
        elif action not in allowed:
            yield (
                f"{statement.label} allows {action}, which is not among the sink's actions; remove"
                " it, or add it to this policy's allowedActions"
            )


def _resources(statement: Statement) -> Iterator[str]:
    if "NotResource" in statement.spec:
        yield f"{statement.label} is about all but some resources (NotResource); list those meant"
    for arn in statement.resources:
        name = arn.split(":", 5)[-1]
        owner = arn.removesuffix(name)
        if _has_wildcard(owner) or (_has_wildcard(name) and not NARROW_WILDCARD.fullmatch(name)):
            yield (
                f"{statement.label} allows {arn}; a wildcard may only stand for what lies in one"
                " folder, e.g. arn:aws:s3:::bucket/topics/*"
            )


def _has_wildcard(text: str) -> bool:
    return "*" in text or "?" in text


def _no_managed_policy(arn: Any) -> Iterator[str]:
    if ":iam::aws:policy/" in str(arn):
        yield f"attaches AWS's managed policy {arn}, which is wider than the sink; write one"


def _trust(resource: Resource) -> Iterator[str]:
    for statement in statements(resource.properties["assumeRolePolicy"]):
        if statement.allows and "*" in statement.principals:
            yield f"{statement.label}: anybody may take on the role; name the principal"
        web_identity = "sts:AssumeRoleWithWebIdentity" in statement.actions
        if statement.allows and web_identity and not _names_subject(statement):
            yield (
                f"{statement.label}: every pod of the cluster may take on the role; add a condition"
                " StringEquals on the provider's :sub"
            )


def _names_subject(statement: Statement) -> bool:
    exact = statement.spec.get("Condition", {}).get("StringEquals", {})
    return any(key.endswith(":sub") for key in exact)


def short_lived_identities(resource: Resource, settings: Settings) -> Iterator[str]:
    """Where a stack asks for it: roles instead of users with keys."""
    if resource.type == ACCESS_KEY and not settings["allowAccessKeys"]:
        yield "access keys never expire; use a role for the pods (archive.access: role)"
    if resource.type in USER_POLICIES and not settings["allowUserPolicies"]:
        yield "the policy belongs to a user; give it to a role (archive.access: role)"
