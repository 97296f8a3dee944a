"""Rows of the archive as the texts that are compared."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from verification.archived_table import LSN, OPERATION, TIME
from verification.column_form import text_of
from verification.source_table import NULL, SEPARATOR, SourceColumn, SourceTable


@dataclass(frozen=True)
class ArchivedColumns:
    """Where the columns of a table are in its archive."""

    table: SourceTable
    archived: Mapping[str, tuple[str, ...]]
    """the archive's columns by the name of PostgreSQL's"""

    def names(self, column: SourceColumn) -> tuple[str, ...]:
        """Return the archive's columns of a column; empty if it has none."""
        return self.archived.get(self._found(column.name) or "", ())

    def _found(self, name: str) -> str | None:
        if name in self.archived:
            return name
        return next((each for each in self.archived if each.lower() == name.lower()), None)

    @cached_property
    def needed(self) -> frozenset[str]:
        """The archive's columns that a comparison reads."""
        names = {name for column in self.table.columns for name in self.names(column)}
        return frozenset(names | {OPERATION, LSN, TIME})

    @property
    def absent(self) -> tuple[str, ...]:
        """PostgreSQL's columns that the archive does not have."""
        return tuple(column.name for column in self.table.columns if not self.names(column))

    @property
    def surplus(self) -> tuple[str, ...]:
        """The archive's columns that PostgreSQL does not have (any more), or that are left out."""
        known = {self._found(column.name) for column in self.table.columns}
        return tuple(sorted(name for name in self.archived if name not in known))


@dataclass(frozen=True)
class PreparedRows:
    """Archived rows as DuckDB reads them, and SQL over them."""

    rows: pa.Table
    """columns op, lsn and millisecond, and the prepared ones"""
    texts: Mapping[str, str]
    """SQL for a column's text, by its name"""
    key: str
    """SQL for the text of a row's key"""
    row: str
    """SQL for the text of a row"""


def prepare(columns: ArchivedColumns, rows: pa.Table) -> PreparedRows:
    """Prepare archived rows. Columns that they lack, because their file is older, are NULL."""
    prepared: dict[str, pa.ChunkedArray] = {
        "op": rows.column(OPERATION),
        "lsn": pc.coalesce(pc.cast(rows.column(LSN), pa.int64()), 0),
        "millisecond": _milliseconds(rows),
    }
    texts = {}
    for column in columns.table.columns:
        parts = []
        for name in columns.names(column):
            if name in rows.column_names:
                values = column.form.prepare(rows.column(name))
                alias = f"p{len(prepared)}"
                prepared[alias] = values
                parts.append(column.form.archive(text_of(alias, values.type)))
        texts[column.name] = f"coalesce({', '.join(parts)})" if parts else "NULL::VARCHAR"
    separator = f"chr({ord(SEPARATOR)})"
    cells = [f"coalesce({text}, chr({ord(NULL)}))" for text in texts.values()]
    key = [texts[column.name] for column in columns.table.key]
    return PreparedRows(
        pa.table(prepared),
        texts,
        key=f"concat_ws({separator}, {', '.join(key)})" if key else "''",
        row=f"concat_ws({separator}, {', '.join(cells)})",
    )


def _milliseconds(rows: pa.Table) -> pa.ChunkedArray:
    """Return when the changes were committed; the Iceberg sink archives it as a timestamp."""
    if TIME not in rows.column_names:
        return pa.chunked_array([pa.nulls(rows.num_rows, pa.int64())])
    values = rows.column(TIME)
    if pa.types.is_timestamp(values.type):
        values = pc.cast(values, pa.timestamp("ms", values.type.tz), safe=False)
    return pc.cast(values, pa.int64())
