"""The archive layer as one component."""

import json
from dataclasses import dataclass

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
from components.archive.optimizers import account_of, declare_optimizers
from components.config import StackConfig
from components.config.archive import MAINTENANCE_SUFFIX, ArchiveSettings
from components.config.cluster import AwsSettings
from components.workloads import Workload


@dataclass(frozen=True)
class ArchiveArgs:
    """What the archive layer is made of."""

    settings: ArchiveSettings
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
    ) -> "ArchiveArgs":
        """Return the arguments for a stack, whose worker runs in this namespace."""
        return cls(
            settings=config.archive,
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
        child = pulumi.ResourceOptions(parent=self)
        # what is left behind when the stack goes stays as well guarded as it was
        data = pulumi.ResourceOptions(parent=self, retain_on_delete=args.settings.retain)
        protected = pulumi.ResourceOptions(protect=args.settings.protect)
        bucket = declare_bucket(args.settings, pulumi.ResourceOptions.merge(data, protected))
        protection = declare_protection(args.settings, bucket, _speaks_tls(args.aws), data)
        declare_lifecycle(args.settings, args.needs.cold_storage_class, bucket, data)
        database = (
            declare_catalog(args.settings, bucket.bucket, data) if args.needs.catalog else None
        )
        writer = _writer(args, _policy(args, bucket, database), child)
        self.bucket = bucket.bucket
        self.access_key_id = writer.access_key_id
        self.secret_access_key = writer.secret_access_key
        self.role_arn = writer.role_arn
        self.maintainer = None if database is None else _maintainer(args, bucket, database, child)
        self.ready = [*protection, writer.ready]
        self.register_outputs({"bucket": self.bucket, "roleArn": self.role_arn})


def _speaks_tls(settings: AwsSettings) -> bool:
    return settings.endpoint is None or settings.endpoint.startswith("https:")


def _policy(
    args: ArchiveArgs, bucket: aws.s3.Bucket, database: aws.glue.CatalogDatabase | None
) -> pulumi.Output[str]:
    """Return the sinks' policy as JSON, with the catalog's database where they need one."""
    arns = [bucket.arn, *([] if database is None else [database.arn])]
    policy: pulumi.Output[str] = pulumi.Output.all(*arns).apply(
        lambda known: json.dumps(sink_policy(args.settings, args.needs, *known))
    )
    return policy


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
    database: aws.glue.CatalogDatabase,
    opts: pulumi.ResourceOptions,
) -> Identity | None:
    """Return the identity of the pod that maintains the tables, or declare AWS's optimizers."""
    settings = args.settings
    if settings.maintenance_kind == "none":
        return None
    names = IdentityNames(
        f"{settings.bucket}{MAINTENANCE_SUFFIX}", "maintenance", "maintain-archive"
    )
    policy = pulumi.Output.all(bucket.arn, database.arn).apply(
        lambda arns: json.dumps(maintenance_policy(settings, *arns))
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
    trust = database.arn.apply(lambda arn: json.dumps(optimizer_trust_policy(account_of(arn))))
    optimizer = declare_role(names, trust, policy, opts)
    if optimizer.role_arn is not None:
        after = pulumi.ResourceOptions.merge(
            opts, pulumi.ResourceOptions(depends_on=[optimizer.ready])
        )
        declare_optimizers(settings.maintenance, database, optimizer.role_arn, after)
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
