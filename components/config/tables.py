"""Names of captured tables and of topics, and which of them collide."""

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator

from components.settings import Pattern

# The design's tables (design: "Schema Design"), which source.sampleSchema creates.
SAMPLE_TABLES = ("public.users", "public.products", "public.orders", "public.order_items")

# What users can do about two tables that collide.
CHOICE_OF_ONE_TABLE = (
    "Capture one of them in this stack and the other in a second stack, or rename one in"
    " PostgreSQL."
)

_TABLE_NAME = Pattern(
    r"[a-z_][a-z0-9_]{0,62}\.[a-z_][a-z0-9_]{0,62}",
    name="table name",
    allowed="schema.table in lower case letters, digits and underscores, at most 63 for each part",
)


# PostgreSQL publishes no table of its own schemas, and reserves their prefix.
_OWN_SCHEMA = re.compile(r"pg_[a-z0-9_]*|information_schema")


def _qualified(name: str) -> str:
    schema, dot, _ = name.partition(".")
    if not dot:
        raise ValueError(f"has no schema; write schema.table, e.g. public.{name or 'users'}")
    if _OWN_SCHEMA.fullmatch(schema):
        raise ValueError("is a table of PostgreSQL's own, which it does not publish; remove it")
    return _TABLE_NAME(name)


TableName = Annotated[str, AfterValidator(_qualified)]

# An entry of a list that is for the tables of all databases of a stack.
_LISTED_TABLE = Pattern(
    r"([a-z][a-z0-9_]*\.)?[a-z_][a-z0-9_]{0,62}\.[a-z_][a-z0-9_]{0,62}",
    name="captured table",
    allowed="schema.table, or <source>.schema.table for a table of datapipe:sources",
)
# All tables of one of `datapipe:sources`.
_WHOLE_SOURCE = re.compile(r"[a-z][a-z0-9_]*\.\*")


def _listed(entry: str) -> str:
    return entry if _WHOLE_SOURCE.fullmatch(entry) else _LISTED_TABLE(entry)


ListedTable = Annotated[str, AfterValidator(_LISTED_TABLE)]
ListedTables = Annotated[str, AfterValidator(_listed)]


def source_and_table(entry: str, short: str | None) -> tuple[str | None, str]:
    """Return the database and the table (schema.table, or *) of an entry.

    `short` is the database whose tables are listed without its name; None: the stack has no such.
    """
    if entry.count(".") == 1 and not entry.endswith(".*"):
        return short, entry
    source, _, table = entry.partition(".")
    return source, table


# A comma would end an entry of Debezium's list.
_COLUMN_NAME = Pattern(
    r"[^,\x00-\x1f]{1,63}", name="column name", allowed="1 to 63 characters without a comma"
)
ColumnName = Annotated[str, AfterValidator(_COLUMN_NAME)]

_OWN_TOPICS = "__consumer_offsets|__transaction_state|__share_group_state|__cluster_metadata"
# Kafka's own rule.
TOPIC_NAME = Pattern(
    rf"(?!(\.{{1,2}}|{_OWN_TOPICS})$)[a-zA-Z0-9._-]{{1,249}}",
    name="topic name",
    allowed="1 to 249 letters, digits, '.', '_' and '-', but neither '.' nor '..', nor one of"
    " Kafka's own topics, such as __consumer_offsets",
)
TopicName = Annotated[str, AfterValidator(TOPIC_NAME)]


def clashes(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return the pairs of topic names that one Kafka cluster can't hold.

    In the names of its metrics a dot becomes an underscore, so a.b and a_b would be the same.
    """
    return _collisions((name, name.replace(".", "_")) for name in names)


def iceberg_table_of(table: str) -> str:
    """Return a captured table's name in the archive's catalog; `public` is left out of it."""
    schema, _, name = table.partition(".")
    return name if schema == "public" else f"{schema}_{name}"


def iceberg_collisions(tables: Iterable[str]) -> list[tuple[str, str]]:
    """Return the pairs of captured tables that would be archived as one Iceberg table."""
    return _collisions((table, iceberg_table_of(table)) for table in tables)


def _collisions(targets: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the pairs of names that lead to the same target."""
    seen: dict[str, str] = {}
    found = []
    for name, target in targets:
        if target in seen:
            found.append((seen[target], name))
        else:
            seen[target] = name
    return found
