"""`datapipe source`: prepares existing databases, and says what is wrong with them."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from command_line.exit_codes import exit_codes

if TYPE_CHECKING:
    from components.config import StackConfig
    from components.source.existing.shared_servers import SharedServers

Name = Annotated[
    str,
    typer.Argument(
        metavar="[SOURCE]", help="The database's name in datapipe:sources; without it, all of them."
    ),
]


class Where(StrEnum):
    """The place that a database is looked at from."""

    CLUSTER = "cluster"
    HERE = "here"


app = typer.Typer(
    help="Prepare existing databases, and check them.",
    epilog=exit_codes("done"),
    no_args_is_help=True,
)


@app.command("sql", epilog=exit_codes("printed"))
def print_sql(context: typer.Context, name: Name = "") -> None:
    """Print the SQL that the database's administrator reviews and runs.

    It creates the account, its rights, the publication, the replica identity and the heartbeat's
    table. It may be run again, for example after a table was added.
    """
    from command_line.stack_configuration import existing_sources
    from components.source.existing.statements import preparation_script

    _, sources = existing_sources(context.obj, name)
    print("\n".join(preparation_script(each, source) for each, source in sources.items()))


@app.command(epilog=exit_codes("the databases can be captured", "something is wrong with one"))
def doctor(
    context: typer.Context,
    name: Name = "",
    where: Annotated[
        Where | None,
        typer.Option(
            help="Look from a worker's pod in the cluster, or from here; without it, from the pod"
            " if a worker runs."
        ),
    ] = None,
) -> None:
    """Say what is wrong with the database.

    Each line says how to fix it. The database is asked as the account that captures, from where the
    worker connects, and nothing is changed.
    """
    from command_line.stack_configuration import existing_sources
    from components.source.existing.shared_servers import SharedServers

    config, sources = existing_sources(context.obj, name)
    servers = SharedServers()
    sound = [_is_sound(context.obj, config, each, where, servers=servers) for each in sources]
    if not all(sound):
        raise typer.Exit(1)


def _is_sound(
    stack: str, config: StackConfig, name: str, where: Where | None, *, servers: SharedServers
) -> bool:
    """Print what is wrong with a database; return whether it can be captured."""
    from command_line.stack_configuration import (
        captured_server,
        deployed_source,
        recorded_entries,
    )
    from components.source.existing import doctor
    from components.source.existing.problem import UnreachableError
    from components.source.existing.vantage_choice import open_way
    from components.source.existing.worker_place import WorkerPlace

    source = config.sources[name]
    worker = WorkerPlace(config.security.namespace, config.cluster.context)
    try:
        way = open_way(name, source, worker, where.value if where else None)
        because = f", {way.why_here}" if way.why_here else ""
        print(f"{name}: looked at from {way.vantage.name}{because}")
        deployed = deployed_source(stack, name)
        found = doctor.examine(
            way,
            avro_names=config.needs_avro_names,
            entries=recorded_entries(deployed),
            captured=captured_server(source, deployed),
            servers=servers,
        )
    except UnreachableError as error:
        found = [error.problem]
    for problem in found:
        print(f"{problem.level}: {problem}")
    refused = any(problem.level == "refused" for problem in found)
    print(f"{name}: {source.host}:{source.port} {'can not' if refused else 'can'} be captured")
    return not refused


@app.command(epilog=exit_codes("every slot is dropped or kept as asked", "a slot was not dropped"))
def release(
    context: typer.Context,
    slots: Annotated[
        Literal["drop", "keep"] | None,
        typer.Option(help="What happens to all of them, instead of each source's onRemoval."),
    ] = None,
) -> None:
    """Drop the replication slots, before the stack is removed.

    Without a slot, its connector can't go on. A slot that stays makes its server keep all WAL.
    """
    from clients.stack import StackError
    from command_line.stack_configuration import configuration
    from components.source.existing.release import kept, release_slot
    from components.source.existing.worker_place import WorkerPlace

    try:
        config = configuration(context.obj)
    except StackError as error:  # of a stack that was never made, too
        print(f"warning: no replication slot was dropped: {error}")
        return
    sources = config.sources
    worker = WorkerPlace(config.security.namespace, config.cluster.context)
    choices = {name: slots or source.on_removal for name, source in sources.items()}
    if undecided := [name for name, choice in choices.items() if choice is None]:
        raise StackError(
            f"{', '.join(undecided)}: the server would keep all WAL for the replication slot of a"
            " stack that is gone. Run make down SLOTS=drop, or SLOTS=keep, or write"
            " onRemoval below the source in the stack file. Nothing was removed"
        )
    failed = False
    for name, source in sources.items():
        released, message = (
            release_slot(name, source, worker)
            if choices[name] == "drop"
            else (True, kept(name, source))
        )
        failed = failed or not released
        print(message)
    if failed:
        print("The stack was not removed. To remove it nevertheless: make down SLOTS=keep")
        raise typer.Exit(1)
