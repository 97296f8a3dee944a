"""`datapipe source`: prepares an existing database, and says what is wrong with it."""

from typing import Annotated, Literal

import typer

from command_line.exit_codes import exit_codes

Name = Annotated[
    str, typer.Argument(metavar="SOURCE", help="The database's name in datapipe:sources.")
]
app = typer.Typer(
    help="Prepare an existing database, and check it.",
    epilog=exit_codes("done"),
    no_args_is_help=True,
)


@app.command("sql", epilog=exit_codes("printed"))
def print_sql(context: typer.Context, name: Name) -> None:
    """Print the SQL that its administrator reviews and runs.

    It creates the account, its rights, the publication, the replica identity and the heartbeat's
    table. It may be run again, for example after a table was added.
    """
    from command_line.stack_configuration import existing_source
    from components.source.existing.statements import preparation_script

    _, source = existing_source(context.obj, name)
    print(preparation_script(name, source))


@app.command(epilog=exit_codes("the database can be captured", "something is wrong with it"))
def doctor(context: typer.Context, name: Name) -> None:
    """Say what is wrong with the database.

    Each line has what mends it. The database is asked from this machine, as the account that
    captures, and nothing is changed.
    """
    from command_line.stack_configuration import (
        captured_server,
        existing_source,
        recorded_entries,
    )
    from components.source.existing.doctor import problems

    config, source = existing_source(context.obj, name)
    found = problems(
        name,
        source,
        avro_names=config.needs_avro_names,
        entries=recorded_entries(context.obj, name),
        captured=captured_server(context.obj, name, source),
    )
    for problem in found:
        print(f"{problem.level}: {problem}")
    refused = sum(problem.level == "refused" for problem in found)
    if refused:
        raise typer.Exit(1)
    print(f"{name}: {source.host}:{source.port} can be captured")


@app.command(epilog=exit_codes("every slot is dropped or kept as asked", "a slot was not dropped"))
def release(
    context: typer.Context,
    slots: Annotated[
        Literal["drop", "keep"] | None,
        typer.Option(help="What happens to all of them, instead of each source's onRemoval."),
    ] = None,
) -> None:
    """Drop the replication slots of the existing databases before the stack is removed.

    Without a slot, its connector can't go on. A slot that stays makes its server keep all WAL.
    """
    from clients.stack import StackError
    from command_line.stack_configuration import configuration
    from components.source.existing.release import kept, release_slot

    try:
        sources = configuration(context.obj).sources
    except StackError as error:  # of a stack that was never made, too
        print(f"warning: no replication slot was dropped: {error}")
        return
    choices = {name: slots or source.on_removal for name, source in sources.items()}
    if undecided := [name for name, choice in choices.items() if choice is None]:
        raise StackError(
            f"{', '.join(undecided)}: the server would keep all WAL for the replication slot of a"
            " stack that is gone. Run make down SLOTS=drop, or SLOTS=keep, or write"
            " onRemoval below the source in the stack file. Nothing was removed"
        )
    failed = False
    for name, source in sources.items():
        dropped = choices[name] == "drop"
        released, told = release_slot(name, source) if dropped else (True, kept(name, source))
        failed = failed or not released
        print(told)
    if failed:
        print("The stack was not removed. To remove it nevertheless: make down SLOTS=keep")
        raise typer.Exit(1)
