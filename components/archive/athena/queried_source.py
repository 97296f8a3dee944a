"""A captured database as Athena sees it: its databases in Glue and its tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from archive_views.athena import AthenaSource, AthenaTable
from archive_views.table import SourceDatabase
from components.archive.athena.catalog import StoredColumns
from components.config.athena import VIEWS_SUFFIX
from components.config.captured_database import CapturedDatabase
from components.config.tables import iceberg_table_of

# Of Glue's tables over a captured table's plain files: all of them, and by hours (files.py).
ALL_SUFFIX, HOURS_SUFFIX = "_files", "_hours"

Columns = Mapping[str, Sequence[Sequence[str]]]
Keys = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class QueriedSource:
    """A captured database, and what its views are made of."""

    database: CapturedDatabase
    folders: Mapping[str, str] | None
    """of each captured table's files; None: the archive has Iceberg tables"""
    columns: pulumi.Output[dict[str, list[list[str]]]]
    """each table's (name, PostgreSQL's type)"""
    keys: pulumi.Output[dict[str, list[str]]]
    """columns of each table's primary key"""
    stored: StoredColumns
    """the catalog's columns of the tables that it has"""

    @property
    def name(self) -> str:
        """The source's name in the stack."""
        return self.database.name

    @property
    def views_database(self) -> str:
        """Glue's database of its views."""
        return f"{self.database.catalog_database}{VIEWS_SUFFIX}"

    def described(self, columns: Columns, keys: Keys) -> AthenaSource:
        """Return it with its tables as PostgreSQL describes them."""
        return AthenaSource(
            SourceDatabase(self.name, self.database.settings.database),
            self.database.catalog_database,
            self.views_database,
            tuple(self._table(table, columns, keys) for table in self.database.tables),
        )

    def _table(self, table: str, columns: Columns, keys: Keys) -> AthenaTable:
        if table not in columns and not pulumi.runtime.is_dry_run():
            raise pulumi.RunError(
                f"archive.athena: PostgreSQL did not describe {table} of {self.name}; run up again"
            )
        name, key = iceberg_table_of(table), keys.get(table)
        of_files = self.folders is not None
        return AthenaTable(
            title=table,
            name=name,
            archived_name=f"{name}{ALL_SUFFIX}" if of_files else name,
            declared=tuple((column, type_) for column, type_ in columns.get(table, ())),
            key=None if key is None else tuple(key),
            stored=None if of_files else self.stored.get(name),
            milliseconds=of_files,
            guarded=not of_files,
        )
