"""A captured table in PostgreSQL: its columns and key, and the SQL of its checksums."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import psycopg

from clients.column_queries import BASE_TYPES, KEY_POSITIONS
from clients.database import Row
from verification.column_form import ColumnForm, ColumnType, form_of

# Between the texts of a row, and in the place of NULL. A value that consists of the latter alone
# would be taken for NULL.
SEPARATOR, NULL = "\x1f", "\x1e"
# pg_class.relkind
PARTITIONED = "p"

COLUMNS = f"""
SELECT attname::text AS name, kind.typname::text AS type, namespace.nspname::text AS schema,
    kind.typcategory = 'A' AS is_array, modifier, atthasmissing AS filled_in,
    attgenerated <> '' AS is_generated,
    coalesce(position, 0) AS key_position
FROM pg_attribute
CROSS JOIN LATERAL (
    {BASE_TYPES}
    SELECT oid, modifier FROM base ORDER BY depth DESC LIMIT 1) AS base
JOIN pg_type AS kind ON kind.oid = base.oid
JOIN pg_namespace AS namespace ON namespace.oid = kind.typnamespace
{KEY_POSITIONS}
WHERE attrelid = %s AND pg_attribute.attnum > 0 AND NOT attisdropped
ORDER BY pg_attribute.attnum
"""
# A table that was never analyzed has no number of rows; its size gives one, for rows of 100 bytes.
TABLE = """
SELECT pg_class.oid::int8 AS oid, relkind::text AS kind, (SELECT
    sum(CASE WHEN reltuples >= 0 THEN reltuples ELSE pg_relation_size(oid) / 100 END)::int8
    FROM pg_class AS part WHERE part.oid = pg_class.oid
    OR part.oid IN (SELECT relid FROM pg_partition_tree(pg_class.oid))) AS estimate
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = %s AND relname = %s AND relkind IN ('r', 'p')
"""


class NotComparableError(RuntimeError):
    """The table can't be compared; the message says why."""


@dataclass(frozen=True)
class SourceColumn:
    """A column that is compared."""

    name: str
    kind: ColumnType
    form: ColumnForm
    filled_in: bool = False
    """rows from before ALTER TABLE … ADD COLUMN … DEFAULT have the default, without a change"""
    is_generated: bool = False

    @property
    def quoted(self) -> str:
        """Its name in SQL."""
        return quoted(self.name)

    @property
    def text(self) -> str:
        """SQL for its text."""
        return self.form.database(self.quoted)


@dataclass(frozen=True)
class SourceTable:
    """A captured table, and SQL over its rows."""

    name: str
    """schema.table"""
    columns: tuple[SourceColumn, ...]
    """those that are compared"""
    key: tuple[SourceColumn, ...]
    """the primary key; empty for a table without"""
    estimate: int
    """how many rows PostgreSQL estimates"""
    is_partitioned: bool = False
    excluded: tuple[str, ...] = ()
    """columns that are not captured"""
    not_comparable: tuple[str, ...] = ()
    """columns of types that this program doesn't know"""
    encoding: str = "UTF8"

    @cached_property
    def relation(self) -> str:
        """Its name in SQL."""
        return ".".join(map(quoted, self.name.split(".", 1)))

    @cached_property
    def key_text(self) -> str:
        """SQL for the text of a row's key."""
        return " || E'\\x1f' || ".join(column.text for column in self.key)

    @cached_property
    def row_text(self) -> str:
        """SQL for the text of a row; an array, because functions have at most 100 arguments."""
        texts = ", ".join(column.text for column in self.columns)
        return f"array_to_string(ARRAY[{texts}]::text[], E'\\x1f', E'\\x1e')"

    @cached_property
    def digest(self) -> str:
        """SQL for the hash of a row, 16 hexadecimal digits."""
        return self.hashed(self.row_text)

    @cached_property
    def key_digest(self) -> str:
        """SQL for the hash by which rows are divided into buckets."""
        return self.hashed(self.key_text) if self.key else self.digest

    def hashed(self, text: str) -> str:
        """Return SQL for the hash of a text, which is that of its UTF-8."""
        source = text if self.encoding == "UTF8" else f"convert_to({text}, 'UTF8')"
        return f"left(md5({source}), 16)"

    def found_by(self, keys: Sequence[str]) -> tuple[tuple[SourceColumn, ...], list[list[str]]]:
        """Return the key's columns that an index can be asked for, and their texts in `keys`."""
        parts = [key.split(SEPARATOR) for key in keys]
        usable = []
        for position, column in enumerate(self.key):
            pattern = column.form.key_pattern
            if pattern is None:
                continue
            if all(
                len(part) == len(self.key) and re.fullmatch(pattern, part[position])
                for part in parts
            ):
                usable.append(position)
        columns = tuple(self.key[position] for position in usable)
        return columns, [[part[position] for part in parts] for position in usable]

    def shown_key(self, key: str) -> str:
        """Return a key as a message shows it."""
        values = key.split(SEPARATOR)
        return ", ".join(
            f"{column.name}={value}" for column, value in zip(self.key, values, strict=False)
        )


def quoted(name: str) -> str:
    """Return an identifier in SQL of PostgreSQL and of DuckDB."""
    return '"' + name.replace('"', '""') + '"'


def describe(
    connection: psycopg.Connection[Row], table: str, excluded: Collection[str] = ()
) -> SourceTable:
    """Return a captured table as PostgreSQL has it now; `excluded` columns are not captured.

    Raises NotComparableError if there is no such table.
    """
    schema, _, name = table.partition(".")
    found = connection.execute(TABLE, [schema, name]).fetchone()
    if found is None:
        raise NotComparableError("PostgreSQL has no such table")
    encoding = connection.execute("SHOW server_encoding").fetchone() or {}
    rows = connection.execute(COLUMNS, [found["oid"]]).fetchall()
    columns, key, unknown = [], [], []
    for row in rows:
        if row["name"] in excluded:
            continue
        kind = ColumnType(row["type"], row["schema"], row["is_array"], row["modifier"])
        form = form_of(kind)
        if form is None:
            unknown.append(row["name"])
            continue
        column = SourceColumn(row["name"], kind, form, row["filled_in"], row["is_generated"])
        columns.append(column)
        if row["key_position"]:
            key.append((row["key_position"], column))
    return SourceTable(
        name=table,
        columns=tuple(columns),
        key=tuple(column for _, column in sorted(key, key=lambda each: each[0])),
        estimate=found["estimate"],
        is_partitioned=found["kind"] == PARTITIONED,
        excluded=tuple(row["name"] for row in rows if row["name"] in excluded),
        not_comparable=tuple(unknown),
        encoding=encoding["server_encoding"],
    )
