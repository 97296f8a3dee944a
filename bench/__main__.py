"""`bin/datapipe bench`: load, measurements, ceilings, comparison and report."""

import argparse
import sys
from pathlib import Path

from bench.report import html, print_summary
from bench.result import Result
from bench.row_values import TABLES
from bench.run import Bench, RunSettings
from bench.sample_schema import sample_schemas
from bench.schedule import Schedule
from clients import database
from clients.console import console
from clients.ending import run_and_exit
from clients.stack import StackError, read_managed
from verification.commands import pipeline_of
from verification.report import print_results
from verification.witness import compare_changed_rows, complaints
from workload.option_numbers import not_negative, positive, whole_number
from workload.progress import Progress
from workload.source import wal_position
from workload.timeouts import Timeouts

# Share of its memory limit that a container may hold at most.
FULL = 0.95
# More than the sandbox's commit interval of 10 s.
SETTLE_SECONDS = 15.0
POLL_SECONDS = 2.0


def main() -> int:
    """Return 0 if nothing was lost, duplicated or killed, otherwise 1."""
    arguments = _arguments()
    screen = console()
    try:
        outputs = read_managed(arguments.stack)
        log = Progress("bench").log
        with database.connect(outputs) as connection:
            began = wal_position(connection)
        bench = Bench(outputs, log)
        schemas = sample_schemas(outputs.tables)
        result = bench.run(_settings(arguments, schemas))
        result.write(arguments.output.with_suffix(".json"))
        arguments.output.with_suffix(".html").write_text(html(result))
        log("comparing the changed rows with PostgreSQL (make verify)")
        tables = [f"{schema}.{table}" for schema in schemas for table in TABLES]
        verified = compare_changed_rows(pipeline_of(outputs), tables, began)
    except StackError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print_results(screen, verified, show_values=False)
    print_summary(screen, result)
    screen.print(f"report: {arguments.output.with_suffix('.html')}", soft_wrap=True)
    found = [*faults(result), *complaints(verified)]
    for fault in found:
        screen.print(f"bench: {fault}", style="bold red")
    return 1 if found else 0


def _settings(arguments: argparse.Namespace, schemas: tuple[str, ...]) -> RunSettings:
    return RunSettings(
        schedule=Schedule(
            seconds=arguments.seconds,
            rate=arguments.rate,
            connections=arguments.connections,
            batch=arguments.batch,
            seed=arguments.seed,
            schemas=schemas,
        ),
        width=arguments.width,
        warm_up=arguments.warm_up,
        references=arguments.references,
        timeouts=Timeouts(arguments.deadline, SETTLE_SECONDS, POLL_SECONDS),
    )


def faults(result: Result) -> list[str]:
    """Return what must not happen at any rate and has."""
    summary = result.summary
    found = {
        f"{summary.missing} rows are missing from the archive": summary.missing,
        f"{summary.duplicated} rows are in the archive more than once": summary.duplicated,
        f"{summary.altered} archived rows were never committed with these values": summary.altered,
        f"{summary.out_of_memory_kills} processes were killed at their container's memory limit": (
            summary.out_of_memory_kills
        ),
        f"containers were restarted {summary.restarts} times": summary.restarts,
        f"{summary.fullest_container} held {summary.fullest_share:.0%} of its memory limit": (
            summary.fullest_share > FULL
        ),
    }
    return [text for text, wrong in found.items() if wrong]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="datapipe bench",
        description=__doc__,
        epilog="Exit codes: 0 nothing was lost, duplicated or killed; 1 otherwise;"
        " 2 wrong usage; 130 interrupted.",
    )
    parser.add_argument("--stack", required=True)
    parser.add_argument("--rate", type=positive, default=5000, help="row changes per second")
    parser.add_argument(
        "--seconds", type=positive, default=600, help="duration of the measured load"
    )
    parser.add_argument("--connections", type=whole_number(1), default=4)
    parser.add_argument("--batch", type=whole_number(1), default=100, help="rows per transaction")
    parser.add_argument(
        "--width", type=whole_number(1), default=120, help="characters of text columns"
    )
    parser.add_argument("--seed", type=int, default=7, help="the same seed makes the same changes")
    parser.add_argument(
        "--warm-up", type=not_negative, default=60, help="seconds of load before the measured one"
    )
    parser.add_argument(
        "--references", type=not_negative, default=20, help="seconds for each stage alone; 0: none"
    )
    parser.add_argument(
        "--deadline", type=not_negative, default=300, help="seconds to wait after the last commit"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("docs/bench/bench"),
        help="path of the report without .json and .html",
    )
    return parser.parse_args()


if __name__ == "__main__":
    run_and_exit(main)
