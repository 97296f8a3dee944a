"""The SQL of Trino, for views of Athena (engine version 3).

Athena keeps a view's columns in Glue, as types of Hive. These have no time of day, no time zone, no
UUID, no JSON and no interval: such columns are texts, and times are in UTC. Timestamps have
microseconds. PostgreSQL's infinite dates and times are the largest and smallest that the archive's
numbers hold: 5881580-07-11 and 294247-01-10 04:00:54.775807.
"""

from collections.abc import Callable, Mapping, Sequence

from archive_views.dialect import UNCHANGED, StandardSql
from archive_views.table import StoredColumn, ViewColumn
from archive_views.targets import Target

# The ends of the range of a 64-bit number of microseconds since 1970.
EARLIEST, LATEST = "-290308-12-21 19:59:05.224192", "+294247-01-10 04:00:54.775807"
# Trino's array constructor takes at most 254 elements.
LONGEST_ARRAY = 200
DAY_US = 86_400_000_000
TYPES = {
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "real": "REAL",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "binary": "VARBINARY",
    "date": "DATE",
    "timestamp": "TIMESTAMP(6)",
    "timestamptz": "TIMESTAMP(6)",
    "point": "ROW(x DOUBLE, y DOUBLE)",
}


class TrinoDialect(StandardSql):
    """The SQL of Trino."""

    def typed(self, value: str, column: StoredColumn, target: Target) -> str:
        """Return an archived value with the type of the target."""
        kind = column.kind
        if target.kind in UNCHANGED or kind is None:
            return value
        if target.kind in {"real", "double"}:
            return f"CAST({value} AS {TYPES[target.kind]})"
        if target.kind == "decimal":
            return self._decimal(value, column, target)
        if target.kind == "timestamp" and kind == "date":
            return f"CAST({_date(value)} AS TIMESTAMP(6))"
        if target.kind == "bits":
            return _bits(value, target.precision)
        conversions: Mapping[str, Callable[[str], str]] = {
            "date": _date,
            "time": _time_of_day,
            "timestamp": _timestamp,
            "timestamptz": _zoned,
            "point": _point,
        }
        convert = conversions.get(target.kind)
        return convert(value) if convert else self.text(value)

    def _decimal(self, value: str, column: StoredColumn, target: Target) -> str:
        """Convert a text, or an integer; a cast alone would round what has too many digits."""
        type_ = f"DECIMAL({target.precision}, {target.scale})"
        if column.kind == "integer":
            return f"CAST({value} AS {type_})"
        refused = self._refused(
            f"column {column.source} has a value with more than {target.scale} digits after the"
            f" point, so its type is not {type_}: run make up, and create the view again",
            type_,
        )
        return (
            f"CASE WHEN strpos({value}, '.') > 0"
            f" AND length({value}) - strpos({value}, '.') > {target.scale}"
            f" THEN {refused} ELSE CAST({value} AS {type_}) END"
        )

    def null(self, target: Target) -> str:
        """Return NULL of the type of the target."""
        if target.kind == "decimal":
            return f"CAST(NULL AS DECIMAL({target.precision}, {target.scale}))"
        return f"CAST(NULL AS {TYPES.get(target.kind, 'VARCHAR')})"

    def time(self, value: str, milliseconds: bool) -> str:
        """Return a time as a timestamp in UTC."""
        if milliseconds:
            return _timestamp(f"({value} * 1000)")
        return f"CAST({value} AT TIME ZONE 'UTC' AS TIMESTAMP(6))"

    def any_value(self, value: str) -> str:
        """Return the aggregate of values that are equal, or NULL."""
        return f"arbitrary({value})"

    def part(self, unit: str, time: str) -> str:
        """Return the year, month, day or hour of a time, in UTC."""
        return f"CAST({unit}({time}) AS INTEGER)"

    def json_object(self, values: Sequence[tuple[str, str, ViewColumn]]) -> str:
        """Return a JSON object as text."""
        maps = []
        for start in range(0, max(1, len(values)), LONGEST_ARRAY):
            part = values[start : start + LONGEST_ARRAY]
            names = ", ".join(self.literal(name) for name, _, _ in part)
            parts = ", ".join(self._json(value, column) for _, value, column in part)
            maps.append(f"MAP(ARRAY[{names}], ARRAY[{parts}])")
        whole = maps[0] if len(maps) == 1 else f"map_concat({', '.join(maps)})"
        return f"json_format(CAST({whole} AS JSON))"

    def _json(self, value: str, column: ViewColumn) -> str:
        kinds = {stored.kind for stored, _ in column.stored}
        kind = column.target.kind
        if kind in UNCHANGED and kinds <= {"integer", "boolean"}:
            return f"CAST({value} AS JSON)"
        if kind in {"as stored", "real", "double"} and kinds <= {"integer", "float"}:
            return (
                f"CASE WHEN is_finite({value}) THEN CAST({value} AS JSON)"
                f" ELSE CAST({self.text(value)} AS JSON) END"
            )
        return f"CAST({self._json_text(value, kind, kinds)} AS JSON)"

    def _json_text(self, value: str, kind: str, kinds: set[str | None]) -> str:
        if kind in {"timestamp", "timestamptz"}:
            zone = " || '+00'" if kind == "timestamptz" else ""
            return rf"regexp_replace({self.text(value)}, '\.?0*$', ''){zone}"
        if kind == "point":
            x, y = (f"CAST({value}.{axis} AS VARCHAR)" for axis in "xy")
            return f"'(' || {x} || ',' || {y} || ')'"
        if kinds == {"binary"} or (kind == "as stored" and any(map(_is_bits, kinds))):
            return rf"'\x' || lower(to_hex({value}))"
        return self.text(value)

    def fail(self, message: str) -> str:
        """Return a condition whose evaluation fails the query with a message."""
        return self._refused(message, "BOOLEAN")

    def _refused(self, message: str, type_: str) -> str:
        """Return an expression of a type: the error says which text can't be cast to it."""
        return f"CAST({self.literal(message)} AS {type_})"

    def repeated(self, query: str, columns: Sequence[str], count: str) -> str:
        """Return a query with each row of another one as often as a column of it says.

        Trino makes at most 10,000 copies of a row, and fails above.
        """
        copies = f"CASE WHEN {count} > 0 THEN sequence(1, {count}) ELSE ARRAY[] END"
        return (
            f"SELECT {', '.join(columns)} FROM ({query}) AS counted"
            f" CROSS JOIN UNNEST({copies}) AS copies (__copy)"
        )


