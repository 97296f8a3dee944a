"""`datapipe env`: the exports of a stack's environment."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import typer

from command_line.exit_codes import exit_codes
from command_line.source_option import Source

PROJECT = Path(__file__).resolve().parent.parent
EXIT_CODES = exit_codes(
    "printed; a stack that is not deployed has fewer variables", "the tools can't be prepared"
)


def print_exports(context: typer.Context, source: Source = None) -> None:
    """Print the exports for pulumi, kubectl, psql and aws.

    Use: eval "$(bin/datapipe env)". It also puts datapipe on PATH. psql connects to the managed
    database, to the first one without it, or to --source; psql service=NAME to any. An existing
    database's account is the one that captures: it may read the captured tables.
    """
    from clients.env import variables
    from clients.stack import StackError, read_outputs

    stack: str = context.obj
    provider = "sandbox" if stack == "sandbox" else "tools"
    prepared = subprocess.run(
        [sys.executable, "-m", provider, "env"], cwd=PROJECT, stdout=subprocess.PIPE, check=False
    )
    if prepared.returncode != 0:
        raise typer.Exit(1)
    sys.stdout.buffer.write(prepared.stdout)
    sys.stdout.flush()
    print(f'export PATH={shlex.quote(str(PROJECT / "bin"))}:"$PATH"')
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    try:
        outputs = read_outputs(stack)
        own = outputs if source is None else outputs.of(source)
        found = variables(own, cache / "datapipe-clients" / stack)
    except StackError as error:
        print(f"datapipe: only the tools' variables are set: {error}", file=sys.stderr)
        return
    for name, value in found.items():
        print(f"export {name}={shlex.quote(value)}")
