"""A file loses the rows of a key and nothing else."""

import io
import json
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.stack import StackError
from erasure.parquet_rewrite import without_key

AVRO = {"parquet.avro.schema": json.dumps({"fields": []}), "writer.model.name": "avro"}
SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        ("code", pa.string()),
        ("amount", pa.string()),
        ("flag", pa.bool_()),
        ("photo", pa.binary()),
        ("ratio", pa.float64()),
        ("day", pa.int32()),
        ("at", pa.timestamp("ms", tz="UTC")),
        ("__op", pa.string()),
    ],
    metadata=AVRO,
)
CELLS: dict[str, st.SearchStrategy[Any]] = {
    "id": st.integers(1, 5),
    "code": st.none() | st.sampled_from(["", "a", "O'Brien", "ä€😀", "1"]),
    "amount": st.none() | st.sampled_from(["1", "1.00", "1.5", "-0"]),
    "flag": st.none() | st.booleans(),
    "photo": st.none() | st.binary(max_size=9),
    "ratio": st.none() | st.floats(),
    "day": st.none() | st.integers(-(2**31), 2**31 - 1),
    "at": st.none() | st.datetimes(),
    "__op": st.sampled_from(["c", "u", "d"]),
}
ROWS = st.lists(st.fixed_dictionaries(CELLS), max_size=12)
KEYS = st.one_of(
    st.fixed_dictionaries({"id": CELLS["id"]}),
    st.fixed_dictionaries({"code": st.sampled_from(["a", "O'Brien", "ä€😀", "none"])}),
    st.fixed_dictionaries({"id": CELLS["id"], "code": st.sampled_from(["", "a"])}),
    st.fixed_dictionaries({"amount": st.just(Decimal(1))}),
    st.fixed_dictionaries({"flag": st.booleans()}),
)


def parquet(rows: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(rows, sink, store_schema=False, **options)
    return sink.getvalue()


def has_key(row: dict[str, Any], key: dict[str, Any]) -> bool:
    """Return whether a row has the key, by PostgreSQL's rules."""
    return all(
        row[name] is not None
        and (Decimal(row[name]) if isinstance(value, Decimal) else row[name]) == value
        for name, value in key.items()
    )


@given(
    rows=ROWS,
    key=KEYS,
    compression=st.sampled_from(["snappy", "zstd", "gzip", "none"]),
    group=st.integers(1, 5),
    version=st.sampled_from(["1.0", "2.6"]),
)
def test_a_file_loses_the_rows_of_the_key_and_nothing_else(
    rows: list[dict[str, Any]], key: dict[str, Any], compression: str, group: int, version: str
) -> None:
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    content = parquet(table, compression=compression, row_group_size=group, version=version)
    mine = [row for row in rows if has_key(row, key)]
    rewritten = without_key("a.parquet", content, key)
    if not mine:
        assert rewritten is None
        return
    assert rewritten is not None
    assert (rewritten.erased, rewritten.kept) == (len(mine), len(rows) - len(mine))
    before, after = (pq.ParquetFile(io.BytesIO(each)) for each in (content, rewritten.content))
    assert after.schema.equals(before.schema)
    assert after.schema_arrow.metadata == before.schema_arrow.metadata
    others = [row for row in before.read().to_pylist() if not has_key(row, key)]
    # repr: NaN equals nothing, and -0.0 equals 0.0.
    assert list(map(repr, after.read().to_pylist())) == list(map(repr, others))


def test_values_of_the_rows_are_not_in_the_rewritten_bytes() -> None:
    """Not in the statistics either, which have each column's least and greatest value."""
    rows = pa.table({"id": [1, 2, 3], "name": ["bob-byron", "zz-ada-lovelace", "cara-clay"]})
    content = parquet(rows, compression="none")
    assert b"zz-ada-lovelace" in content
    rewritten = without_key("a.parquet", content, {"id": 2})
    assert rewritten is not None
    assert b"zz-ada-lovelace" not in rewritten.content
    assert b"cara-clay" in rewritten.content


def test_a_column_that_was_text_before_has_the_key_as_text() -> None:
    rewritten = without_key("a.parquet", parquet(pa.table({"id": ["1", "2"]})), {"id": 2})
    assert rewritten is not None
    assert rewritten.kept == 1


def test_a_file_without_the_keys_column_has_no_row_of_it() -> None:
    assert without_key("a.parquet", parquet(pa.table({"other": [1]})), {"id": 1}) is None


def test_a_file_whose_schema_would_change_is_refused() -> None:
    """Arrow writes lists in another form than old versions of Avro's writer."""
    rows = pa.table({"id": [1, 2], "tags": [["a"], ["b"]]})
    content = parquet(rows, use_compliant_nested_type=False)
    with pytest.raises(StackError, match=r"a\.parquet can't be rewritten: its Parquet schema"):
        without_key("a.parquet", content, {"id": 1})
