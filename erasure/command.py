"""The command `datapipe erase`."""

import getpass
import json
import platform
import sys
import time
from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from clients import database
from clients.archive import IcebergArchive
from clients.console import log
from clients.stack import StackError, StackOutputs, read_outputs
from clients.table_reference import TableReference, qualified
from erasure import database_rows, elsewhere, iceberg_job
from erasure.key import Key, archived_key, parse_key
from erasure.object_versions import delete_versions, earlier_versions
from erasure.plain_files import PlainFiles

Log = Callable[[str], None]
# Of an audit, with what each number means.
FIGURES = {
    "rowsInFiles": "rows in files, each as often as files have it",
    "filesWithRows": "files with such rows, old ones included",
    "snapshots": "snapshots, of which the last one stays",
    "changedKeys": "other keys, from or to which an update has changed this one",
    "earlierVersions": "earlier versions of objects, all of which are deleted",
    "erasedRows": "rows erased from present files",
    "rewrittenFiles": "files rewritten",
    "deletedFiles": "files deleted",
    "remainingRows": "rows of the key that are left",
}


def erase(
    stack: str,
    table: str,
    text: str,
    *,
    confirmed: bool,
    keep_row: bool,
    source: str | None = None,
) -> bool:
    """Erase a key's rows from the archive; return whether that was done.

    `table` is schema.table or source.schema.table. Without `confirmed` it shows what would be done,
    and asks on a terminal. Raises StackError if the rows can't be erased.
    """
    reference = TableReference.parse(table, source)
    outputs, table = reference.find(read_outputs(stack)), reference.table
    shown = qualified(outputs, table)
    given = parse_key(outputs, table, text)
    with database.connect(outputs) as connection:
        key = archived_key(connection, outputs, table, given)
        if database_rows.has_row(connection, key) and not keep_row:
            raise StackError(
                f"PostgreSQL still has the row of {shown} with this key, and its next change would"
                " be archived again. Delete it there first; --keep-row erases its past nevertheless"
            )
        referring = database_rows.referring_tables(connection, key)
    database_rows.wait_until_archived(outputs, table, log)
    by = _identity(outputs)
    print(f"{shown}, key {key.as_json()}:")
    _print(_run(outputs, key, by, dry_run=True))
    for note in elsewhere.notes(outputs, table, referring):
        print(f"- {note}")
    if not confirmed and not _confirm(text):
        print("Nothing was changed. Erase it with YES=1")
        return False
    _print(_run(outputs, key, by, dry_run=False))
    return True


def _run(outputs: StackOutputs, key: Key, by: str, *, dry_run: bool) -> dict[str, Any]:
    """Erase, or look what there is to erase; return the audit."""
    s3 = boto3.client(
        "s3", region_name=outputs.archive.region, endpoint_url=outputs.archive.endpoint
    )
    try:
        if outputs.archive.sink == "iceberg":
            return _erase_from_table(outputs, key, by, s3, dry_run=dry_run)
        return erase_from_files(outputs, key, by, s3, dry_run=dry_run)
    except (BotoCoreError, ClientError) as error:
        raise StackError(f"S3 refuses: {error}. Run it again: what is done stays done") from None


def _erase_from_table(
    outputs: StackOutputs, key: Key, by: str, s3: Any, *, dry_run: bool
) -> dict[str, Any]:
    audit = iceberg_job.erase(outputs, key, by, log, dry_run=dry_run)
    found = IcebergArchive(outputs.archive).find(key.table)
    if found is None:
        return audit
    bucket, _, folder = found.location().split("://", 1)[1].partition("/")
    versions = earlier_versions(s3, bucket, f"{folder}/")
    if not dry_run:
        delete_versions(s3, bucket, versions)
    return {**audit, "earlierVersions": len(versions)}


def erase_from_files(
    outputs: StackOutputs, key: Key, by: str, s3: Any, *, dry_run: bool
) -> dict[str, Any]:
    """Erase from the files of Confluent's sink; write the audit to the folder erasures."""
    archive = outputs.archive
    began = time.time()
    audit: dict[str, Any] = {
        "source": outputs.source,
        "table": key.table,
        "keySha256": key.digest(),
        "by": by,
        "began": _time(began),
        "outcome": "dry run" if dry_run else "started",
    }
    # Without a prefix the managed database's table is meant.
    erased = key.table if outputs.managed else outputs.topic_of(key.table)
    name = f"{archive.prefix}/erasures/{erased}-{_time(began)}.json"

    def write() -> None:
        body = json.dumps(audit).encode()
        s3.put_object(Bucket=archive.bucket, Key=name, Body=body, ContentType="application/json")

    if not dry_run:
        write()
    files = PlainFiles(s3, archive.bucket, archive.folder(key.table), log)
    found = files.erase(key, dry_run=dry_run)
    audit |= {
        "dataFiles": found.files,
        "filesWithRows": found.files_with_rows,
        "rowsInFiles": found.rows,
        "earlierVersions": found.versions,
    }
    if not dry_run:
        audit |= {"rewrittenFiles": found.rewritten, "erasedRows": found.rows, "remainingRows": 0}
        audit |= {"outcome": "done", "at": _time(time.time())}
        write()
    return audit


def _identity(outputs: StackOutputs) -> str:
    """Return who erases: the user here and, if it is known, the user in AWS."""
    here = f"{getpass.getuser()}@{platform.node()}"
    try:
        sts = boto3.client(
            "sts", region_name=outputs.archive.region, endpoint_url=outputs.archive.endpoint
        )
        return f"{here}, {sts.get_caller_identity()['Arn']}"
    except (BotoCoreError, ClientError) as error:
        raise StackError(f"AWS does not accept your credentials: {error}") from None


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _print(audit: dict[str, Any]) -> None:
    for name, meaning in FIGURES.items():
        if name in audit:
            print(f"  {audit[name]:>8,} {meaning}")
    print(json.dumps(audit))


def _confirm(text: str) -> bool:
    if not sys.stdin.isatty():
        return False
    answer = input("Type the key again to erase it, anything else to stop: ")
    return answer == text
