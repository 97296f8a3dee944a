"""`datapipe dlq`: the records that a sink refused."""

from typing import Annotated

import typer

from clients.dlq.dead_letters import RecordPosition
from command_line.exit_codes import exit_codes
from command_line.source_option import Source

app = typer.Typer(
    help="Handle the records that a sink refused.",
    epilog=exit_codes("done"),
    no_args_is_help=True,
    rich_markup_mode=None,
)


def _parse_position(text: str) -> RecordPosition:
    try:
        return RecordPosition.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


Position = typer.Argument(
    metavar="POSITION", parser=_parse_position, help="Written topic/partition/offset."
)
Topic = Annotated[
    str | None, typer.Option(help="Use this dead letter topic only.", metavar="TOPIC")
]


@app.command("list", epilog=exit_codes("listed"))
def list_command(
    context: typer.Context,
    topic: Topic = None,
    all_letters: Annotated[
        bool, typer.Option("--all", help="Include those that were replayed or dismissed.")
    ] = False,
    limit: Annotated[int, typer.Option(help="Show at most N.", metavar="N", min=1)] = 50,
    source: Source = None,
) -> None:
    """List the pending ones: position, origin and reason."""
    from clients.dlq import commands

    commands.list_letters(context.obj, topic, include_done=all_letters, limit=limit, source=source)


@app.command(epilog=exit_codes("shown", "there is no such dead letter"))
def show(
    context: typer.Context,
    position: Annotated[RecordPosition, Position],
) -> None:
    """Show one: key, value, headers and stack trace."""
    from clients.dlq import commands

    commands.show(context.obj, position)


@app.command(epilog=exit_codes("all are sent", "some are not; run it again to continue"))
def replay(
    context: typer.Context,
    topic: Topic = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print what would be sent.")
    ] = False,
) -> None:
    """Send the pending ones back to their topics.

    Each is sent exactly once, unless its change is in the archive already.
    """
    from clients.dlq import commands

    commands.replay(context.obj, topic, dry_run=dry_run)


@app.command(epilog=exit_codes("dismissed"))
def dismiss(context: typer.Context, topic: Topic = None) -> None:
    """Mark the pending ones as done; send nothing."""
    from clients.dlq import commands

    commands.dismiss(context.obj, topic)


@app.command(epilog=exit_codes("skipped, and the sink runs"))
def skip(
    context: typer.Context,
    positions: Annotated[list[RecordPosition], Position],
) -> None:
    """Make dead letters of records that stop the sink.

    `datapipe status` names their positions.
    """
    from clients.dlq import commands

    commands.skip(context.obj, positions)
