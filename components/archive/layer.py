"""The archive layer as one component."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import pulumi
import pulumi_aws as aws

from components.archive.access import (
    Identity,
    IdentityNames,
    SinkNeeds,
    declare_role,
    declare_user,
    maintenance_policy,
    optimizer_trust_policy,
    sink_policy,
    trust_policy,
)
from components.archive.bucket import declare_bucket, declare_lifecycle, declare_protection
from components.archive.catalog import declare_catalog
from components.archive.optimizers import OptimizedTable, account_of, declare_optimizers
from components.archive.policy_size import policy_problem
from components.config import StackConfig
from components.config.archive import MAINTENANCE_SUFFIX, ArchiveSettings
from components.config.captured_database import CapturedDatabase
from components.config.cluster import AwsSettings
from components.workloads import Workload

# The Glue databases of the sources, by the sources' names.
Catalogs: TypeAlias = "Mapping[str, aws.glue.CatalogDatabase]"


@dataclass(frozen=True)
class ArchiveArgs:
    """What the archive layer is made of."""

    settings: ArchiveSettings
    databases: tuple[CapturedDatabase, ...]
    optimized: tuple[tuple[CapturedDatabase, str], ...]
    """tables with AWS's optimizers, as schema.table, each with its database"""
    aws: AwsSettings
    needs: SinkNeeds
    namespace: pulumi.Input[str]
    connect_service_account: str
    """the one pod identity that may write, where access is a role"""
    maintenance_service_account: str
    """the one that may delete"""
    credentials_version: int
    """of the users' access keys"""

    @classmethod
    def from_config(
        cls, config: StackConfig, needs: SinkNeeds, namespace: pulumi.Input[str]
    ) -> ArchiveArgs:
        """Return the arguments for a stack, whose worker runs in this namespace."""
        listed = config.archive.maintenance.glue_tables
        return cls(
            settings=config.archive,
            databases=config.databases,
            optimized=tuple(filter(None, map(config.table_finder(), listed))),
            aws=config.aws,
            needs=needs,
            namespace=namespace,
            connect_service_account=Workload.CONNECT.service_account,
            maintenance_service_account=Workload.MAINTENANCE.service_account,
            credentials_version=config.security.credentials_version,
        )