def _is_bits(kind: str | None) -> bool:
    return kind is not None and kind.startswith("bits_")


def _date(value: str) -> str:
    return f"CAST(date_add('day', {value}, DATE '1970-01-01') AS DATE)"


def _timestamp(value: str) -> str:
    """Convert microseconds by way of a text: Trino's own functions are too coarse."""
    days = f"{value} / {DAY_US} - CASE WHEN {value} % {DAY_US} < 0 THEN 1 ELSE 0 END"
    clock = _time_of_day(f"(({value} % {DAY_US} + {DAY_US}) % {DAY_US})")
    return f"CAST(CAST({_date(days)} AS VARCHAR) || ' ' || {clock} AS TIMESTAMP(6))"


def _zoned(value: str) -> str:
    """Convert ISO 8601 in UTC, such as 2024-02-29T10:34:56.789Z.

    The cast is around the CASE: Trino makes a literal of the cast of a constant, and then refuses
    that of the earliest timestamp.
    """
    without_zone = f"replace(substr({value}, 1, length({value}) - 1), 'T', ' ')"
    return (
        f"CAST(CASE {value} WHEN 'infinity' THEN '{LATEST}' WHEN '-infinity' THEN '{EARLIEST}'"
        f" ELSE {without_zone} END AS TIMESTAMP(6))"
    )


def _time_of_day(value: str) -> str:
    """Return a text as PostgreSQL writes it, such as 12:34:56.789; 24:00:00 is one, too."""
    parts = (f"{value} / 3600000000", f"{value} / 60000000 % 60", f"{value} / 1000000 % 60")
    clock = " || ':' || ".join(f"lpad(CAST({part} AS VARCHAR), 2, '0')" for part in parts)
    fraction = f"'.' || lpad(CAST({value} % 1000000 AS VARCHAR), 6, '0')"
    return rf"{clock} || regexp_replace({fraction}, '\.?0*$', '')"


def _bits(value: str, length: int) -> str:
    """Return the digits, the highest bit first; the archive's bytes begin with the lowest."""
    number = f"from_base(substr(to_hex({value}), 2 * byte - 1, 2), 16)"
    lowest_first = (
        f"array_join(transform(sequence(1, length(to_hex({value})) / 2),"
        f" byte -> reverse(lpad(to_base({number}, 2), 8, '0'))), '')"
    )
    return f"substr(reverse({lowest_first}), -{length})"


def _point(value: str) -> str:
    row = f"CAST(ROW({value}.x, {value}.y) AS ROW(x DOUBLE, y DOUBLE))"
    return f"CASE WHEN {value} IS NOT NULL THEN {row} END"
