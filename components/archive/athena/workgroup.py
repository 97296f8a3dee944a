"""The workgroup: where results go, how they are encrypted, and how much a query may read."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws

from components.config.archive import ArchiveSettings
from components.config.athena import AthenaSettings
from components.settings import MEBIBYTE

ENGINE = "Athena engine version 3"


def declare_workgroup(
    settings: ArchiveSettings, athena: AthenaSettings, opts: pulumi.ResourceOptions
) -> aws.athena.Workgroup:
    """Return the workgroup, which is named after the bucket.

    Its settings override those of clients, so that no result is written elsewhere or unencrypted.
    """
    return aws.athena.Workgroup(
        "archive",
        name=settings.bucket,
        description="Questions to the archive of datapipe",
        force_destroy=True,
        configuration={
            "enforce_workgroup_configuration": True,
            "bytes_scanned_cutoff_per_query": athena.scan_limit * MEBIBYTE,
            "engine_version": {"selected_engine_version": ENGINE},
            "result_configuration": {
                "output_location": f"s3://{settings.bucket}/{athena.results_prefix}/",
                "encryption_configuration": _encryption(settings),
            },
        },
        opts=opts,
    )


def _encryption(settings: ArchiveSettings) -> dict[str, Any]:
    if settings.kms_key_arn is not None:
        return {"encryption_option": "SSE_KMS", "kms_key_arn": settings.kms_key_arn}
    return {"encryption_option": "SSE_S3"}