class Archive(pulumi.ComponentResource):
    """The bucket, the identities that use it and, for Iceberg, the catalog."""

    bucket: pulumi.Output[str]
    access_key_id: pulumi.Output[str] | None
    """secret; None with role access"""
    secret_access_key: pulumi.Output[str] | None
    """secret; None with role access"""
    role_arn: pulumi.Output[str] | None
    """None with user access. The pod takes the role on by a projected token with the audience
    sts.amazonaws.com and the AWS SDKs' variables AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE."""
    maintainer: Identity | None
    """of the pod that maintains the tables; None: this stack has none"""
    ready: list[pulumi.Resource]
    """what the sink must wait for: the bucket is closed to others, its identity may write"""

    def __init__(
        self, name: str, args: ArchiveArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("datapipe:archive:Archive", name, None, opts)
        problem = policy_problem(args.settings, args.needs, args.databases, args.aws.region)
        if problem and args.aws.endpoint is None:
            raise pulumi.RunError(problem)
        child = pulumi.ResourceOptions(parent=self)
        # what is left behind when the stack goes stays as well guarded as it was
        data = pulumi.ResourceOptions(parent=self, retain_on_delete=args.settings.retain)
        protected = pulumi.ResourceOptions(protect=args.settings.protect)
        bucket = declare_bucket(args.settings, pulumi.ResourceOptions.merge(data, protected))
        protection = declare_protection(args.settings, bucket, _speaks_tls(args.aws), data)
        declare_lifecycle(args.settings, args.needs.cold_storage_class, bucket, data)
        catalogs = {
            database.name: declare_catalog(args.settings, database, bucket.bucket, data)
            for database in args.databases
            if args.needs.catalog
        }
        writer = _writer(args, _policy(args, bucket, catalogs), child)
        self.bucket = bucket.bucket
        self.access_key_id = writer.access_key_id
        self.secret_access_key = writer.secret_access_key
        self.role_arn = writer.role_arn
        self.maintainer = _maintainer(args, bucket, catalogs, child) if catalogs else None
        self.ready = [*protection, writer.ready]
        self.register_outputs({"bucket": self.bucket, "roleArn": self.role_arn})


def _speaks_tls(settings: AwsSettings) -> bool:
    return settings.endpoint is None or settings.endpoint.startswith("https:")


def _policy(args: ArchiveArgs, bucket: aws.s3.Bucket, catalogs: Catalogs) -> pulumi.Output[str]:
    """Return the sinks' policy as JSON, with the catalog's databases where they need them."""
    policy: pulumi.Output[str] = _arns(bucket, catalogs).apply(
        lambda arns: json.dumps(sink_policy(args.settings, args.needs, arns[0], arns[1:]))
    )
    return policy


def _arns(bucket: aws.s3.Bucket, catalogs: Catalogs) -> pulumi.Output[list[str]]:
    """Return the ARNs of the bucket and of the catalog's databases."""
    return pulumi.Output.all(bucket.arn, *(one.arn for one in catalogs.values()))


def _writer(
    args: ArchiveArgs, policy: pulumi.Output[str], opts: pulumi.ResourceOptions
) -> Identity:
    """Return the sink's identity, named after the bucket, whose name is unique."""
    names = IdentityNames(args.settings.bucket, "sink", "write-archive")
    return _identity_of_pods(
        args,
        names,
        policy,
        opts,
        service_account=args.connect_service_account,
        sid="OnlyTheSinksPods",
    )


def _maintainer(
    args: ArchiveArgs,
    bucket: aws.s3.Bucket,
    catalogs: Catalogs,
    opts: pulumi.ResourceOptions,
) -> Identity | None:
    """Return the identity of the pod that maintains the tables, or declare AWS's optimizers."""
    settings = args.settings
    if settings.maintenance_kind == "none":
        return None
    names = IdentityNames(
        f"{settings.bucket}{MAINTENANCE_SUFFIX}", "maintenance", "maintain-archive"
    )
    policy = _arns(bucket, catalogs).apply(
        lambda arns: json.dumps(maintenance_policy(settings, arns[0], arns[1:]))
    )
    if settings.maintenance_kind == "job":
        return _identity_of_pods(
            args,
            names,
            policy,
            opts,
            service_account=args.maintenance_service_account,
            sid="OnlyTheMaintenancePods",
        )
    arn = next(iter(catalogs.values())).arn
    trust = arn.apply(lambda known: json.dumps(optimizer_trust_policy(account_of(known))))
    optimizer = declare_role(names, trust, policy, opts)
    if optimizer.role_arn is not None:
        after = pulumi.ResourceOptions.merge(
            opts, pulumi.ResourceOptions(depends_on=[optimizer.ready])
        )
        tables = [
            OptimizedTable(source, table, catalogs[source.name]) for source, table in args.optimized
        ]
        declare_optimizers(settings.maintenance, tables, optimizer.role_arn, after)
    return None


def _identity_of_pods(
    args: ArchiveArgs,
    names: IdentityNames,
    policy: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
    *,
    service_account: str,
    sid: str,
) -> Identity:
    """Return a user with access keys, or a role that only one service account's pods take on."""
    settings = args.settings
    if settings.access == "user" or settings.oidc_provider_arn is None:
        return declare_user(names, policy, args.credentials_version, opts)
    provider = settings.oidc_provider_arn
    trust = pulumi.Output.from_input(args.namespace).apply(
        lambda namespace: json.dumps(trust_policy(provider, namespace, service_account, sid))
    )
    return declare_role(names, trust, policy, opts)
