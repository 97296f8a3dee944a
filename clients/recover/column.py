"""A column of an Iceberg table that can't hold what PostgreSQL's column has become."""

from dataclasses import dataclass

from pyiceberg.table import Table
from pyiceberg.types import StringType

from clients.archive import IcebergArchive, open_archive
from clients.connect import Say, connect_client, sink_connector, stopped
from clients.stack import StackError, StackOutputs


@dataclass(frozen=True)
class Column:
    """A column of a captured table."""

    table: str
    """schema.table"""
    name: str

    @classmethod
    def parse(cls, text: str) -> "Column":
        """From schema.table.column. Raises StackError for anything else."""
        schema, _, rest = text.partition(".")
        table, _, name = rest.partition(".")
        if not (schema and table and name):
            raise StackError(f"{text!r} is no schema.table.column")
        return cls(f"{schema}.{table}", name)


def set_aside_name(column: Column) -> str:
    """What the archive's column is called once it has been set aside."""
    return f"{column.name}__before"


def set_aside(outputs: StackOutputs, column: Column, say: Say) -> None:
    """Rename the archive's column and put one of text in its place, which holds any value.

    What was archived stays in the renamed column; what the sink could not write goes on as text.
    Raises StackError where there is no such column or it was set aside before.
    """
    table, aside = _table(outputs, column), set_aside_name(column)
    names = {field.name for field in table.schema().fields}
    if column.name not in names:
        raise StackError(f"the archive of {column.table} has no column {column.name}")
    if aside in names:
        raise StackError(
            f"the archive of {column.table} has a column {aside} already: {column.name} is text"
            " since then, and holds any value"
        )
    with stopped(connect_client(outputs), sink_connector(outputs), say):
        table.update_schema().rename_column(column.name, aside).commit()
        table.update_schema().add_column(column.name, StringType()).commit()
        say(f"{column.table}: {column.name} is now {aside}; a new {column.name} holds text")


def bring_back(outputs: StackOutputs, column: Column, say: Say) -> None:
    """Undo set_aside(), for a column whose type went back too; the texts are no longer shown.

    Nothing is done where the column was not set aside.
    """
    table, aside = _table(outputs, column), set_aside_name(column)
    if aside not in {field.name for field in table.schema().fields}:
        return
    with stopped(connect_client(outputs), sink_connector(outputs), say):
        table.update_schema(allow_incompatible_changes=True).delete_column(column.name).commit()
        table.update_schema().rename_column(aside, column.name).commit()


def _table(outputs: StackOutputs, column: Column) -> Table:
    archive = open_archive(outputs.archive)
    if not isinstance(archive, IcebergArchive):
        raise StackError("plain files have a schema each, so no column needs to be set aside")
    table = archive.find(column.table)
    if table is None:
        raise StackError(f"the archive has no table of {column.table}")
    return table
