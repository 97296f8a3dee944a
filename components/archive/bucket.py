"""The archive's bucket: encrypted, closed to the public, cheap with age."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pulumi_aws as aws

from components.archive.access import tls_only_policy
from components.config.archive import ArchiveSettings

# Parts of an upload that a killed sink never finished are paid for until they are aborted.
STALE_UPLOAD_DAYS = 7


def declare_bucket(settings: ArchiveSettings, opts: pulumi.ResourceOptions) -> aws.s3.Bucket:
    """Return the bucket; one that is not to be retained is emptied when it is destroyed."""
    return aws.s3.Bucket(
        "archive",
        bucket=settings.bucket,
        force_destroy=not settings.retain,
        opts=opts,
    )


def declare_protection(
    settings: ArchiveSettings,
    bucket: aws.s3.Bucket,
    tls_only: bool,
    opts: pulumi.ResourceOptions,
) -> list[pulumi.Resource]:
    """Return the resources that block public access and encrypt the objects.

    `tls_only` is False only where AWS is stood in for without TLS; the policy would shut us out.
    """
    closed = aws.s3.BucketPublicAccessBlock(
        "archive",
        bucket=bucket.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=opts,
    )
    owned = aws.s3.BucketOwnershipControls(
        "archive",
        bucket=bucket.bucket,
        rule={"object_ownership": "BucketOwnerEnforced"},
        opts=opts,
    )
    encrypted = aws.s3.BucketServerSideEncryptionConfiguration(
        "archive", bucket=bucket.bucket, rules=[encryption_rule(settings)], opts=opts
    )
    protection: list[pulumi.Resource] = [closed, owned, encrypted]
    if tls_only:
        # S3 refuses to change the policy and the public access block of a bucket at the same time
        after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[closed]))
        policy = bucket.arn.apply(lambda arn: json.dumps(tls_only_policy(arn)))
        protection.append(
            aws.s3.BucketPolicy("archive", bucket=bucket.bucket, policy=policy, opts=after)
        )
    return protection


def declare_lifecycle(
    settings: ArchiveSettings,
    cold_storage_class: str,
    bucket: aws.s3.Bucket,
    opts: pulumi.ResourceOptions,
) -> None:
    """Declare when objects move to cheaper classes and stale uploads are aborted."""
    aws.s3.BucketLifecycleConfiguration(
        "archive",
        bucket=bucket.bucket,
        rules=lifecycle_rules(settings, cold_storage_class),
        opts=opts,
    )


def encryption_rule(settings: ArchiveSettings) -> Any:
    """Encryption at rest with S3's key (SSE-S3, the design) or one of KMS."""
    default: dict[str, str] = {"sse_algorithm": settings.encryption}
    if settings.kms_key_arn is not None:
        default["kms_master_key_id"] = settings.kms_key_arn
    return {
        "apply_server_side_encryption_by_default": default,
        "bucket_key_enabled": settings.kms_key_arn is not None,
    }


def lifecycle_rules(settings: ArchiveSettings, cold_storage_class: str) -> list[Any]:
    """Return the lifecycle rules; the sink knows the storage class that suits its old files."""
    return [
        {
            "id": "abort-stale-uploads",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "abort_incomplete_multipart_upload": {"days_after_initiation": STALE_UPLOAD_DAYS},
        },
        {
            "id": "cheaper-with-age",
            "status": "Enabled",
            "filter": {"prefix": f"{settings.prefix}/"},
            "transitions": [
                {"days": settings.infrequent_access_days, "storage_class": "STANDARD_IA"},
                {"days": settings.glacier_days, "storage_class": cold_storage_class},
            ],
        },
        *_result_rules(settings),
    ]


def _result_rules(settings: ArchiveSettings) -> list[Any]:
    """Return the rule that deletes the results of queries, where there are any."""
    if settings.athena is None:
        return []
    return [
        {
            "id": "delete-results",
            "status": "Enabled",
            "filter": {"prefix": f"{settings.athena.results_prefix}/"},
            "expiration": {"days": settings.athena.results_days},
        }
    ]
