"""The captured tables of an existing database, as its catalog knows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.source.existing.server_checks import Server
from components.source.schema import query_of


@dataclass(frozen=True)
class Tables:
    """The captured tables of a server, and what the archive has of them."""

    server: Server
    avro_names: bool
    entries: Mapping[str, Any]
    """by table, as `live` of drift.sql had them when the rows were read"""

    @property
    def names(self) -> tuple[str, ...]:
        """The tables as schema.table."""
        return tuple(self.server.source.tables)

    def rows(self, part: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query, or of a file, over what query_of() knows of the tables."""
        settings = self.server.source.settings(self.server.name)
        query = query_of(part, settings, self.names, self.entries, avro_names=self.avro_names)
        return self.server.connection.execute(query.encode()).fetchall()
