"""Archives in memory as a session of DuckDB reads them, and sessions over them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.dataset

from archive_views.table import CHANGE_COLUMNS, SourceDatabase, StoredColumn
from clients.described_tables import DescribedTable
from clients.sql.files import ArchivedFiles, Layout
from clients.sql.session import Session
from clients.sql.sources import ArchivedSource

CHANGES = {
    "__op": pa.string(),
    "__deleted": pa.string(),
    "__source_lsn": pa.int64(),
    "__source_ts_ms": pa.int64(),
    "__ts_ms": pa.int64(),
}
# Of the archive's types, where a test does not say more.
KINDS = {pa.int32(): "integer", pa.int64(): "integer", pa.string(): "text"}


def change(operation: str, lsn: int, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a change as the archive has it; its time is its position."""
    times = {"__source_ts_ms": lsn, "__ts_ms": lsn}
    deleted = str(operation == "d").lower()
    return {**row, "__op": operation, "__deleted": deleted, "__source_lsn": lsn, **times}


def in_memory(
    changes: Iterable[Mapping[str, Any]],
    columns: Mapping[str, pa.DataType],
    stored: Sequence[StoredColumn] | None = None,
) -> ArchivedFiles:
    """Return an archive with these changes."""
    schema = pa.schema({**columns, **CHANGES})
    rows = pa.Table.from_pylist([dict(one) for one in changes], schema=schema)
    layout = Layout(pyarrow.dataset.dataset(rows), tuple((name, name) for name in schema.names))
    known = stored or [
        StoredColumn(name, name, KINDS.get(kind))
        for name, kind in columns.items()
        if name not in CHANGE_COLUMNS
    ]
    return ArchivedFiles((layout,), tuple(known), schema, 1)


@contextmanager
def session(
    files: Mapping[str, ArchivedFiles | None],
    tables: Mapping[str, DescribedTable],
    *,
    at: datetime | None = None,
    as_archived: bool = False,
    messages: list[str] | None = None,
) -> Iterator[Session]:
    """Open a session over archives in memory."""
    log = (messages if messages is not None else []).append
    managed = ArchivedSource(
        SourceDatabase("postgres", "shop"), tables, files.get, in_own_schemas=True, schema=None
    )
    with Session([managed], at=at, as_archived=as_archived, log=log) as opened:
        yield opened


def query(opened: Session, statement: str) -> list[tuple[Any, ...]]:
    """Return the rows of a statement as texts, whatever their types."""
    result = opened.connection.execute(f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ({statement})")
    return list(result.fetchall())
