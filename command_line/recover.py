"""`datapipe recover`: what the pipeline can't recover from on its own."""

from typing import Annotated

import typer

from command_line.exit_codes import exit_codes

app = typer.Typer(
    help="Repair what the pipeline can't repair on its own.",
    epilog=exit_codes("done"),
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command(epilog=exit_codes("every slot is usable"))
def slot(context: typer.Context) -> None:
    """Recreate replication slots that are missing or invalid.

    PostgreSQL invalidates a slot when Connect was away for more WAL than
    source.maxSlotWalKeepSize. The tables are read again from the beginning. The changes in between
    are not in the archive's history; the command prints the WAL position from which on its rows are
    complete.
    """
    from clients.console import log
    from clients.recover.slot import recover_slots
    from clients.stack import read_outputs

    recovered = recover_slots(read_outputs(context.obj), log)
    print("\n".join(map(str, recovered)) or "every replication slot is usable; no action needed")


@app.command(epilog=exit_codes("the archive misses nothing of the captured tables"))
def tables(
    context: typer.Context,
    again: Annotated[
        list[str] | None,
        typer.Option(help="Read this table again whatever its state.", metavar="SCHEMA.TABLE"),
    ] = None,
) -> None:
    """Read tables again that were replaced or missed.

    A table that was dropped and created again, swapped by a rename, restored, or out of the
    publication is captured again, and so is one to which a partition with rows was attached. Its
    rows are read, and what the archive has from before is not current any more. The repair is
    that of make up, which also deploys what else has changed in the stack's file.
    """
    from clients.console import log
    from clients.recover.tables import recover_tables
    from clients.stack import read_outputs

    if not recover_tables(context.obj, read_outputs(context.obj), again or (), log):
        print("every captured table is what the stack captures; no action needed")


@app.command("all", epilog=exit_codes("slots and tables are repaired"))
def everything(context: typer.Context) -> None:
    """Recreate lost slots, then read replaced tables again."""
    slot(context)
    tables(context)


@app.command(epilog=exit_codes("the source runs"))
def row(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="SCHEMA.TABLE/DIGEST")],
) -> None:
    """Archive a row that is too large as far as it fits.

    The failure of the source names the row. It arrives with NULL in as few columns as needed, the
    largest first; its column __lost names them. Later changes of the row do, too.
    """
    from clients.console import log
    from clients.recover.row import let_row_pass
    from clients.stack import read_outputs

    print(let_row_pass(read_outputs(context.obj), name, context.obj, log))


@app.command(epilog=exit_codes("the schema is registered"))
def schema(
    context: typer.Context,
    subject: Annotated[str, typer.Argument(metavar="SUBJECT")],
) -> None:
    """Register a schema that Schema Registry refuses.

    Use it after a change of type in PostgreSQL that the subject's compatibility forbids, such as
    timestamp to text; `datapipe status` names the subject. The compatibility is NONE until the
    schema is registered, and what it was before then. Archived values keep their type.
    """
    from clients.console import log
    from clients.recover.schema import recover_schema
    from clients.stack import read_outputs

    recover_schema(read_outputs(context.obj), subject, log)
