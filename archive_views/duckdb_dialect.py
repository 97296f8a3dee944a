"""The SQL of DuckDB. Its session has the time zone UTC and the macros MACROS."""

from collections.abc import Callable, Mapping, Sequence

from archive_views.dialect import UNCHANGED, StandardSql
from archive_views.table import StoredColumn, ViewColumn
from archive_views.targets import Target

DAY_US = 86_400_000_000
# The archive's infinity, by the number of bits.
LARGEST, SMALLEST = {32: 2**31 - 1, 64: 2**63 - 1}, {32: -(2**31), 64: -(2**63)}
TYPES = {
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "real": "FLOAT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "binary": "BLOB",
    "uuid": "UUID",
    "interval": "INTERVAL",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMPTZ",
    "json": "JSON",
    "point": "STRUCT(x DOUBLE, y DOUBLE)",
}
# An interval as PostgreSQL writes it: 1 year 2 mons -3 days +04:05:06.789. Time zones' texts have
# years with a sign where they do not have four digits, and 0000 is the year 1 BC.
MACROS = (
    r"""
CREATE OR REPLACE MACRO archive_number(text, pattern) AS
    coalesce(TRY_CAST(nullif(regexp_extract(text, pattern, 1), '') AS BIGINT), 0)
""",
    r"""
CREATE OR REPLACE MACRO archive_clock(text) AS
    (CASE WHEN regexp_extract(text, '([-+]?)\d+:\d\d:\d\d', 1) = '-' THEN -1 ELSE 1 END)
    * (archive_number(text, '(\d+):\d\d:\d\d') * 3600000000
        + archive_number(text, ':(\d\d):\d\d') * 60000000
        + archive_number(text, ':\d\d:(\d\d)') * 1000000
        + archive_number(rpad(regexp_extract(text, ':\d\d:\d\d\.(\d+)', 1), 6, '0'), '(\d+)'))
""",
    r"""
CREATE OR REPLACE MACRO archive_interval(text) AS CASE
    WHEN text IS NULL THEN NULL
    WHEN NOT regexp_full_match(text, '(-?\d+ years? ?)?([-+]?\d+ mons? ?)?([-+]?\d+ days? ?)?'
        || '([-+]?\d+:\d\d:\d\d(\.\d+)?)?')
        OR text = ''
        THEN error('not an interval as PostgreSQL writes it: ' || text)
    ELSE to_months(CAST(12 * archive_number(text, '([-+]?\d+) year')
            + archive_number(text, '([-+]?\d+) mon') AS INTEGER))
        + to_days(CAST(archive_number(text, '([-+]?\d+) day') AS INTEGER))
        + to_microseconds(archive_clock(text)) END
""",
    r"""
CREATE OR REPLACE MACRO archive_timestamptz(text) AS CASE
    WHEN text[1] = '+' THEN CAST(substr(text, 2) AS TIMESTAMPTZ)
    WHEN text LIKE '-%-%-%' OR text LIKE '0000-%' THEN CAST(
        printf('%04d', 1 + CAST(regexp_extract(text, '^-?(\d+)-', 1) AS INTEGER))
        || regexp_replace(text, '^-?\d+(-\d\d-\d\d)T.*$', '\1') || ' (BC) '
        || regexp_replace(text, '^.*T(.*)Z$', '\1+00') AS TIMESTAMPTZ)
    ELSE CAST(text AS TIMESTAMPTZ) END
""",
    # The lowest bit comes first in the bytes and last in the digits.
    r"""
CREATE OR REPLACE MACRO archive_bits(bytes, length) AS right(reverse(regexp_replace(
    CAST(CAST(bytes AS BIT) AS VARCHAR), '(.)(.)(.)(.)(.)(.)(.)(.)', '\8\7\6\5\4\3\2\1', 'g')),
    length)
""",
)


