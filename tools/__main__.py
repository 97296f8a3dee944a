"""`python -m tools engine | linters | env`: the project's own programs, usually by bootstrap.sh."""

import argparse
import sys

from tools import environment, install
from tools.errors import UserError
from tools.progress import ConsoleProgress

_COMMANDS = {
    "engine": "build Pulumi into the cache, unless the machine's own can be used",
    "linters": "build the linters that are Go programs into the cache",
    "env": "print the exports that put pulumi and the Python packages on PATH",
}


def main() -> None:
    """Run one command; a failure that the user can act on is printed without a traceback."""
    parser = argparse.ArgumentParser(prog="python -m tools", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in _COMMANDS.items():
        commands.add_parser(name, help=text)
    command = parser.parse_args().command
    progress = ConsoleProgress("tools")
    try:
        match command:
            case "engine":
                install.ensure_pulumi(progress)
            case "linters":
                install.ensure_linters(progress)
            case "env":
                install.ensure_pulumi(progress)
                print(environment.exports(environment.variables()))
    except UserError as error:
        sys.exit(f"tools: {error}")
    except KeyboardInterrupt:
        sys.exit("tools: interrupted; run the command again to continue")


if __name__ == "__main__":
    main()
