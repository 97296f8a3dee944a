"""`datapipe recover`: what the pipeline can't recover from on its own."""

from typing import TYPE_CHECKING, Annotated

import typer

from command_line.exit_codes import exit_codes
from command_line.source_option import TABLE, Source

if TYPE_CHECKING:
    from clients.stack import StackOutputs

app = typer.Typer(
    help="Repair what the pipeline can't repair on its own.",
    epilog=exit_codes("done"),
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command(epilog=exit_codes("every slot is usable"))
def slot(context: typer.Context, source: Source = None) -> None:
    """Recreate replication slots that are missing or invalid.

    PostgreSQL invalidates a slot when Connect was away for more WAL than
    source.maxSlotWalKeepSize. The tables are read again from the beginning. The changes in between
    are not in the archive's history; the command prints the WAL position from which on its rows are
    complete.
    """
    from clients.each_source import require_no_failures
    from clients.stack import read_outputs

    require_no_failures(_recover_slots(read_outputs(context.obj), source))


def _recover_slots(outputs: "StackOutputs", source: str | None) -> list[str]:
    """Recreate lost slots; return a sentence for each database for which that failed."""
    from clients.console import log
    from clients.each_source import run_for_each
    from clients.recover.slot import recover_slots
    from clients.table_reference import chosen_sources

    chosen = chosen_sources(outputs, source)
    recovered, failures = run_for_each(chosen, lambda own: recover_slots(own, log))
    for each in [line for lines in recovered for line in lines]:
        print(each)
    if recovered and not any(recovered):
        print("every replication slot is usable; no action needed")
    return failures


@app.command(epilog=exit_codes("the archive misses nothing of the captured tables"))
def tables(
    context: typer.Context,
    again: Annotated[
        list[str] | None,
        typer.Option(help="Read this table again whatever its state.", metavar=TABLE),
    ] = None,
    source: Source = None,
) -> None:
    """Read tables again that were replaced or missed.

    A table that was dropped and created again, swapped by a rename, restored, or out of the
    publication is captured again, and so is one to which a partition with rows was attached. Its
    rows are read, and what the archive has from before is not current any more. The repair is
    that of make up, which also deploys what else has changed in the stack's file.
    """
    from clients.stack import read_outputs

    _recover_tables(context.obj, read_outputs(context.obj), again, source)


def _recover_tables(
    stack: str, outputs: "StackOutputs", again: list[str] | None, source: str | None
) -> None:
    from clients.console import log
    from clients.recover.tables import recover_tables
    from clients.table_reference import chosen_sources, chosen_tables

    chosen = chosen_tables(outputs, again, source) if again else []
    if not recover_tables(stack, chosen_sources(outputs, source), chosen, log):
        print("every captured table is what the stack captures; no action needed")


@app.command("all", epilog=exit_codes("slots and tables are repaired"))
def everything(context: typer.Context, source: Source = None) -> None:
    """Recreate lost slots, then read replaced tables again."""
    from clients.each_source import require_no_failures
    from clients.stack import read_outputs

    outputs = read_outputs(context.obj)
    failures = _recover_slots(outputs, source)
    _recover_tables(context.obj, outputs, None, source)
    require_no_failures(failures)


@app.command(epilog=exit_codes("the database is captured, or what would be done is shown"))
def source(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="SOURCE")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Repair; without it, show what would be done and ask.")
    ] = False,
) -> None:
    """Capture a database again after a failover.

    Also after a lost slot or a restored backup. It makes a new slot and reads the tables again, so
    that the archive's current state is that of the database; rows that it has no longer are not
    current any more. The history of the time in between is missing, and the command says which. It
    may be interrupted and run again.
    """
    from clients.connect import connect_client
    from clients.console import confirms, log
    from clients.recover.source import plan, recover_source
    from clients.stack import read_outputs
    from command_line.stack_configuration import with_address_of_stack_file

    own = with_address_of_stack_file(context.obj, read_outputs(context.obj).of(name))
    work = plan(own, connect_client(own))
    if work is None:
        print(f"{name}: its connectors miss nothing; no action needed")
        return
    print(work)
    if not yes and not confirms(f"Recover {name}?"):
        print(f"Nothing was changed. Recover it with make recover SOURCE={name} YES=1")
        return
    recover_source(context.obj, own, work, log)


@app.command(epilog=exit_codes("the source runs"))
def row(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar=f"{TABLE}/DIGEST")],
    source: Source = None,
) -> None:
    """Archive a row that is too large as far as it fits.

    The failure of the source names the row. It arrives with NULL in as few columns as needed, the
    largest first; its column __lost names them. Later changes of the row do, too.
    """
    from clients.console import log
    from clients.recover.row import let_row_pass
    from clients.stack import read_outputs

    print(let_row_pass(read_outputs(context.obj), name, context.obj, log, source))


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
