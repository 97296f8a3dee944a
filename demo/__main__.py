"""`bin/datapipe demo`: changes rows and compares them with the Parquet on S3."""

import argparse
import sys

import duckdb

from clients import database
from clients.archive import open_archive
from clients.console import console
from clients.ending import run_and_exit
from clients.sql.commands import open_session
from clients.stack import StackError, read_managed
from demo.present_state import ask, print_present_state
from demo.report import print_result
from demo.run import Load, run
from verification.commands import pipeline_of
from verification.report import print_results
from verification.witness import compare_changed_rows, complaints
from workload.option_numbers import not_negative, whole_number
from workload.progress import Progress
from workload.source import wal_position
from workload.timeouts import Timeouts


def main() -> int:
    """Return 0 if the archive holds each change once and both have the same rows, otherwise 1."""
    arguments = _arguments()
    screen = console()
    try:
        outputs = read_managed(arguments.stack)
        archive = open_archive(outputs.archive)
        with database.connect(outputs) as connection:
            began = wal_position(connection)
        with Progress("demo") as progress:
            result = run(
                lambda: database.connect(outputs),
                archive,
                outputs.tables,
                load=Load(arguments.changes, arguments.seed),
                timeouts=Timeouts(arguments.deadline, arguments.settle),
                report=progress.update,
            )
            progress.update("comparing the changed rows with PostgreSQL (make verify)")
            tables = [table.table for table in result.tables]
            verified = compare_changed_rows(pipeline_of(outputs), tables, began)
            progress.update("asking the archive for the present state (make sql)")
            state = ask(
                lambda: database.connect(outputs),
                lambda: open_session(outputs, source=outputs.source, log=progress.update),
                next(table for table in tables if table.endswith(".orders")),
            )
    except (StackError, duckdb.Error) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    print_results(screen, verified, show_values=False)
    print_result(screen, result, archive)
    print_present_state(screen, state)
    return 0 if result.agrees and state.agrees and not complaints(verified) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="datapipe demo",
        description=__doc__,
        epilog="Exit codes: 0 the archive holds each committed change exactly once, and the changed"
        " rows as PostgreSQL has them, and answers a query like PostgreSQL; 1 otherwise; 2 wrong"
        " usage; 130 interrupted.",
    )
    parser.add_argument("--stack", required=True)
    parser.add_argument(
        "--changes", type=whole_number(1), default=4000, help="rows to change, at least"
    )
    parser.add_argument("--seed", type=int, default=7, help="the same seed makes the same changes")
    parser.add_argument(
        "--deadline", type=not_negative, default=180, help="seconds to wait after the last commit"
    )
    parser.add_argument(
        "--settle",
        type=not_negative,
        default=12,
        help="seconds between the last arrival and the final reading, which finds duplicates",
    )
    return parser.parse_args()


if __name__ == "__main__":
    run_and_exit(main)
