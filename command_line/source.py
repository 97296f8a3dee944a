"""`datapipe source`: prepares an existing database, and says what is wrong with it."""

from typing import Annotated

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
    from command_line.stack_configuration import existing_source, recorded_entries
    from components.source.existing.doctor import problems

    config, source = existing_source(context.obj, name)
    found = problems(
        name,
        source,
        avro_names=config.needs_avro_names,
        entries=recorded_entries(context.obj, name),
    )
    for problem in found:
        print(f"{problem.level}: {problem}")
    refused = sum(problem.level == "refused" for problem in found)
    if refused:
        raise typer.Exit(1)
    print(f"{name}: {source.host}:{source.port} can be captured")
