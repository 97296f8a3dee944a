"""`python -m chaos --stack sandbox`: injects faults under load and counts what was lost."""

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from kubernetes.client import ApiException
from urllib3.exceptions import HTTPError

from chaos.catalog import QUICK, faults
from chaos.experiment import Pace
from chaos.fault import Fault
from chaos.pipeline import Pipeline
from chaos.report import Run, print_run, write
from chaos.run import run_all
from clients.console import console
from clients.stack import PROJECT, StackError


def main() -> int:
    """0 where nothing was lost or duplicated and all recovered, otherwise 1."""
    arguments = _parser().parse_args()
    if arguments.list:
        for fault in faults():
            print(f"{fault.name:22} {fault.does}")
        return 0
    signal.signal(signal.SIGTERM, _interrupt)
    pace = Pace(rate=arguments.rate, quick=arguments.quick, note=arguments.note)
    try:
        chosen = _chosen(arguments.fault or (QUICK if arguments.quick else ()))
        pipeline = Pipeline(arguments.stack, Progress())
        run = run_all(pipeline, chosen, pace, partial(_keep, arguments.output))
    except StackError as error:
        print(f"chaos: {error}", file=sys.stderr)
        return 1
    except (ApiException, HTTPError) as error:
        print(f"chaos: the cluster can't be used: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("chaos: interrupted; what was injected has been healed", file=sys.stderr)
        return 130
    print_run(console(), run)
    return 1 if run.failed else 0


class Progress:
    """Prints a line with the seconds since the start, to standard error."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, message: str) -> None:
        """Say what happens now."""
        seconds = time.monotonic() - self._began
        print(f"chaos {seconds:5.0f} s  {message}", file=sys.stderr, flush=True)


def _keep(folder: Path | None, run: Run) -> None:
    """Write what is known so far, so that an interrupted run leaves it."""
    if folder is not None:
        write(run, folder)


def _chosen(names: Sequence[str]) -> list[Fault]:
    """The named faults, all where none is named. Raises StackError for an unknown name."""
    known = {fault.name: fault for fault in faults()}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise StackError(f"there is no fault {', '.join(unknown)}; --list shows them")
    return [known[name] for name in names] or list(known.values())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--stack", default="sandbox")
    parser.add_argument("--fault", action="append", default=[], help="only this; may be repeated")
    parser.add_argument("--list", action="store_true", help="name the faults and do nothing")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter faults")
    parser.add_argument(
        "--rate", type=float, default=Pace.rate, help="row changes per second, at most"
    )
    parser.add_argument(
        "--note", default="", help="on the circumstances, such as what else the machine does"
    )
    parser.add_argument(
        "--output", type=Path, help=f"folder of the report, such as {PROJECT.name}/docs/chaos"
    )
    return parser


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
