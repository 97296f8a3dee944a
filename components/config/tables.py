"""Names of captured tables and of topics, and what makes two of them clash."""

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator

TABLE_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}\.[a-z_][a-z0-9_]{0,62}")

SAMPLE_TABLES = ("public.users", "public.products", "public.orders", "public.order_items")
"""The design's e-commerce tables."""


def _qualified(name: str) -> str:
    if "." not in name:
        raise ValueError(f"{name!r} names no schema; write it as schema.table, e.g. public.{name}")
    if not TABLE_NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is no table name we can capture: write schema.table in lower case letters,"
            " digits and underscores, each part at most 63 long"
        )
    return name


TableName = Annotated[str, AfterValidator(_qualified)]

TOPIC_NAME = re.compile(r"(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}")
"""Kafka's own rule."""


def _legal_topic(name: str) -> str:
    if not TOPIC_NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is no topic name that Kafka accepts: 1 to 249 letters, digits, '.', '_' and"
            " '-', and neither '.' nor '..'"
        )
    return name


TopicName = Annotated[str, AfterValidator(_legal_topic)]


def clashes(names: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of topic names that Kafka refuses to have side by side.

    In the names of its metrics a dot becomes an underscore, so a.b and a_b would be one.
    """
    seen: dict[str, str] = {}
    found = []
    for name in names:
        first = seen.setdefault(name.replace(".", "_"), name)
        if first is not name:
            found.append((first, name))
    return found
