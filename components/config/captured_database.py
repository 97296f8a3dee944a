"""A database whose tables a stack captures, whoever runs its server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from components.config.existing_source import MANAGED, ExistingSource
from components.config.source import ObjectNames, SourceSettings
from components.config.streaming import TopicSettings
from components.config.tables import source_and_table


@dataclass(frozen=True)
class CapturedDatabase:
    """What the layers need of one of a stack's databases."""

    name: str
    """by which the stack file has it; the managed database is MANAGED"""
    settings: SourceSettings
    """of the connectors, the slot and the publication"""
    tables: tuple[str, ...]
    """captured, as schema.table"""
    topics: TopicSettings
    """with what differs for this database's tables"""
    deleted: frozenset[str]
    """tables whose topic may be deleted"""
    catalog_database: str
    """the Glue database of its Iceberg tables"""
    existing: ExistingSource | None
    """None: the program runs the server"""
    object_names: ObjectNames
    """whether the names of its objects in the stack and in the worker say whose they are"""

    @property
    def managed(self) -> bool:
        """Whether the program runs the server."""
        return self.existing is None

    @property
    def topic_prefix(self) -> str:
        """What the names of the captured tables' topics begin with."""
        return self.name

    @property
    def key(self) -> str:
        """The key of the stack file that lists the tables."""
        return "tables" if self.existing is None else f"sources.{self.name}.tables"

    @property
    def partitions(self) -> dict[str, int]:
        """The number of partitions of each captured table's topic."""
        return {table: self.topics.partitions_of(table) for table in self.tables}

    @property
    def label(self) -> str | None:
        """The value of the metrics' label `source`; None: its metrics have no such label."""
        return None if self.object_names == "short" else self.name

    def qualified(self, name: str, separator: str = "-") -> str:
        """Return the name of an object of which each database has its own."""
        return name if self.object_names == "short" else f"{name}{separator}{self.name}"

    def entry(self, table: str) -> str:
        """Return a table as the stack's lists of tables have it (ListedTable)."""
        return table if self.object_names == "short" else f"{self.name}.{table}"

    def protects(self, table: str) -> bool:
        """Return whether Pulumi refuses to delete a captured table's topic."""
        return self.topics.protect and table not in self.deleted


def captured_databases(
    tables: tuple[str, ...],
    source: SourceSettings,
    sources: Mapping[str, ExistingSource],
    topics: TopicSettings,
    catalog_database: str,
) -> tuple[CapturedDatabase, ...]:
    """Return a stack's databases from the sections of its file, the managed one first."""
    short = _short(bool(tables), source, sources)
    found = []
    if tables:
        found.append(
            CapturedDatabase(
                MANAGED,
                source,
                tables,
                topics,
                _deleted(MANAGED, tables, topics, short),
                catalog_database,
                None,
                _object_names(MANAGED, short),
            )
        )
    for name, existing in sources.items():
        own = tuple(existing.tables)
        found.append(
            CapturedDatabase(
                name,
                existing.settings(name),
                own,
                topics.model_copy(update={"overrides": dict(existing.tables)}),
                _deleted(name, own, topics, short),
                f"{catalog_database}_{name}",
                existing,
                _object_names(name, short),
            )
        )
    return tuple(found)


def _short(
    managed: bool, source: SourceSettings, sources: Mapping[str, ExistingSource]
) -> str | None:
    """Return the database whose objects have short names; None: those of all are qualified."""
    if chosen := [name for name, one in sources.items() if one.object_names == "short"]:
        return chosen[0]
    if managed:
        return None if source.object_names == "qualified" else MANAGED
    alone = [name for name, one in sources.items() if one.object_names is None]
    return alone[0] if len(sources) == len(alone) == 1 else None


def _object_names(name: str, short: str | None) -> ObjectNames:
    return "short" if name == short else "qualified"


def _deleted(
    name: str, tables: tuple[str, ...], topics: TopicSettings, short: str | None
) -> frozenset[str]:
    listed = {
        table
        for one, table in (source_and_table(each, short) for each in topics.delete)
        if one == name
    }
    return frozenset(tables if "*" in listed else listed.intersection(tables))
