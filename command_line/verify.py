"""`datapipe verify`: is the archive equal to the database?"""

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from command_line.exit_codes import exit_codes
from command_line.source_option import TABLE, Source

EXIT_CODES = exit_codes("equal", "a row differs", "could not compare, or wrong usage")
NOT_COMPARED = 2
TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S"]


def verify(  # noqa: PLR0917  typer passes them by name
    context: typer.Context,
    table: Annotated[
        list[str] | None,
        typer.Option(help="Compare this table only; may be repeated.", metavar=TABLE),
    ] = None,
    source: Source = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            help="Compare rows with an archived change since then only, in UTC.",
            metavar="TIME",
            formats=TIMES,
        ),
    ] = None,
    sample: Annotated[
        str | None,
        typer.Option(help="Compare a part of each table: N rows or N%.", metavar="N|PERCENT"),
    ] = None,
    from_lsn: Annotated[
        int,
        typer.Option(
            help="Leave out archived changes before this WAL position, as make recover prints it.",
            metavar="LSN",
        ),
    ] = 0,
    wait: Annotated[
        float,
        typer.Option(
            help="Seconds to wait for the archive where rows differ.", metavar="SECONDS", min=0
        ),
    ] = 300,
    statement_timeout: Annotated[
        float,
        typer.Option(
            help="Seconds that a statement in PostgreSQL may take.", metavar="SECONDS", min=1
        ),
    ] = 3600,
    show_values: Annotated[
        bool, typer.Option("--show-values", help="Print the values that differ.")
    ] = False,
    print_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Compare the archive with PostgreSQL, row by row.

    Every key and column is compared, while rows change. Checksums of ranges are compared first,
    then the rows of ranges that differ. A row that differs is compared again once the archive
    contains everything up to a newer snapshot. PostgreSQL is only read, by one process, in one pass
    over each table.
    """
    from command_line.reported_errors import REPORTED
    from verification.commands import verify as run
    from verification.options import Options, Sample
    from workload.progress import Progress

    try:
        chosen = Sample() if sample is None else Sample.parse(sample)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--sample") from None
    options = Options(
        sample=chosen,
        since=None if since is None else round(since.replace(tzinfo=UTC).timestamp() * 1000),
        from_lsn=from_lsn,
        wait_seconds=wait,
        statement_seconds=statement_timeout,
    )
    try:
        with Progress("verify") as progress:
            code = run(
                context.obj,
                table or [],
                options,
                source=source,
                log=progress.update,
                show_values=show_values,
                print_json=print_json,
            )
    except REPORTED as error:
        print(f"datapipe: {error}", file=sys.stderr)
        raise typer.Exit(NOT_COMPARED) from None
    raise typer.Exit(code)
