"""`datapipe maintain`: maintain the archive now."""

import typer

from command_line.exit_codes import exit_codes

EXIT_CODES = exit_codes("every table was maintained", "a table failed, or the job did")


def maintain(context: typer.Context) -> None:
    """Maintain the archive now, and print what was done.

    Expire snapshots, merge small files, delete what nothing refers to: a Job of the CronJob that
    does it by its schedule. Changes are archived meanwhile.
    """
    from clients.console import log
    from clients.maintenance import run_now
    from clients.stack import read_outputs

    run = run_now(read_outputs(context.obj), log)
    print(run.output, end="")
    if not run.succeeded:
        log(f"job {run.job} failed: {run.reason}")
        raise typer.Exit(1)
