"""`datapipe chaos-sources`: injects faults of an existing database under load, and counts rows.

It needs a deployed stack that captures both sample databases (make sample-databases). Something
happens to the server of shop while rows are inserted into it and tpch's rows are changed; where the
status asks for it, `make recover SOURCE=shop` is run. Every row is compared afterwards.
"""

import argparse
import sys
from pathlib import Path

import psycopg

from chaos.existing.experiment import Experiment
from chaos.existing.faults import FAULTS
from chaos.existing.result import OUTPUT, keep
from chaos.pipeline import FaultError
from clients.ending import run_and_exit
from clients.stack import StackError, read_outputs
from tools.errors import UserError
from workload.progress import Progress


def main() -> int:
    """Return 0 if no row is lost or duplicated and the archive equals the databases."""
    arguments = _arguments()
    log = Progress("chaos-sources").log
    failed = False
    try:
        experiment = Experiment(arguments.stack, read_outputs(arguments.stack), log)
        for fault in FAULTS:
            if arguments.fault and fault.name not in arguments.fault:
                continue
            outcome = experiment.run(fault())
            visits = outcome.visits
            log(f"{outcome.name}: {visits} {outcome.verified}")
            keep(outcome, arguments.output)
            failed |= bool(visits.lost or visits.duplicated or not outcome.others_archived)
    except (StackError, UserError, FaultError) as error:
        print(f"chaos-sources: {error}", file=sys.stderr)
        return 1
    except psycopg.Error as error:
        print(f"chaos-sources: the sample database refuses a statement: {error}", file=sys.stderr)
        return 1
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="datapipe chaos-sources",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Exit codes: 0 no row was lost or duplicated, and the archive equals the databases;"
        " 1 otherwise; 2 wrong usage; 130 interrupted.",
    )
    parser.add_argument("--stack", required=True)
    parser.add_argument(
        "--fault",
        action="append",
        choices=[fault.name for fault in FAULTS],
        help="inject only this one; may be repeated",
    )
    parser.add_argument("--output", type=Path, default=OUTPUT)
    return parser.parse_args()


if __name__ == "__main__":
    run_and_exit(main)
