"""`datapipe bench-program`: what preview and up cost by the number of tables.

Needs no stack; docs/bench/program.json gets the result. The yardstick is a program that registers
as many resources in the same tree, without inputs: components where the pipeline has components,
and otherwise resources of a plugin that does nothing. It takes what Pulumi's engine and its Python
package take for any program of that size.
"""

import argparse
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bench import machine
from bench.program import tree
from bench.program.measured_stack import MeasuredStack
from bench.program.result import OUTPUT, Commands, Cost, ProgramGrowth, Size, text
from bench.program.stack_file import stack_file
from clients.ending import run_and_exit
from workload.machine import revision
from workload.option_numbers import whole_number
from workload.progress import Progress

TABLES = [10, 100, 300, 1000]


def main() -> int:
    """Measure, write the result and print its tables."""
    arguments = _arguments()
    log = Progress("bench").log
    described, sizes = machine.describe(), []
    for count in arguments.tables:
        log(f"{count:,} tables")
        with tempfile.TemporaryDirectory(prefix="datapipe-bench-program-") as folder:
            checkpoints = count <= arguments.most_checkpointed
            sizes.append(_measure(Path(folder), count, arguments.rounds, checkpoints))
    measured = ProgramGrowth(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        revision=revision(),
        machine=described,
        sizes=tuple(sizes),
    )
    arguments.output.write_text(measured.model_dump_json(by_alias=True, indent=1) + "\n")
    print(text(measured))
    return 0


def _measure(folder: Path, count: int, rounds: int, checkpoints: bool) -> Size:
    stack = MeasuredStack.of_program(folder / "program", stack_file(count))
    program = _commands(stack, rounds, checkpoints)
    nodes = tree.tree(stack.resources())
    yardstick = MeasuredStack.of_empty_resources(folder / "empty", tree.text(nodes))
    return Size(
        tables=count,
        resources=len(nodes),
        program=program,
        empty=_commands(yardstick, rounds, checkpoints),
    )


def _commands(stack: MeasuredStack, rounds: int, checkpoints: bool) -> Commands:
    """Measure each command, the shortest of some rounds of a preview."""

    def shortest(run: Callable[[], Cost]) -> Cost:
        costs = [run() for _ in range(rounds)]
        return Cost(seconds=min(c.seconds for c in costs), cpu=min(c.cpu for c in costs))

    stack.preview(policies=True)  # compiles what Python imports
    preview = shortest(lambda: stack.preview(policies=False))
    judged = shortest(lambda: stack.preview(policies=True))
    new = stack.state_file.read_bytes()
    at_once = stack.up(at_once=True)
    up = None
    if checkpoints:
        stack.state_file.write_bytes(new)
        up = stack.up()
    return Commands(
        preview=preview,
        judged=judged,
        up=up,
        up_at_once=at_once,
        unchanged=shortest(lambda: stack.preview(policies=False)),
        state=stack.state_file.stat().st_size,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="datapipe bench-program",
        description=__doc__,
        epilog="Exit codes: 0 done; 1 a command of Pulumi failed; 2 wrong usage; 130 interrupted.",
    )
    parser.add_argument("--stack", help="not used: no stack is needed")
    parser.add_argument("--tables", type=whole_number(1), nargs="+", default=TABLES)
    parser.add_argument(
        "--rounds", type=whole_number(1), default=1, help="previews, of which the shortest counts"
    )
    parser.add_argument(
        "--most-checkpointed",
        type=whole_number(0),
        default=max(TABLES),
        help="tables with which up is run, too, as it writes the state for each resource",
    )
    parser.add_argument("--output", type=Path, default=OUTPUT)
    return parser.parse_args()


if __name__ == "__main__":
    run_and_exit(main)
