"""A Parquet file without the rows of a key, and otherwise the same."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import pyarrow as pa
import pyarrow.parquet as pq

from clients.stack import StackError

Value = int | bool | str | Decimal


@dataclass(frozen=True)
class Rewritten:
    """A file and what takes its place."""

    content: bytes
    erased: int
    """rows"""
    kept: int


def rows_of_key(file: pq.ParquetFile, key: Mapping[str, Value]) -> list[bool]:
    """Return for each row whether it has the key; empty if the file lacks a column of it."""
    if not set(key) <= set(file.schema_arrow.names):
        return []
    read = file.read(columns=list(key))
    columns = [
        [_equal(archived, value) for archived in read[name].to_pylist()]
        for name, value in key.items()
    ]
    return [all(row) for row in zip(*columns, strict=True)]


def without_key(name: str, content: bytes, key: Mapping[str, Value]) -> Rewritten | None:
    """Return a file without the key's rows; None if it has none.

    Raises StackError if the file could not be written with the same schema or the same rows.
    """
    file = pq.ParquetFile(io.BytesIO(content))
    has_key = rows_of_key(file, key)
    if not any(has_key):
        return None
    rows = file.read()
    kept = rows.filter(pa.array([not each for each in has_key]))
    rewritten = _write(file, kept)
    again = pq.ParquetFile(io.BytesIO(rewritten))
    if not again.schema.equals(file.schema):
        raise StackError(f"{name} can't be rewritten: its Parquet schema would change; it stays")
    if again.schema_arrow.metadata != file.schema_arrow.metadata:
        raise StackError(f"{name} can't be rewritten: its metadata would change; it stays")
    if not _same(again.read(), kept):
        raise StackError(f"{name} can't be rewritten: other rows would change; it stays")
    return Rewritten(rewritten, sum(has_key), kept.num_rows)


def _write(original: pq.ParquetFile, rows: pa.Table) -> bytes:
    metadata = original.metadata
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    codec = groups[0].column(0).compression.lower() if groups else "snappy"
    sink = io.BytesIO()
    pq.write_table(
        rows,
        sink,
        compression="none" if codec == "uncompressed" else codec,
        row_group_size=max((group.num_rows for group in groups), default=1),
        # Arrow's own description of the schema is not in the original.
        store_schema=False,
        version="1.0" if metadata.format_version == "1.0" else "2.6",
    )
    return sink.getvalue()


def _same(left: pa.Table, right: pa.Table) -> bool:
    """Compare by the values' texts: NaN equals nothing, and 0.0 equals -0.0."""
    if not left.schema.equals(right.schema):
        return False
    return list(map(repr, left.to_pylist())) == list(map(repr, right.to_pylist()))


def _equal(archived: object, given: Value) -> bool:
    if archived is None or isinstance(archived, bool) != isinstance(given, bool):
        return False
    if isinstance(given, Decimal):
        try:
            return Decimal(str(archived)) == given
        except InvalidOperation:
            return False
    # A column whose type has changed has texts where it had numbers.
    return archived == given or (
        not isinstance(given, bool)
        and isinstance(archived, int | str)
        and str(archived) == str(given)
    )
