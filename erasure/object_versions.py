"""Earlier versions of the archive's objects, which a bucket with versioning keeps."""

from collections.abc import Iterator
from typing import Any

from clients.stack import StackError

# S3 deletes so many objects with one request.
AT_ONCE = 1000


def is_versioned(s3: Any, bucket: str) -> bool:
    """Return whether the bucket keeps earlier versions, or has kept some."""
    return "Status" in s3.get_bucket_versioning(Bucket=bucket)


def earlier_versions(s3: Any, bucket: str, folder: str) -> list[dict[str, str]]:
    """Return the versions below a folder that are not the present ones, with the delete markers."""
    return list(_earlier(s3, bucket, folder)) if is_versioned(s3, bucket) else []


def _earlier(s3: Any, bucket: str, folder: str) -> Iterator[dict[str, str]]:
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=folder)
    for page in pages:
        for each in page.get("Versions", []):
            if not each["IsLatest"]:
                yield {"Key": each["Key"], "VersionId": each["VersionId"]}
        for each in page.get("DeleteMarkers", []):
            yield {"Key": each["Key"], "VersionId": each["VersionId"]}


def delete_versions(s3: Any, bucket: str, versions: list[dict[str, str]]) -> None:
    """Delete versions for good. Raises StackError if S3 refuses to delete one."""
    for first in range(0, len(versions), AT_ONCE):
        answer = s3.delete_objects(
            Bucket=bucket, Delete={"Objects": versions[first : first + AT_ONCE], "Quiet": True}
        )
        if errors := answer.get("Errors"):
            raise StackError(
                f"{len(errors)} earlier versions can't be deleted, the first is {errors[0]['Key']}:"
                f" {errors[0]['Code']}; the right s3:DeleteObjectVersion is needed, and no lock"
            )
