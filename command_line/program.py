"""The program `datapipe`: its commands, and how errors are reported.

Help and completion must answer immediately, so modules that talk to the pipeline are imported by
the command that needs them, when it runs.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from command_line import dlq, environment, programs, recover, source
from command_line import erase as erase_command
from command_line import maintain as maintain_command
from command_line import sql as sql_command
from command_line import verify as verify_command
from command_line.exit_codes import exit_codes

PROJECT = Path(__file__).resolve().parent.parent

app = typer.Typer(
    help="Operate a deployed stack, and prepare the databases that it captures.",
    epilog=exit_codes("done"),
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _stack_names() -> list[str]:
    return sorted(file.name.split(".")[1] for file in PROJECT.glob("Pulumi.*.yaml"))


@app.callback()
def _root(
    context: typer.Context,
    stack: Annotated[
        str,
        typer.Option(
            envvar="STACK",
            help="The stack to use; one for each Pulumi.NAME.yaml.",
            metavar="NAME",
            autocompletion=_stack_names,
        ),
    ] = "sandbox",
) -> None:
    context.obj = stack


@app.command(epilog=exit_codes("the pipeline is healthy", "it has a problem or can't be reached"))
def status(context: typer.Context) -> None:
    """Show the state of every part, and what is wrong.

    Pods, connectors, topics, dead letters, objects in the archive and the budget.
    """
    from clients.status.report import report

    if not report(context.obj):
        raise typer.Exit(1)


app.command("verify", epilog=verify_command.EXIT_CODES)(verify_command.verify)
app.command("erase", epilog=erase_command.EXIT_CODES)(erase_command.erase)
app.command("maintain", epilog=maintain_command.EXIT_CODES)(maintain_command.maintain)
app.command("sql", epilog=sql_command.EXIT_CODES)(sql_command.sql)
app.add_typer(dlq.app, name="dlq")
app.add_typer(recover.app, name="recover")
app.add_typer(source.app, name="source")
app.command("env", epilog=environment.EXIT_CODES)(environment.print_exports)
programs.add_commands(app)


def main() -> int:
    """Run the command line; return its exit code.

    An error that the user can act on is printed without a traceback. Any other one is a bug, and
    Python prints it.
    """
    try:
        app(prog_name="datapipe")
    except SystemExit as finished:
        return int(finished.code or 0)
    except Exception as error:
        from command_line.reported_errors import REPORTED

        if not isinstance(error, REPORTED):
            raise
        print(f"datapipe: {error}", file=sys.stderr)
        return 1
    return 0