class DuckDBDialect(StandardSql):
    """The SQL of DuckDB."""

    def typed(self, value: str, column: StoredColumn, target: Target) -> str:
        """Return an archived value with the type of the target."""
        kind = column.kind
        if target.kind in UNCHANGED or kind is None:
            return value
        if target.kind in {"real", "double"}:
            return f"CAST({value} AS {TYPES[target.kind]})"
        if target.kind == "decimal":
            return self._decimal(value, column, target)
        if target.kind == "bits":
            return f"archive_bits({value}, {target.precision})"
        if target.kind == "timestamp" and kind == "date":
            return f"CAST({_date(value)} AS TIMESTAMP)"
        convert = CONVERSIONS.get(target.kind)
        return convert(value) if convert else self.text(value)

    def _decimal(self, value: str, column: StoredColumn, target: Target) -> str:
        """Convert a text, or an integer; a cast alone would round what has too many digits."""
        type_ = f"DECIMAL({target.precision},{target.scale})"
        if column.kind == "integer":
            return f"CAST({value} AS {type_})"
        message = self.literal(
            f"column {column.source} has a value with more than {target.scale} digits after the"
            f" point, so its type is not the one that is known ({type_}): run make up, or query"
            " with TYPES=archived"
        )
        return (
            f"CASE WHEN contains({value}, '.')"
            f" AND length({value}) - instr({value}, '.') > {target.scale}"
            f" THEN error({message}) ELSE CAST({value} AS {type_}) END"
        )

    def null(self, target: Target) -> str:
        """Return NULL of the type of the target."""
        if target.kind == "decimal":
            return f"CAST(NULL AS DECIMAL({target.precision},{target.scale}))"
        return f"CAST(NULL AS {TYPES.get(target.kind, 'VARCHAR')})"

    def time(self, value: str, milliseconds: bool) -> str:
        """Return a time as a timestamp with time zone."""
        return (
            f"to_timestamp(0) + to_milliseconds({value})"
            if milliseconds
            else f"CAST({value} AS TIMESTAMPTZ)"
        )

    def any_value(self, value: str) -> str:
        """Return the aggregate of values that are equal, or NULL."""
        return f"any_value({value})"

    def part(self, unit: str, time: str) -> str:
        """Return the year, month, day or hour of a time, in UTC."""
        return f"CAST(date_part('{unit}', {time} AT TIME ZONE 'UTC') AS INTEGER)"

    def json_object(self, values: Sequence[tuple[str, str, ViewColumn]]) -> str:
        """Return a JSON object as text."""
        pairs = ", ".join(
            f"{self.literal(name)}, {self._json(value, column)}" for name, value, column in values
        )
        return f"CAST(json_object({pairs}) AS VARCHAR)"

    def _json(self, value: str, column: ViewColumn) -> str:
        kinds = {stored.kind for stored, _ in column.stored}
        if column.target.kind in UNCHANGED and kinds <= {"integer", "boolean"}:
            return value
        if column.target.kind in {"as stored", "real", "double"} and kinds <= {"integer", "float"}:
            text = f"to_json({self.text(value)})"
            return f"CASE WHEN isfinite({value}) THEN to_json({value}) ELSE {text} END"
        return self.text(value)

    def fail(self, message: str) -> str:
        """Return a condition whose evaluation fails the query with a message."""
        return f"CAST(error({self.literal(message)}) AS BOOLEAN)"

    def repeated(self, query: str, columns: Sequence[str], count: str) -> str:
        """Return a query with each row of another one as often as a column of it says."""
        return f"SELECT {', '.join(columns)}, unnest(range({count})) FROM ({query}) AS counted"


def _timestamp(value: str) -> str:
    return (
        f"CASE {value} WHEN {LARGEST[64]} THEN TIMESTAMP 'infinity'"
        f" WHEN {SMALLEST[64]} THEN TIMESTAMP '-infinity' ELSE make_timestamp({value}) END"
    )


def _time(value: str) -> str:
    return (
        f"CASE {value} WHEN {DAY_US} THEN TIME '24:00:00'"
        f" ELSE CAST(make_timestamp({value}) AS TIME) END"
    )


def _point(value: str) -> str:
    return f"CASE WHEN {value} IS NOT NULL THEN struct_pack(x := {value}.x, y := {value}.y) END"


def _date(value: str) -> str:
    return (
        f"CASE {value} WHEN {LARGEST[32]} THEN DATE 'infinity'"
        f" WHEN {SMALLEST[32]} THEN DATE '-infinity' ELSE DATE '1970-01-01' + {value} END"
    )


# By the target's kind.
CONVERSIONS: Mapping[str, Callable[[str], str]] = {
    "date": _date,
    "time": _time,
    "timestamp": _timestamp,
    "timestamptz": "archive_timestamptz({})".format,
    "interval": "archive_interval({})".format,
    "point": _point,
    "uuid": "CAST({} AS UUID)".format,
    "json": "CAST({} AS JSON)".format,
}
