"""Counts the objects in the archive's bucket."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import boto3

from clients.stack import ArchiveOutput

# Iceberg's name of the folder next to a table's data.
METADATA = "metadata"
# S3 needs some seconds for so many.
PAGES_PER_LINE = 50

Log = Callable[[str], None]


@dataclass(frozen=True)
class Objects:
    """The objects of an archive."""

    count: int
    # Bytes.
    size: int
    # When the newest object was written; None without objects, or if not all were looked at.
    newest: datetime | None
    # Bytes of each folder of metadata, by the folder's path in the bucket.
    metadata: Mapping[str, int] = field(default_factory=dict)
    # Whether there are no more than these.
    complete: bool = True


def objects(
    archive: ArchiveOutput, most: int | None = None, log: Log = lambda _message: None
) -> Objects:
    """Count the objects under the archive's prefix, at most about `most` of them.

    S3 lists 1,000 with one request; `log` gets the count of many now and then. Raises botocore's
    errors if S3 refuses.
    """
    s3 = boto3.client("s3", region_name=archive.region, endpoint_url=archive.endpoint)
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=archive.bucket, Prefix=f"{archive.prefix}/"
    )
    count = size = 0
    newest: datetime | None = None
    metadata: Counter[str] = Counter()
    for number, page in enumerate(pages):
        if number and number % PAGES_PER_LINE == 0:
            log(f"counting the archive's objects: {count:,} so far")
        if most is not None and count >= most:
            return Objects(count, size, None, metadata, complete=False)
        for item in page.get("Contents", []):
            count += 1
            size += item["Size"]
            newest = max(newest or item["LastModified"], item["LastModified"])
            folder = item["Key"].rpartition("/")[0]
            if folder.endswith(f"/{METADATA}"):
                metadata[folder] += item["Size"]
    return Objects(count, size, newest, metadata)
