"""`bin/datapipe chaos`: injects faults under load and counts what was lost."""

import argparse
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from kubernetes.client import ApiException
from urllib3.exceptions import HTTPError

from chaos.catalog import QUICK, faults
from chaos.experiment import SHOP_RATE, Pace
from chaos.fault import Fault
from chaos.pipeline import Pipeline
from chaos.report import Run, print_run, write
from chaos.run import run_all
from clients.console import console
from clients.ending import run_and_exit
from clients.stack import StackError
from workload.option_numbers import positive
from workload.progress import Progress


def main() -> int:
    """Return 0 if nothing was lost or duplicated and everything recovered, otherwise 1."""
    arguments = argument_parser().parse_args()
    if arguments.list:
        for fault in faults():
            print(f"{fault.name:22} {fault.does}")
        return 0
    signal.signal(signal.SIGTERM, _interrupt)
    pace = Pace(
        rate=arguments.rate,
        quick=arguments.quick,
        note=arguments.note,
        last_start=arguments.minutes * 60,
    )
    try:
        chosen = _chosen(arguments.fault or (QUICK if arguments.quick else ()), pace.rate)
        pipeline = Pipeline(arguments.stack, Progress("chaos").log)
        run = run_all(pipeline, chosen, pace, partial(_keep, arguments.output))
    except StackError as error:
        print(f"chaos: {error}", file=sys.stderr)
        return 1
    except (ApiException, HTTPError) as error:
        print(f"chaos: the cluster cannot be used: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("chaos: interrupted; the injected fault was healed", file=sys.stderr)
        return 130
    print_run(console(), run)
    return 1 if run.failed else 0


def _keep(folder: Path | None, run: Run) -> None:
    """Write the results so far, so that an interrupted run keeps them."""
    if folder is not None:
        write(run, folder)


def _chosen(names: Sequence[str], rate: float) -> list[Fault]:
    """Return the named faults, or all. Raises StackError for an unknown name."""
    known = {fault.name: fault for fault in faults(rate)}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise StackError(f"{', '.join(unknown)} is not a fault; run `python -m chaos --list`")
    return [known[name] for name in names] or list(known.values())


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="datapipe chaos",
        description=__doc__,
        epilog="Exit codes: 0 nothing was lost or duplicated and everything recovered; 1 otherwise;"
        " 2 wrong usage; 130 interrupted.",
    )
    parser.add_argument("--stack", default="sandbox")
    parser.add_argument(
        "--fault", action="append", default=[], help="inject only this one; may be repeated"
    )
    parser.add_argument("--list", action="store_true", help="list the faults and exit")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter faults")
    parser.add_argument(
        "--rate",
        type=positive,
        default=Pace.rate,
        help="row changes per second, at most; those above"
        f" {SHOP_RATE:.0f} are batches over several connections",
    )
    parser.add_argument(
        "--minutes",
        type=positive,
        default=Pace.last_start / 60,
        help="faults that have not begun by then are not run",
    )
    parser.add_argument(
        "--note", default="", help="circumstances, such as what else the machine does"
    )
    parser.add_argument("--output", type=Path, help="folder of the report, such as docs/chaos")
    return parser


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    run_and_exit(main)
