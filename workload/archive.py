"""Reads the archived changes of a load."""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute

from clients.archive import Archive
from workload.changes import CapturedTable
from workload.comparison import READ


def read_changes(
    archive: Archive,
    tables: Iterable[CapturedTable],
    first_lsn: int,
    last_lsn: int | None,
    *,
    later_reads: bool = False,
) -> dict[str, pa.Table]:
    """Return what the archive holds between two positions of the WAL, by table.

    With `later_reads`, rows that a snapshot has read after the last position are returned too: they
    show the state that the changes led to.
    """
    found = {table.name: archive.changes(table.name, since_lsn=first_lsn) for table in tables}
    if last_lsn is None:
        return found
    return {name: _until(rows, last_lsn, later_reads) for name, rows in found.items()}


def _until(rows: pa.Table, last_lsn: int, later_reads: bool) -> pa.Table:
    kept = pyarrow.compute.less(rows.column("__source_lsn"), last_lsn)
    if later_reads:
        kept = pyarrow.compute.or_(kept, pyarrow.compute.equal(rows.column("__op"), READ))
    return rows.filter(kept)
