"""`python -m demo --stack sandbox`: changes rows and compares them with the Parquet on S3."""

import argparse
import sys

from clients import database
from clients.archive import open_archive
from clients.console import console
from clients.stack import StackError, read_outputs
from demo.report import Progress, print_result
from demo.run import Load, run
from demo.watching import Patience


def main() -> int:
    """0 where the archive holds each committed change exactly once, otherwise 1."""
    arguments = _arguments()
    screen = console()
    load = Load(arguments.changes, arguments.seed)
    patience = Patience(arguments.deadline, arguments.settle)
    try:
        outputs = read_outputs(arguments.stack)
        archive = open_archive(outputs.archive)
        with database.connect(outputs) as connection, Progress(screen) as progress:
            result = run(
                connection,
                archive,
                outputs.tables,
                load=load,
                patience=patience,
                report=progress,
            )
    except StackError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    print_result(screen, result, archive)
    return 0 if result.agrees else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--stack", required=True)
    parser.add_argument("--changes", type=int, default=4000, help="rows to change, at least")
    parser.add_argument("--seed", type=int, default=7, help="the same seed does the same")
    parser.add_argument(
        "--deadline", type=float, default=180, help="seconds to wait after the last commit"
    )
    parser.add_argument(
        "--settle", type=float, default=12, help="seconds until the last look, for duplicates"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
