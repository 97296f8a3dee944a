"""Counts the objects in the archive's bucket."""

from dataclasses import dataclass
from datetime import datetime

import boto3

from clients.stack import ArchiveOutput


@dataclass(frozen=True)
class Objects:
    """The objects of an archive."""

    count: int
    # Bytes.
    size: int
    # When the newest object was written; None without objects.
    newest: datetime | None


def objects(archive: ArchiveOutput) -> Objects:
    """Count the objects under the archive's prefix. Raises botocore's errors if S3 refuses."""
    s3 = boto3.client("s3", region_name=archive.region, endpoint_url=archive.endpoint)
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=archive.bucket, Prefix=f"{archive.prefix}/"
    )
    found = [item for page in pages for item in page.get("Contents", [])]
    return Objects(
        count=len(found),
        size=sum(item["Size"] for item in found),
        newest=max((item["LastModified"] for item in found), default=None),
    )
