"""The key whose rows are erased: as it is typed, in PostgreSQL, and in the archive."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import psycopg
from psycopg import sql

from archive_views.postgres_types import PostgresType
from clients.database import Row
from clients.stack import StackError, StackOutputs

# SQL of the archive's value for a value of each kind (docs/TYPES.md). format() prints it as
# PostgreSQL does in the WAL, where a cast to text would strip the blanks of a char(n).
ARCHIVED = {
    "integer": "format('%%s', {value})",
    "text": "format('%%s', {value})",
    "boolean": "({value})::text",
    "date": "({value} - DATE '1970-01-01')::text",
    "timestamp": "(extract(epoch FROM {value}) * 1000000)::bigint::text",
}


@dataclass(frozen=True)
class Key:
    """A key of a table."""

    table: str
    """schema.table"""
    given: Mapping[str, str]
    """the text of each column's value, as it was typed"""
    types: Mapping[str, str]
    """PostgreSQL's type of each column"""
    archived: Mapping[str, int | bool | str | Decimal]
    """each column's value as the archive has it"""

    def as_json(self) -> str:
        """Return the archived values as a JSON object, with exact numbers."""
        pairs = (f"{json.dumps(name)}: {_json(value)}" for name, value in self.archived.items())
        return f"{{{', '.join(pairs)}}}"

    def digest(self) -> str:
        """Return what an audit has in place of the key.

        Whoever knows the key recognises it; a short number is found by trying all.
        """
        text = f"{self.table}\n{json.dumps(dict(sorted(self.given.items())))}"
        return hashlib.sha256(text.encode()).hexdigest()


def parse_key(outputs: StackOutputs, table: str, text: str) -> dict[str, str]:
    """Return the columns of a key with the texts of their values.

    `text` is the value of a key of one column, or a JSON object of all columns. A table without a
    key is erased by any of its columns.

    Raises StackError if the table is not captured or the key does not fit it.
    """
    if table not in outputs.tables:
        raise StackError(
            f"the stack does not capture {table!r}; allowed: {', '.join(outputs.tables)}"
        )
    key = outputs.keys.get(table)
    if key is None:
        raise StackError(f"the columns of {table}'s key are not known yet; run make up")
    given = _values(text)
    if given is None and len(key) == 1:
        return {key[0]: text}
    expected = f"a JSON object of {', '.join(key) if key else 'columns and values'}"
    if given is None:
        raise StackError(f"KEY: {text!r} is not a valid key of {table}; allowed: {expected}")
    known = [name for name, _ in outputs.columns.get(table, ())]
    names = set(given)
    columns = f", of {', '.join(known)}" if not key else ""
    if not names or (key and names != set(key)) or not names <= set(known):
        raise StackError(
            f"KEY: {', '.join(sorted(names)) or 'no column'} is not the key of {table}; allowed:"
            f" {expected}{columns}"
        )
    return given


def _values(text: str) -> dict[str, str] | None:
    """Return the values of a JSON object as texts; None if the text does not begin like one."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    except json.JSONDecodeError as error:
        raise StackError(f"KEY: {text!r} is not valid JSON: {error}") from None
    for name, value in found.items():
        if not isinstance(value, str | Decimal | bool):
            raise StackError(
                f"KEY: the value of {name} must be a text, a number or a boolean, not {value!r}"
            )
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in found.items()
    }


def archived_key(
    connection: psycopg.Connection[Row], outputs: StackOutputs, table: str, given: Mapping[str, str]
) -> Key:
    """Return the key with its values as PostgreSQL and the archive have them.

    Raises StackError if a value is not valid, or of a type by which rows can't be recognised.
    """
    types = dict(outputs.columns.get(table, ()))
    archived: dict[str, int | bool | str | Decimal] = {}
    for name, text in given.items():
        type_ = PostgresType.parse(types[name])
        form = ARCHIVED.get(type_.kind)
        if form is None:
            raise StackError(
                f"KEY: {name} is a {types[name]}, by which rows can't be erased; allowed: integers,"
                " numeric, text, uuid, boolean, date and timestamp"
            )
        value = _as_archived(connection, name, text, types[name], form)
        if type_.kind == "boolean":
            archived[name] = value == "true"
        elif type_.name == "numeric":
            archived[name] = Decimal(value)
        else:
            archived[name] = value if type_.kind == "text" else int(value)
    return Key(table, given, {name: types[name] for name in given}, archived)


def _as_archived(
    connection: psycopg.Connection[Row], name: str, text: str, type_: str, form: str
) -> str:
    # The type is PostgreSQL's own text of it, from the stack's outputs.
    statement = f"SELECT {form.format(value=f'CAST(%s AS {type_})')} AS value"
    try:
        row = connection.execute(statement.encode(), [text]).fetchone()
    except psycopg.DataError as error:
        raise StackError(f"KEY: {text!r} is not a valid value of {name}: {error}") from None
    value = None if row is None else row["value"]
    if not isinstance(value, str):
        raise StackError(f"KEY: {text!r} has no value as {type_}")
    return value


def condition(key: Key) -> tuple[sql.Composable, Sequence[str]]:
    """Return the SQL that is true for rows of the key, and its parameters."""
    terms = [
        sql.SQL("{} = CAST(%s AS {})").format(sql.Identifier(name), sql.SQL(key.types[name]))
        for name in key.given
    ]
    return sql.SQL(" AND ").join(terms), list(key.given.values())


def _json(value: int | bool | str | Decimal) -> str:
    return format(value, "f") if isinstance(value, Decimal) else json.dumps(value)
