"""How large each table of an archive is, and when it was maintained, by a bounded look."""

import gzip
import json
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlparse

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from clients.stack import ArchiveOutput

# The property that the archive's maintenance sets when it has finished with a table.
MAINTAINED_AT = "datapipe.maintained-at-ms"
COMPRESSED = ".gz.metadata.json"

TOGETHER = 4
CONNECT_SECONDS, READ_SECONDS = 5, 10
# For a table's metadata as a whole.
TABLE_SECONDS = 20
MEBIBYTE = 1024 * 1024
# Larger metadata is announced, since it takes a while; still larger one is not read at all, as it
# would take several times its size in memory.
ANNOUNCED_BYTES, MOST_BYTES = 8 * MEBIBYTE, 128 * MEBIBYTE
CHUNK_BYTES = MEBIBYTE
# Objects of an hour of files that are listed; S3 lists 1,000 with one request.
MOST_FILES = 10_000


@dataclass(frozen=True)
class IcebergTable:
    """The figures of an Iceberg table; None: not created yet, or unknown for a reason.

    The sink creates a table with its first change.
    """

    table: str
    """schema.table"""
    metadata_bytes: int | None = None
    """of the current metadata file"""
    metadata_folder: str = ""
    """path in the bucket"""
    snapshots: int | None = None
    files: int | None = None
    """data files of the current snapshot"""
    bytes: int | None = None
    """of these files"""
    maintained: datetime | None = None
    """None: never"""
    oldest_snapshot: datetime | None = None
    unread: str = ""
    """why the figures are unknown"""


@dataclass(frozen=True)
class HourOfFiles:
    """The files of a table whose records are of one hour."""

    table: str
    hour: datetime
    files: int
    bytes: int
    complete: bool = True
    """whether there are no more than these files"""


ArchivedTable = IcebergTable | HourOfFiles


def archived_tables(
    archive: ArchiveOutput, log: Callable[[str], None], now: datetime | None = None
) -> list[ArchivedTable]:
    """Look at every captured table of the archive; what takes long goes to `log`.

    Of plain files, the last hour that is over is listed. Raises botocore's errors if S3 refuses the
    listing; an Iceberg table whose metadata can't be read says so itself.
    """
    clients = _Clients(archive)
    if archive.sink == "iceberg":
        return _together(archive.tables, lambda table: _iceberg_table(clients, table, log))
    this_hour = (now or datetime.now(UTC)).replace(minute=0, second=0, microsecond=0)
    hour = this_hour - timedelta(hours=1)
    return _together(archive.tables, lambda table: _hour_of_files(clients, table, hour))


class _Clients:
    """The clients of S3 and Glue, with bounds of time."""

    def __init__(self, archive: ArchiveOutput) -> None:
        self.archive = archive
        bounds = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"total_max_attempts": 2},
        )
        where = {"region_name": archive.region, "endpoint_url": archive.endpoint, "config": bounds}
        self.s3: Any = boto3.client("s3", **where)
        self.glue: Any = boto3.client("glue", **where)


def _together(tables: Iterable[str], look: Callable[[str], ArchivedTable]) -> list[ArchivedTable]:
    with ThreadPoolExecutor(TOGETHER) as threads:
        return list(threads.map(look, tables))


def _iceberg_table(clients: _Clients, table: str, log: Callable[[str], None]) -> IcebergTable:
    database, name = clients.archive.iceberg_table(table)
    try:
        found = clients.glue.get_table(DatabaseName=database, Name=name)["Table"]
        location = found.get("Parameters", {}).get("metadata_location")
        if location is None:
            return IcebergTable(table, unread=f"{database}.{name} is not an Iceberg table")
        return _read_table(clients, table, location, log)
    except clients.glue.exceptions.EntityNotFoundException:
        return IcebergTable(table)  # no change of it is archived yet
    except (BotoCoreError, ClientError, TimeoutError) as error:
        return IcebergTable(table, unread=" ".join(str(error).split()))


def _read_table(
    clients: _Clients, table: str, location: str, log: Callable[[str], None]
) -> IcebergTable:
    address = urlparse(location)
    key = address.path.lstrip("/")
    answer = clients.s3.get_object(Bucket=address.netloc, Key=key)
    size = int(answer["ContentLength"])
    folder = key.rpartition("/")[0]
    with closing(answer["Body"]) as body:
        if size > MOST_BYTES:
            most = MOST_BYTES // MEBIBYTE
            reason = f"its metadata has {size // MEBIBYTE} MiB, of which up to {most} are read"
            return IcebergTable(table, size, folder, unread=reason)
        if size > ANNOUNCED_BYTES:
            log(f"reading the {size // MEBIBYTE} MiB of metadata of {table}")
        text = _read(body, time.monotonic() + TABLE_SECONDS)
    if key.endswith(COMPRESSED):
        text = gzip.decompress(text)
    return _figures(IcebergTable(table, size, folder), json.loads(text))


def _read(body: Any, until: float) -> bytes:
    """Return all of a response. Raises TimeoutError at a moment (time.monotonic())."""
    chunks = []
    for chunk in body.iter_chunks(CHUNK_BYTES):
        chunks.append(chunk)
        if time.monotonic() > until:
            raise TimeoutError(f"reading the metadata took longer than {TABLE_SECONDS} s")
    return b"".join(chunks)


def _figures(table: IcebergTable, metadata: Mapping[str, Any]) -> IcebergTable:
    snapshots = metadata.get("snapshots", [])
    current = metadata.get("current-snapshot-id")
    summaries = [each["summary"] for each in snapshots if each["snapshot-id"] == current]
    summary = summaries[0] if summaries else {}
    maintained = metadata.get("properties", {}).get(MAINTAINED_AT)
    oldest = min((each["timestamp-ms"] for each in snapshots), default=None)
    return IcebergTable(
        table.table,
        table.metadata_bytes,
        table.metadata_folder,
        snapshots=len(snapshots),
        files=int(summary.get("total-data-files", 0)),
        bytes=int(summary.get("total-files-size", 0)),
        maintained=_moment(maintained),
        oldest_snapshot=_moment(oldest),
    )


def _moment(milliseconds: str | int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


def _hour_of_files(clients: _Clients, table: str, hour: datetime) -> HourOfFiles:
    # The path format of the S3 sink's connector, whose times are UTC.
    folder = f"{clients.archive.folder(table)}/{hour:year=%Y/month=%m/day=%d/hour=%H}/"
    pages = clients.s3.get_paginator("list_objects_v2").paginate(
        Bucket=clients.archive.bucket, Prefix=folder
    )
    files = size = 0
    for page in pages:
        if files >= MOST_FILES:
            return HourOfFiles(table, hour, files, size, complete=False)
        found = page.get("Contents", [])
        files += len(found)
        size += sum(item["Size"] for item in found)
    return HourOfFiles(table, hour, files, size)
