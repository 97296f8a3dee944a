"""The ACLs: one resource for each operation of each grant."""

from __future__ import annotations

import pulumi
import pulumi_kafka

from components.streaming.access.certificates import AcceptedVersion
from components.streaming.access.grants import AccessArgs, Grant, grants


def declare_acls(
    args: AccessArgs, version: int, opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """Declare what the accounts of this version of the credentials may do.

    The brokers must run with this version, and the options name their provider.
    """
    # A dynamic resource has a provider of its own.
    accepted = AcceptedVersion(
        "kafka-accepted-version",
        version,
        pulumi.ResourceOptions(parent=opts.parent, depends_on=opts.depends_on),
    )
    return [accepted, *(_declare(*one, version, opts) for one in operations(args))]


def operations(args: AccessArgs) -> list[tuple[Grant, str]]:
    """Return each operation of each grant."""
    return [(grant, operation) for grant in grants(args) for operation in grant.operations]


def _declare(
    grant: Grant, operation: str, version: int, opts: pulumi.ResourceOptions
) -> pulumi_kafka.Acl:
    name = f"{grant.name}*" if grant.prefixed else grant.name
    return pulumi_kafka.Acl(
        f"{grant.account.common_name(version)} {operation} {grant.kind} {name}",
        acl_principal=grant.account.principal(version),
        acl_host="*",
        acl_operation=operation,
        acl_permission_type="Allow",
        acl_resource_type=grant.kind,
        acl_resource_name=grant.name,
        resource_pattern_type_filter=grant.pattern,
        opts=opts,
    )
