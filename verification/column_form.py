"""One text for a value, computed by PostgreSQL from the column and by DuckDB from the archive.

The texts of equal values are equal and cheap to compute on both sides; they are not meant for
readers. PostgreSQL's is computed with the settings of `verification.database.SETTINGS`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from verification import prepared_values

Expression = Callable[[str], str]


@dataclass(frozen=True)
class ColumnType:
    """The type of a column; a domain's is its base type."""

    name: str
    """pg_type.typname"""
    schema: str = "pg_catalog"
    is_array: bool = False
    modifier: int = -1
    """atttypmod"""


@dataclass(frozen=True)
class ColumnForm:
    """How a column's values become texts."""

    database: Expression
    """SQL of PostgreSQL for a text, from a column's quoted name; NULL stays NULL"""
    prepare: prepared_values.Prepare = prepared_values.unchanged
    """converts the archive's Arrow column where DuckDB's SQL can't"""
    archive: Expression = str
    """SQL of DuckDB for the same text, from an expression for the prepared column's text"""
    key_pattern: str | None = None
    """texts that `as_key` takes; None: the column can't be looked up by its text"""
    as_key: Expression = str
    """SQL of PostgreSQL for the column's value, from an expression with its text"""


def _cast(column: str) -> str:
    return f"{column}::text"


def _output(column: str) -> str:
    """As PostgreSQL prints it; a cast to text takes the blanks of char(n) and adds /32 to inet."""
    return f"CASE WHEN num_nulls({column}) = 0 THEN format('%s', {column}) END"


# Java's ISO 8601 with a fixed number of digits, as PostgreSQL's text in UTC.
def _zoned(text: str) -> str:
    day_time = f"replace(rtrim({text}, 'Z'), 'T', ' ')"
    trimmed = (
        f"CASE WHEN contains({text}, '.') THEN rtrim(rtrim({day_time}, '0'), '.')"
        f" ELSE {day_time} END || '+00'"
    )
    year = f"split_part(substr({text}, 2), '-', 1)"
    before_christ = (
        f"printf('%04d', 1 + TRY_CAST({year} AS INTEGER))"
        f" || substr({trimmed}, 2 + length({year})) || ' BC'"
    )
    return (
        f"CASE WHEN {text} NOT LIKE '%Z' THEN {text}"
        f" WHEN {text}[1] = '+' THEN substr({trimmed}, 2)"
        f" WHEN {text}[1] = '-' THEN {before_christ}"
        f" WHEN {text} LIKE '0000-%' THEN '0001' || substr({trimmed}, 5) || ' BC'"
        f" ELSE {trimmed} END"
    )


def _days(text: str) -> str:
    return (
        f"CASE {text} WHEN '{2**31 - 1}' THEN 'infinity' WHEN '{-(2**31)}' THEN '-infinity'"
        f" ELSE {text} END"
    )


def _float(sender: str, width: int, nan: str) -> ColumnForm:
    return ColumnForm(
        lambda column: (
            f"CASE WHEN {column} = 'NaN' THEN '{nan}' ELSE encode({sender}({column}), 'hex') END"
        ),
        lambda values: prepared_values.float_bits(values, width),
    )


TEXT = ColumnForm(_cast, key_pattern=r"(?s).*")
PRINTED = ColumnForm(_output)
INTEGER = ColumnForm(_cast, key_pattern=r"-?\d{1,18}", as_key=lambda key: f"{key}::int8")

_BY_NAME = {
    **dict.fromkeys(("text", "varchar"), TEXT),
    **dict.fromkeys(("int2", "int4", "int8"), INTEGER),
    **dict.fromkeys(("bool", "oid", "interval"), ColumnForm(_cast)),
    "numeric": ColumnForm(
        _cast,
        key_pattern=r"-?\d{1,1000}(\.\d{1,1000})?",
        as_key=lambda key: f"{key}::numeric",
    ),
    "uuid": ColumnForm(
        _cast,
        key_pattern=r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        as_key=lambda key: f"{key}::uuid",
    ),
    "float4": _float("float4send", 32, "7fc00000"),
    "float8": _float("float8send", 64, "7ff8000000000000"),
    "money": ColumnForm(lambda column: f"({column}::numeric)::text"),
    "bytea": ColumnForm(lambda column: f"encode({column}, 'hex')"),
    "date": ColumnForm(
        lambda column: (
            f"CASE WHEN isfinite({column}) THEN ({column} - '1970-01-01'::date)::text"
            f" ELSE {column}::text END"
        ),
        archive=_days,
        key_pattern=r"-?\d{1,6}",
        as_key=lambda key: f"('1970-01-01'::date + {key}::int)",
    ),
    "time": ColumnForm(
        lambda column: f"encode(time_send({column}), 'hex')", prepared_values.unsigned
    ),
    "timestamp": ColumnForm(
        lambda column: f"encode(timestamp_send({column}), 'hex')", prepared_values.since_2000
    ),
    "timestamptz": ColumnForm(_cast, archive=_zoned),
    "point": ColumnForm(
        lambda column: (
            f"encode(float8send({column}[0]), 'hex') || encode(float8send({column}[1]), 'hex')"
        ),
        prepared_values.points,
    ),
}
# Debezium writes the numbers of these as Java does.
_GEOMETRIC = frozenset({"line", "lseg", "box", "path", "polygon", "circle"})
# Of PostGIS. Their form in the archive is known, but not proven by a test.
_UNKNOWN = frozenset({"geometry", "geography"})


def form_of(kind: ColumnType) -> ColumnForm | None:
    """Return the form of a type; None if its values can't be compared."""
    if kind.is_array:
        return PRINTED
    if kind.name in _UNKNOWN:
        return None
    if kind.name == "hstore":
        return _hstore(kind.schema)
    return _built_in(kind) if kind.schema == "pg_catalog" else PRINTED


def _built_in(kind: ColumnType) -> ColumnForm:
    if kind.name == "bit":
        return _bits(kind.modifier)
    if kind.name in _GEOMETRIC:
        return ColumnForm(_output, prepared_values.geometric_texts)
    return _BY_NAME.get(kind.name, PRINTED)


def _hstore(schema: str) -> ColumnForm:
    function = '"' + schema.replace('"', '""') + '".hstore_to_jsonb'
    return ColumnForm(lambda column: f"{function}({column})::text", prepared_values.hstores)


def _bits(length: int) -> ColumnForm:
    if length == 1:
        return ColumnForm(lambda column: f"({column} = B'1')::text")
    return ColumnForm(_cast, lambda values: prepared_values.bit_strings(values, length))


def text_of(column: str, kind: pa.DataType) -> str:
    """Return DuckDB's SQL for the text of a prepared column; the archive has no unsigned types."""
    if pa.types.is_unsigned_integer(kind):
        return f"printf('%0{kind.bit_width // 4}x', {column})"
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return f"lower(hex({column}))"
    return f"CAST({column} AS VARCHAR)"
