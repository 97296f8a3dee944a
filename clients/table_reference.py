"""Finds the captured table that a user names: schema.table, or source.schema.table."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from clients.stack import StackError, StackOutputs

ALLOWED = "schema.table or source.schema.table"
# An identifier as SQL has it: bare, or in double quotes, where a quote is doubled.
_PART = re.compile(r'"((?:[^"]|"")+)"|([^".\s]+)')


@dataclass(frozen=True)
class TableReference:
    """A table that a user names."""

    source: str | None
    """None: the only one that captures a table of this name"""
    table: str
    """schema.table"""

    @classmethod
    def parse(cls, text: str, source: str | None = None) -> "TableReference":
        """Return the reference of a text; `source` is the one that was chosen besides it.

        Raises StackError if the text is not a reference, or names another source.
        """
        parts = _parts(text)
        if len(parts) not in {2, 3}:
            raise StackError(f"{text!r} is not a valid table; allowed: {ALLOWED}")
        table = ".".join(parts[-2:])
        if len(parts) == 2:
            return cls(source, table)
        if source not in {None, parts[0]}:
            raise StackError(
                f"{text} is a table of the source {parts[0]}, but the source {source} was chosen"
            )
        return cls(parts[0], table)

    def find(self, outputs: StackOutputs) -> StackOutputs:
        """Return the stack with the source that captures the table.

        Raises StackError if none does, or several do.
        """
        if self.source is not None:
            own = outputs.of(self.source)
            if self.table not in own.tables:
                where = f"the source {self.source}" if len(outputs.sources) > 1 else "the stack"
                raise StackError(
                    f"{where} does not capture {self.table}; it captures {', '.join(own.tables)}"
                )
            return own
        found = [each for each in outputs.each() if self.table in each.tables]
        if not found:
            names = [qualified(each, name) for each in outputs.each() for name in each.tables]
            raise StackError(
                f"the stack does not capture {self.table}; it captures {', '.join(names)}"
            )
        if len(found) > 1:
            both = " and ".join(each.source for each in found)
            raise StackError(
                f"{both} have a table {self.table}; choose one with SOURCE={found[0].source} or"
                f" --source, or write {found[0].source}.{self.table}"
            )
        return found[0]


def _parts(text: str) -> list[str]:
    """Return the identifiers between a text's dots; none if it is not a list of identifiers."""
    parts: list[str] = []
    position = 0
    while match := _PART.match(text, position):
        quoted, bare = match.groups()
        parts.append(bare if quoted is None else quoted.replace('""', '"'))
        position = match.end()
        if position == len(text):
            return parts
        if text[position] != ".":
            return []
        position += 1
    return []


def qualified(outputs: StackOutputs, table: str) -> str:
    """Return a table's name for a message: with its source where the stack has several."""
    return f"{outputs.source}.{table}" if len(outputs.sources) > 1 else table


def chosen_sources(outputs: StackOutputs, source: str | None) -> list[StackOutputs]:
    """Return the stack with each source, or with the chosen one only.

    Raises StackError if the stack has no source of this name.
    """
    return list(outputs.each()) if source is None else [outputs.of(source)]


def chosen_tables(
    outputs: StackOutputs, wanted: Sequence[str], source: str | None
) -> list[tuple[StackOutputs, list[str]]]:
    """Return the sources with the wanted tables of each; without any, with all of their tables.

    Raises StackError for a table that no source captures, or several do.
    """
    if not wanted:
        return [(each, list(each.tables)) for each in chosen_sources(outputs, source)]
    by_source: dict[str, list[str]] = {}
    for text in dict.fromkeys(wanted):
        reference = TableReference.parse(text, source)
        tables = by_source.setdefault(reference.find(outputs).source, [])
        if reference.table not in tables:
            tables.append(reference.table)
    chosen = [name for name in outputs.source_names if name in by_source]
    return [(outputs.of(name), by_source[name]) for name in chosen]
