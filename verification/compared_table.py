"""A table that is compared, and what its comparison needs."""

from dataclasses import dataclass

import psycopg

from clients.database import Row
from verification.archive_state import ArchiveState
from verification.options import Log, Options
from verification.position import ArchivePosition
from verification.source_table import SourceTable


@dataclass(frozen=True)
class ComparedTable:
    """A table on both sides."""

    connection: psycopg.Connection[Row]
    source: SourceTable
    state: ArchiveState
    position: ArchivePosition
    options: Options
    log: Log

    def report(self, message: str) -> None:
        """Log what is done with the table now."""
        self.log(f"{self.source.name}: {message}")
