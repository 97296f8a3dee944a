"""The sandbox's command line: `python -m sandbox COMMAND`, usually through bootstrap.sh."""

import argparse
import os
import sys

from sandbox import commands, environment
from tools.environment import exports
from tools.errors import UserError
from tools.progress import ConsoleProgress

_COMMANDS = {
    "up": "start the sandbox, or heal it; does nothing when all is well",
    "down": "remove every trace of it; the cache of builds and downloads stays",
    "env": "print the exports with which pulumi, kubectl and AWS clients work against it",
    "status": "show every program's state; exit code 1 when something is wrong",
    "preflight": "check whether this machine can run it",
    "toolchain": "build Pulumi and the node's programs into the cache",
}


def main() -> None:
    """Run one command; a failure the user can act on is printed without a traceback."""
    arguments = _parser().parse_args()
    try:
        _run(arguments)
    except UserError as error:
        sys.exit(f"sandbox: {error}")
    except KeyboardInterrupt:
        sys.exit("sandbox: interrupted; run `up` again, or `down` to clean up")


def _run(arguments: argparse.Namespace) -> None:
    progress = ConsoleProgress("sandbox")
    command = arguments.command
    if command in {"up", "down"} and os.geteuid() != 0:
        raise UserError(f"`{command}` needs root: run it as root or with sudo -E")
    match command:
        case "up":
            commands.up(progress)
        case "down":
            commands.down(progress, force=arguments.force, with_cache=arguments.cache)
        case "env":
            print(exports(environment.variables()))
        case "status":
            sys.exit(0 if commands.status() else 1)
        case "preflight":
            commands.check_machine()
            progress("this machine can run the sandbox")
        case "toolchain":
            commands.toolchain(progress)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    subparsers = parser.add_subparsers(dest="command", required=True)
    parsers = {name: subparsers.add_parser(name, help=text) for name, text in _COMMANDS.items()}
    parsers["down"].add_argument(
        "--force", action="store_true", help="also when it belongs to another clone"
    )
    parsers["down"].add_argument(
        "--cache", action="store_true", help="remove the cache of builds and downloads too"
    )
    return parser


if __name__ == "__main__":
    main()
