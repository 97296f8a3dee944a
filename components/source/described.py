"""The captured tables' keys and columns, as described.sql prints them.

A table that was not described yet, because its server does not run, is left out: an empty list says
that it has no primary key.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any


def described_keys(text: str | None, tables: Iterable[str]) -> dict[str, list[str]]:
    """Return the columns of each table's primary key, in the key's order."""
    return {table: list(known["key"]) for table, known in _known(text, tables)}


def described_columns(text: str | None, tables: Iterable[str]) -> dict[str, list[list[str]]]:
    """Return each table's captured columns, in its order: their names and PostgreSQL's types."""
    return {
        table: [[name, kind] for name, kind in known["columns"].items()]
        for table, known in _known(text, tables)
    }


def _known(text: str | None, tables: Iterable[str]) -> list[tuple[str, Mapping[str, Any]]]:
    described = json.loads(text) if text else {}
    return [(table, described[table]) for table in tables if table in described]
