"""`datapipe demo`, `bench`, `chaos` and others: programs with their own options, run as given."""

import os
import sys
from collections.abc import Callable

import typer

# The module of each command, and its line in the list of commands.
PROGRAMS = {
    "demo": ("demo", "Change rows and compare them with the archive."),
    "bench": ("bench", "Measure the pipeline under load, compare every row."),
    "bench-growth": ("bench.growth", "Measure cost by tables, row width and partitions."),
    "bench-maintenance": ("bench.maintenance", "Measure a load without and with maintenance."),
    "bench-archive": ("bench.archive_growth", "Age an Iceberg table by a month, in an hour."),
    "bench-snapshot": ("bench.snapshot", "Add a table of ten million rows, count what arrives."),
    "bench-tpch": ("bench.tpch", "Measure TPC-H's snapshot and stream, compare every row."),
    "bench-program": ("bench.program", "Measure preview and up by tables."),
    "bench-sql": ("bench.sql", "Measure queries by the size of the history."),
    "sample-databases": ("sample_databases", "Run PostgreSQL servers that stand in for your own."),
    "chaos": ("chaos", "Inject faults under load and count what is lost."),
    "chaos-sources": ("chaos.existing", "Kill, fail over and cut off an existing database."),
}
# Every argument is the program's, --help too.
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


def add_commands(app: typer.Typer) -> None:
    """Add a command for each program."""
    for name, (module, summary) in PROGRAMS.items():
        command = app.command(name, help=summary, add_help_option=False, context_settings=PASSED_ON)
        command(_runner(module))


def _runner(module: str) -> Callable[[typer.Context], None]:
    def run(context: typer.Context) -> None:
        command = [sys.executable, "-m", module, "--stack", context.obj, *context.args]
        os.execv(sys.executable, command)  # noqa: S606  no shell is needed

    return run
