"""`datapipe sql`: questions to the archive."""

from pathlib import Path
from typing import Annotated

import typer

from command_line.exit_codes import exit_codes
from command_line.source_option import Source

EXIT_CODES = exit_codes("done", "the query or the archive has an error")
FORMATS = ("table", "csv", "json", "parquet")
TYPES = ("postgresql", "archived")


def _one_of(allowed: tuple[str, ...], option: str, given: str) -> str:
    if given not in allowed:
        raise typer.BadParameter(
            f"{given!r} is not allowed; allowed: {', '.join(allowed)}", param_hint=option
        )
    return given


def sql(  # noqa: PLR0917  typer passes them by name
    context: typer.Context,
    query: Annotated[
        str | None, typer.Option(help="Print the result of a query.", metavar="SQL")
    ] = None,
    source: Source = None,
    at: Annotated[
        str | None,
        typer.Option(
            help="The state as of this commit time, as 2026-11-27 10:00; in UTC without an offset.",
            metavar="TIME",
        ),
    ] = None,
    form: Annotated[
        str, typer.Option("--format", help=f"Of the result: {', '.join(FORMATS)}.")
    ] = "table",
    types: Annotated[
        str, typer.Option(help="Types of the columns: postgresql, or as they are archived.")
    ] = "postgresql",
    outputs: Annotated[
        Path | None,
        typer.Option(
            help="The stack's outputs in a file, as pulumi stack output --json prints them.",
            metavar="FILE",
        ),
    ] = None,
) -> None:
    """Query the archive with DuckDB: a prompt, or one query.

    Each captured table has a view of its present rows and one of its history, NAME_changes: those
    of the managed database in PostgreSQL's schemas, those of a source in the schema of its name.
    s3_cdc_events has the changes of all tables of all sources.
    """
    import duckdb

    from clients.sql.commands import parse_time
    from clients.sql.commands import sql as run
    from clients.sql.output import Format
    from clients.stack import StackError

    _one_of(FORMATS, "--format", form)
    _one_of(TYPES, "--types", types)
    try:
        time = None if at is None else parse_time(at)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--at") from None
    try:
        run(
            context.obj,
            query,
            source=source,
            at=time,
            form=Format(form),
            as_archived=types == "archived",
            saved_outputs=outputs,
        )
    except duckdb.Error as error:
        raise StackError(str(error)) from None
