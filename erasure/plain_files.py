"""Erases a key from the Parquet files of Confluent's sink, with the user's own AWS credentials."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from clients.stack import StackError
from erasure.key import Key
from erasure.object_versions import delete_versions, earlier_versions
from erasure.parquet_rewrite import Rewritten, without_key

# Classes whose objects can't be read before they are restored.
FROZEN = frozenset({"GLACIER", "DEEP_ARCHIVE"})
PARQUET = ".parquet"
CHANGED_MEANWHILE = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"})
# Of the passes over all files: each repeats what the sink has written during the one before.
PASSES = 10


@dataclass
class Found:
    """What was found and done."""

    files: int = 0
    """that were looked into"""
    files_with_rows: int = 0
    rows: int = 0
    rewritten: int = 0
    versions: int = 0
    """earlier versions of objects"""


class PlainFiles:
    """The files of one table."""

    def __init__(self, s3: Any, bucket: str, folder: str, log: Callable[[str], None]) -> None:
        self._s3, self._bucket, self._folder, self._log = s3, bucket, f"{folder}/", log
        self._free: dict[str, str] = {}

    def erase(self, key: Key, *, dry_run: bool) -> Found:
        """Rewrite each file that has rows of the key, then delete earlier versions.

        An interruption leaves each file as it was or rewritten; the next run goes on. Raises
        StackError if a file can't be read or rewritten.
        """
        found = Found()
        for _ in range(PASSES):
            changed = self._pass(key, found, dry_run=dry_run)
            if dry_run or not changed:
                break
        else:
            raise StackError("the sink writes rows of the key all the time; stop what changes them")
        versions = earlier_versions(self._s3, self._bucket, self._folder)
        found.versions = len(versions)
        if not dry_run:
            delete_versions(self._s3, self._bucket, versions)
        return found

    def _pass(self, key: Key, found: Found, *, dry_run: bool) -> bool:
        """Look into each file that is not known to be free; return whether one was not."""
        objects = self._objects()
        changed = False
        for number, item in enumerate(objects, start=1):
            name, tag = item["Key"], item["ETag"]
            if self._free.get(name) == tag:
                continue
            answer = self._s3.get_object(Bucket=self._bucket, Key=name)
            rewritten = without_key(name, answer["Body"].read(), key.archived)
            if rewritten is None:
                self._free[name] = answer["ETag"]
                continue
            changed = True
            found.files_with_rows += 1
            found.rows += rewritten.erased
            if not dry_run:
                self._replace(name, answer, rewritten)
                found.rewritten += 1
            self._log(f"{number:,} of {len(objects):,} files: {rewritten.erased} rows in {name}")
        found.files = len(objects)
        return changed

    def _objects(self) -> list[dict[str, Any]]:
        """Return the Parquet objects. Raises StackError if some can't be read."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._folder
        )
        every = [item for page in pages for item in page.get("Contents", [])]
        objects = [item for item in every if item["Key"].endswith(PARQUET)]
        frozen = [item["Key"] for item in objects if item.get("StorageClass") in FROZEN]
        if frozen:
            raise StackError(
                f"{len(frozen):,} of {len(objects):,} files are in Glacier and can't be read or"
                f" rewritten, the first is {frozen[0]}; restore them (aws s3api restore-object) and"
                " copy them to another storage class first. Nothing was changed"
            )
        return objects

    def _replace(self, name: str, original: dict[str, Any], rewritten: Rewritten) -> None:
        """Put the rewritten file in place of the original, unless that has changed."""
        kept = {
            field: original[field] for field in ("ContentType", "StorageClass") if field in original
        }
        try:
            self._s3.put_object(
                Bucket=self._bucket,
                Key=name,
                Body=rewritten.content,
                Metadata=original.get("Metadata", {}),
                IfMatch=original["ETag"],
                **kept,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in CHANGED_MEANWHILE:
                raise
            self._log(f"{name} has changed meanwhile; it is looked into again")
