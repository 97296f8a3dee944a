"""The archive layer as one component."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.archive.access import (
    SinkNeeds,
    Writer,
    declare_role,
    declare_user,
    sink_policy,
    trust_policy,
)
from components.archive.bucket import declare_bucket, declare_lifecycle, declare_protection
from components.archive.catalog import declare_catalog
from components.config import StackConfig
from components.config.archive import ArchiveSettings
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
    credentials_version: int
    """of the user's access key"""

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
            credentials_version=config.security.credentials_version,
        )


class Archive(pulumi.ComponentResource):
    """The bucket, the sink's identity and, for Iceberg, the catalog."""

    bucket: pulumi.Output[str]
    access_key_id: pulumi.Output[str] | None
    """secret; None with role access"""
    secret_access_key: pulumi.Output[str] | None
    """secret; None with role access"""
    role_arn: pulumi.Output[str] | None
    """None with user access. The pod takes the role on by a projected token with the audience
    sts.amazonaws.com and the AWS SDKs' variables AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE."""
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
        writer = _writer(args, _policy(args, bucket, data), child)
        self.bucket = bucket.bucket
        self.access_key_id = writer.access_key_id
        self.secret_access_key = writer.secret_access_key
        self.role_arn = writer.role_arn
        self.ready = [*protection, writer.ready]
        self.register_outputs({"bucket": self.bucket, "roleArn": self.role_arn})


def _speaks_tls(settings: AwsSettings) -> bool:
    return settings.endpoint is None or settings.endpoint.startswith("https:")


def _policy(
    args: ArchiveArgs, bucket: aws.s3.Bucket, opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """Return the sinks' policy as JSON, with the catalog's database where they need one."""
    arns = [bucket.arn]
    if args.needs.catalog:
        arns.append(declare_catalog(args.settings, bucket.bucket, opts).arn)
    policy: pulumi.Output[str] = pulumi.Output.all(*arns).apply(
        lambda known: json.dumps(sink_policy(args.settings, args.needs, *known))
    )
    return policy


def _writer(args: ArchiveArgs, policy: pulumi.Output[str], opts: pulumi.ResourceOptions) -> Writer:
    """Return the sink's identity, named after the bucket, whose name is unique."""
    settings = args.settings
    if settings.access == "user" or settings.oidc_provider_arn is None:
        return declare_user(settings.bucket, policy, args.credentials_version, opts)
    provider = settings.oidc_provider_arn
    trust = pulumi.Output.from_input(args.namespace).apply(
        lambda namespace: json.dumps(
            trust_policy(provider, namespace, args.connect_service_account)
        )
    )
    return declare_role(settings.bucket, trust, policy, opts)
