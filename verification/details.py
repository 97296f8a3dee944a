"""Finds in which columns the differing rows differ."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.compute as pc

from clients.database import Row
from verification.archive_state import registered
from verification.archived_rows import ArchivedColumns, prepare
from verification.archived_table import LOST, LSN, OpenTable
from verification.database import FoundRow, rows_of
from verification.result import EXAMPLES, ColumnDifference, Difference, Kind
from verification.source_table import NULL, SEPARATOR, SourceTable

# Rows whose columns are compared.
INSPECTED = 1_000


@dataclass(frozen=True)
class Details:
    """What differs in some of the rows that differ."""

    columns: Mapping[str, int]
    inspected: int
    differences: tuple[Difference, ...]
    """of all inspected rows"""

    def examples(self) -> tuple[Difference, ...]:
        """Return a few of each kind."""
        chosen: list[Difference] = []
        for kind in Kind:
            chosen += [each for each in self.differences if each.kind is kind][:EXAMPLES]
        return tuple(chosen)


@dataclass(frozen=True)
class _ArchivedRow:
    texts: tuple[str | None, ...]
    shown: tuple[tuple[str | None, str | None, bool], ...]
    """each column's value for readers, the archive's column that holds it, of several, and whether
    the row was archived without it"""


def inspect(
    connection: psycopg.Connection[Row],
    database: duckdb.DuckDBPyConnection,
    archive: OpenTable,
    table: SourceTable,
) -> Details:
    """Read some of the rows in the table `found` from both sides, and compare their columns."""
    found = database.execute(
        "SELECT key, printf('%016x', in_database), in_archive IS NOT NULL, position FROM found"
        " QUALIFY row_number() OVER (PARTITION BY in_database IS NULL, in_archive IS NULL"
        f" ORDER BY length(key), key) <= {INSPECTED} ORDER BY length(key), key"
    ).fetchall()
    both = {key: position for key, digest, archived, position in found if digest and archived}
    in_database = rows_of(connection, table, list(both))
    in_archive = _archived(database, archive, table, both)
    differences, columns = [], Counter[str]()
    inspected = 0
    for key, digest, _, position in found:
        lsn = None if position is None else int(position) // 2
        if key not in both:
            kind = Kind.MISSING if digest else Kind.EXTRA
            differences.append(Difference(kind, table.shown_key(key), lsn))
            continue
        parts: tuple[ColumnDifference, ...] = ()
        row = in_database.get(key)
        # A row that was changed since it was compared would show other differences.
        if row is not None and key in in_archive and _digest(row) == digest:
            parts = _differing(table, row, in_archive[key])
            columns.update(part.name for part in parts)
            inspected += 1
        differences.append(Difference(Kind.DIFFERENT, table.shown_key(key), lsn, parts))
    return Details(dict(columns), inspected, tuple(differences))


def _digest(row: FoundRow) -> str:
    text = SEPARATOR.join(NULL if text is None else text for text in row.texts)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:16]


def _differing(
    table: SourceTable, row: FoundRow, archived: _ArchivedRow
) -> tuple[ColumnDifference, ...]:
    return tuple(
        ColumnDifference(column.name, shown, *archived.shown[number])
        for number, (column, text, shown) in enumerate(
            zip(table.columns, row.texts, row.shown, strict=True)
        )
        if text != archived.texts[number]
    )


def _archived(
    database: duckdb.DuckDBPyConnection,
    archive: OpenTable,
    table: SourceTable,
    positions: Mapping[str, int],
) -> dict[str, _ArchivedRow]:
    """Read the archived changes at these positions, by key."""
    lsns = sorted({position // 2 for position in positions.values()})
    archived = archive(table.name, lsns[0]) if lsns else None
    if archived is None:
        return {}
    columns = ArchivedColumns(table, archived.columns)
    known = pa.array(lsns, pa.int64())
    wanted = pa.table({"key": pa.array(positions), "position": pa.array(positions.values())})
    found = {}
    for chunk in archived.chunks(archived.paths, None):
        rows = chunk.filter(pc.is_in(pc.cast(chunk.column(LSN), pa.int64()), known))
        if rows.num_rows:
            found.update(_matching(database, columns, rows, wanted))
    return found


def _matching(
    database: duckdb.DuckDBPyConnection, columns: ArchivedColumns, rows: pa.Table, wanted: pa.Table
) -> dict[str, _ArchivedRow]:
    prepared = prepare(columns, rows)
    numbered = prepared.rows.append_column("number", pa.array(range(rows.num_rows)))
    texts = ", ".join(prepared.texts.values())
    with registered(database, "chunk", numbered), registered(database, "wanted", wanted):
        matching = database.execute(
            f"SELECT wanted.key, number, {texts} FROM chunk"
            f" JOIN wanted ON wanted.key = {prepared.key}"
            " AND wanted.position = 2 * lsn + (op <> 'd')::BIGINT"
        ).fetchall()
    return {
        key: _ArchivedRow(tuple(values), _shown(columns, rows.slice(number, 1).to_pylist()[0]))
        for key, number, *values in matching
    }


def _shown(
    columns: ArchivedColumns, row: Mapping[str, Any]
) -> tuple[tuple[str | None, str | None, bool], ...]:
    """Return what _ArchivedRow.shown says."""
    lost = str(row.get(LOST) or "").split(",")
    shown: list[tuple[str | None, str | None, bool]] = []
    for column in columns.table.columns:
        names = columns.names(column)
        name = next((each for each in names if row.get(each) is not None), None)
        value = None if name is None else str(row[name])
        shown.append((value, name if len(names) > 1 else None, column.name in lost))
    return tuple(shown)
