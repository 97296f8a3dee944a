"""Gives an Iceberg table a text column where PostgreSQL's column changed its type."""

from dataclasses import dataclass

from pyiceberg.table import Table
from pyiceberg.types import StringType

from clients.archive import IcebergArchive, open_archive
from clients.connect import Log, connect_client, sink_connector, stopped
from clients.stack import StackError, StackOutputs

SUFFIX = "__previous_type"
# What earlier versions appended; archives have such columns.
EARLIER_SUFFIX = "__before"


@dataclass(frozen=True)
class Column:
    """A column of a captured table."""

    # schema.table
    table: str
    name: str

    @classmethod
    def parse(cls, text: str) -> "Column":
        """Return the column that a text names. Raises StackError if it is not in full."""
        schema, _, rest = text.partition(".")
        table, _, name = rest.partition(".")
        if not (schema and table and name):
            raise StackError(
                f"{text!r} is not a valid column; write schema.table.column, as in"
                " public.users.created_at"
            )
        return cls(f"{schema}.{table}", name)


def previous_type_name(column: Column) -> str:
    """Return the name under which the archive keeps the values of the previous type."""
    return f"{column.name}{SUFFIX}"


def replace_with_text(outputs: StackOutputs, column: Column, log: Log) -> None:
    """Rename the archive's column and add one of text, which holds any value, in its place.

    Archived values stay in the renamed column; what the sink could not write is archived as text.
    Raises StackError if the archive has no such column, or it was replaced before.
    """
    table = _table(outputs, column)
    if column.name not in _names(table):
        raise StackError(f"the archive of {column.table} has no column {column.name}")
    if previous := _previous(table, column):
        raise StackError(
            f"{column.table}.{column.name} was replaced before: it is a text column, which holds"
            f" any value, and the earlier values are in {previous}"
        )
    previous = previous_type_name(column)
    with stopped(connect_client(outputs), sink_connector(outputs), log):
        table.update_schema().rename_column(column.name, previous).commit()
        table.update_schema().add_column(column.name, StringType()).commit()
        log(f"{column.table}: renamed {column.name} to {previous}; the new {column.name} is text")


def undo(outputs: StackOutputs, column: Column, log: Log) -> None:
    """Undo replace_with_text() for a column that has its old type again; the texts are hidden.

    Does nothing if the column was not replaced.
    """
    table = _table(outputs, column)
    previous = _previous(table, column)
    if previous is None:
        return
    with stopped(connect_client(outputs), sink_connector(outputs), log):
        table.update_schema(allow_incompatible_changes=True).delete_column(column.name).commit()
        table.update_schema().rename_column(previous, column.name).commit()


def _names(table: Table) -> set[str]:
    return {field.name for field in table.schema().fields}


def _previous(table: Table, column: Column) -> str | None:
    """Return the column with the values of the previous type, if it was replaced."""
    candidates = (f"{column.name}{suffix}" for suffix in (SUFFIX, EARLIER_SUFFIX))
    names = _names(table)
    return next((name for name in candidates if name in names), None)


def _table(outputs: StackOutputs, column: Column) -> Table:
    archive = open_archive(outputs.archive)
    if not isinstance(archive, IcebergArchive):
        raise StackError(
            "this archive consists of Parquet files, each with its own schema; no action needed"
        )
    table = archive.find(column.table)
    if table is None:
        raise StackError(f"the archive has no table {column.table}")
    return table
