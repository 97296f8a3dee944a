"""Measures how cost grows with the width of rows, the number of tables, and partitions.

`python -m bench.growth --stack sandbox` puts a short load on several arrangements of the stack, and
writes what a row costs in each to docs/bench/growth.json. For more tables and other partitions it
creates copies of the sample schema, lets `pulumi up` add them to the stack, and removes them again
at the end. Each line is written when it is measured; the next run measures what is left.
"""

import argparse
import sys
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.arrangements import ARRANGEMENTS, Arrangement, Arranger, Trial
from bench.costs import OUTPUT, Arranged, Growth, Point, point_from_result
from bench.idle_use import UsageObserver, topic_sizes
from bench.run import Bench, LateRowsError, RunSettings
from bench.schedule import Schedule
from bench.warm_up import SECONDS as WARM_JVM_SECONDS
from bench.warm_up import warm_jvms
from clients.console import console
from clients.ending import run_and_exit
from clients.stack import StackError, StackOutputs, read_managed
from workload.option_numbers import positive, whole_number
from workload.progress import Log, Progress
from workload.timeouts import Timeouts

# Rows per transaction.
BATCH = 20
# The first rows of a table create it in the catalog.
WARM_UP_SECONDS = 10
# A line that is younger is not measured again.
CONTINUED_WITHIN = timedelta(hours=24)
# Longer than a commit's own time, after which a duplicate would be readable.
COMMIT_SECONDS = 5
# Of the stack's idle use there must be two windows.
SETTLE_SECONDS = 45
# From a load's end until its rows are readable: two commits of the longest interval, and what the
# sink spends on each table, whose catalog entry, files and commit follow those of another table.
ARRIVAL_SECONDS, ARRIVAL_SECONDS_OF_A_TABLE = 150, 0.5


def measure(
    outputs: StackOutputs, trial: Trial, arranged: Arranged, seconds: float, log: Log
) -> Point:
    """Run a short bench of one load."""
    before = topic_sizes(outputs, trial.schemas)
    observer = UsageObserver(outputs, log)
    result = Bench(outputs, log).run(
        RunSettings(
            schedule=Schedule(
                seconds=seconds,
                rate=trial.rate,
                batch=BATCH,
                schemas=trial.schemas,
                parent_rows=trial.parent_rows,
            ),
            width=trial.width,
            warm_up=WARM_UP_SECONDS,
            references=0,
            timeouts=Timeouts(
                arrival=ARRIVAL_SECONDS + ARRIVAL_SECONDS_OF_A_TABLE * trial.tables,
                settle=max(SETTLE_SECONDS, arranged.commit_seconds + COMMIT_SECONDS),
                poll=2,
            ),
        ),
        observer,
    )
    grown = topic_sizes(outputs, trial.schemas) - before
    # A full log deletes its oldest segments, so that its growth says nothing.
    topic_bytes = grown / result.summary.rows if grown > 0 else None
    point = point_from_result(result, arranged)
    return point.model_copy(
        update={
            "topic_bytes": topic_bytes,
            "idle": observer.idle,
            "cpu": point.cpu.model_copy(update={"aws": observer.aws_per_row(point.rows)}),
        }
    )


def due(
    arrangement: Arrangement, known: Growth, now: datetime, *, again: bool
) -> tuple[Trial, ...]:
    """Return the arrangement's trials that were not measured lately; all of them with `again`."""
    fresh = {
        point.kind
        for point in known.points
        if point.measured is not None
        and now - datetime.fromisoformat(point.measured.at) < CONTINUED_WITHIN
    }
    return tuple(
        trial for trial in arrangement.trials if again or arrangement.kind(trial) not in fresh
    )


def main() -> int:
    """Return 0 if every line was measured, and each row arrived once and unaltered; otherwise 1."""
    arguments = _arguments()
    log = Progress("growth").log
    now = datetime.now(UTC)
    known = _known(arguments.output)
    chosen = [
        (arrangement, trials)
        for arrangement in ARRANGEMENTS
        if arguments.only is None or arrangement.name in arguments.only
        if (trials := due(arrangement, known, now, again=arguments.again))
    ]
    if not chosen:
        log(f"every line was measured within {CONTINUED_WITHIN}; --again measures them again")
    try:
        return _measure_all(arguments, chosen, log)
    except StackError as error:
        print(f"growth: {error}", file=sys.stderr)
        return 1


def _measure_all(
    arguments: argparse.Namespace,
    chosen: Collection[tuple[Arrangement, tuple[Trial, ...]]],
    log: Log,
) -> int:
    stack, failed = arguments.stack, False
    outputs = read_managed(stack)
    if arguments.warm_up and chosen:
        log(f"warming up the JVMs for {arguments.warm_up} s")
        warm_jvms(Bench(outputs, log), seconds=arguments.warm_up)
    with Arranger(stack, outputs, log, keep=arguments.keep_tables) as arranger:
        for arrangement, trials in chosen:
            present = arranger.arrange(arrangement)
            try:
                for trial in trials:
                    found = _measured(arguments, present, arrangement, trial, log)
                    failed |= bool(found.missing or found.duplicated or found.altered)
            except LateRowsError as error:
                print(f"growth: {arrangement.name} was not measured: {error}", file=sys.stderr)
                failed = True
    return 1 if failed else 0


def _measured(
    arguments: argparse.Namespace,
    present: StackOutputs,
    arrangement: Arrangement,
    trial: Trial,
    log: Log,
) -> Point:
    arranged = Arranged(
        arrangement.series,
        arrangement.partitions(trial),
        arrangement.commit_seconds(arguments.stack),
    )
    found = measure(present, trial, arranged, arguments.seconds, log)
    console().print(found.model_dump())
    _keep(arguments.output, found)
    return found


def _known(output: Path) -> Growth:
    return Growth.model_validate_json(output.read_text()) if output.exists() else Growth(points=[])


def _keep(output: Path, found: Point) -> None:
    known = _known(output).with_points([found])
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(known.model_dump_json(indent=1) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="datapipe bench-growth",
        epilog="Exit codes: 0 every line was measured, and each row arrived once and unaltered; 1"
        " otherwise; 2 wrong usage; 130 interrupted.",
    )
    parser.add_argument("--stack", required=True)
    parser.add_argument("--seconds", type=positive, default=40, help="duration of each load")
    parser.add_argument(
        "--warm-up",
        type=whole_number(0),
        default=WARM_JVM_SECONDS,
        help="seconds of load before everything, to warm the JVMs up; 0: none",
    )
    names = [each.name for each in ARRANGEMENTS]
    parser.add_argument(
        "--only", choices=names, action="append", help="measure this one; may be repeated"
    )
    parser.add_argument(
        "--again",
        action="store_true",
        help=f"measure lines, too, that are younger than {CONTINUED_WITHIN}",
    )
    parser.add_argument(
        "--keep-tables",
        action="store_true",
        help="leave the added tables in the stack, for one that is removed next",
    )
    parser.add_argument("--output", type=Path, default=OUTPUT)
    return parser.parse_args()


if __name__ == "__main__":
    run_and_exit(main)
