"""The archive's tables in the status: what they have grown to, and whether they are maintained."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rich.table import Table

from clients.archived_tables import ArchivedTable, HourOfFiles, IcebergTable
from clients.bucket import Objects
from clients.cluster import MEBIBYTE
from clients.stack import MaintenanceOutput
from clients.status.tables import NOTHING, mark, new_table

KIBIBYTE = 1024
MINUTE, HOUR, DAY = 60, 3600, 86_400


def problems_of_archived(
    tables: Sequence[ArchivedTable], limits: MaintenanceOutput
) -> Iterator[str]:
    """Yield what the alerts ArchiveMetadataGrows and MaintenanceLate report."""
    for table in tables:
        if isinstance(table, IcebergTable):
            yield from _problems(table, limits)


def _problems(table: IcebergTable, limits: MaintenanceOutput) -> Iterator[str]:
    if table.unread:
        yield f"the archive of {table.table} can't be measured: {table.unread}"
    most = limits.most_snapshots
    if table.snapshots is not None and most is not None and table.snapshots > most:
        yield (
            f"the archive of {table.table} has {table.snapshots} snapshots; maintenance should keep"
            f" it below {most}. Every commit writes them, and they fill the"
            " worker's heap"
        )
    since = table.maintained or table.oldest_snapshot
    if since is None or limits.late_after_seconds is None:
        return
    age = (datetime.now(UTC) - since).total_seconds()
    if age > limits.late_after_seconds:
        was = "was last maintained" if table.maintained else "was never maintained; it began"
        yield (
            f"the archive of {table.table} {was} {duration(age)} ago; it is due every"
            f" {duration(limits.late_after_seconds)}. make maintain runs it now"
        )


def archived_table(tables: Sequence[ArchivedTable], objects: object) -> Table:
    """Return a row for each table of the archive."""
    hours = [table for table in tables if isinstance(table, HourOfFiles)]
    if hours:
        return _hours_table(hours)
    folders = objects.metadata if isinstance(objects, Objects) and objects.complete else {}
    shown = new_table(
        "archive",
        *("", "table", ">snapshots", ">files", ">mean file"),
        *(">metadata file", ">all metadata", ">maintained"),
    )
    for table in tables:
        if isinstance(table, IcebergTable):
            whole = folders.get(table.metadata_folder)
            shown.add_row(
                mark(not table.unread),
                table.table,
                *(NOTHING if n is None else str(n) for n in (table.snapshots, table.files)),
                _mean(table.bytes, table.files),
                NOTHING if table.metadata_bytes is None else size(table.metadata_bytes),
                NOTHING if whole is None else size(whole),
                _maintained(table),
            )
    return shown


def _hours_table(tables: Sequence[HourOfFiles]) -> Table:
    shown = new_table("archive", "table", "hour (UTC)", ">files", ">mean file")
    for table in tables:
        least = "" if table.complete else "at least "
        mean = _mean(table.bytes, table.files)
        shown.add_row(table.table, f"{table.hour:%Y-%m-%d %H}", f"{least}{table.files}", mean)
    return shown


def _maintained(table: IcebergTable) -> str:
    if table.maintained is None:
        return NOTHING if table.snapshots is None else "never"
    return f"{duration((datetime.now(UTC) - table.maintained).total_seconds())} ago"


def _mean(size_of_all: int | None, count: int | None) -> str:
    return size(size_of_all // count) if size_of_all is not None and count else NOTHING


def size(count: int) -> str:
    """Return a number of bytes in KiB or MiB."""
    if count < MEBIBYTE:
        return f"{count / KIBIBYTE:.1f} KiB"
    return f"{count / MEBIBYTE:.1f} MiB"


def duration(seconds: float) -> str:
    """Return a time in its largest unit of days, hours, minutes and seconds."""
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"
