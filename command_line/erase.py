"""`datapipe erase`: a key's rows leave the archive, its history and its old files."""

from typing import Annotated

import typer

from command_line.exit_codes import exit_codes
from command_line.source_option import TABLE, Source

EXIT_CODES = exit_codes("erased, or shown what would be", "not everything is erased")


def erase(  # noqa: PLR0917  typer passes them by name
    context: typer.Context,
    table: Annotated[str, typer.Option(help="The captured table.", metavar=TABLE)],
    key: Annotated[
        str,
        typer.Option(
            help="The key's value; of a key of several columns a JSON object.", metavar="KEY"
        ),
    ],
    yes: Annotated[
        bool, typer.Option("--yes", help="Erase; without it, show what would be done and ask.")
    ] = False,
    keep_row: Annotated[
        bool,
        typer.Option("--keep-row", help="Erase the past of a row that PostgreSQL still has."),
    ] = False,
    source: Source = None,
) -> None:
    """Erase a key's rows from the archive and its old files.

    Files with such rows are written again without them, all older snapshots and versions are
    deleted, and every object of the table is searched afterwards. An audit without the key is
    kept in the folder erasures of the archive. Topics are not changed.
    """
    from erasure.command import erase as run

    run(context.obj, table, key, confirmed=yes, keep_row=keep_row, source=source)
