"""Runs all experiments, one after the other; a failed one does not end the run."""

import time
from collections.abc import Callable, Sequence

from chaos import node
from chaos.experiment import SHOP_RATE, UP_SECONDS, Experiment, Pace
from chaos.fault import Fault
from chaos.machine import describe
from chaos.monitor import Monitor
from chaos.pipeline import FaultError, Pipeline, wait_until
from chaos.report import Run
from chaos.result import Outcome, Result, not_run
from clients.stack import StackError
from workload.source import require_replication, sample_tables
from workload.writer import Writer

# For the pipeline to be healthy before a fault, with `make up` after half of it.
READY_SECONDS = 240


def run_all(
    pipeline: Pipeline, chosen: Sequence[Fault], pace: Pace, keep: Callable[[Run], None]
) -> Run:
    """Run an experiment with each fault; call `keep` with the run so far after every one.

    Raises StackError for a rate that the archive does not allow, and what the clients raise if the
    cluster cannot be used at all.
    """
    if pace.rate > SHOP_RATE and pipeline.outputs.archive.sink != "iceberg":
        raise StackError(
            f"a --rate above {SHOP_RATE:.0f} needs archive.sink iceberg, whose files are read once;"
            f" it is {pipeline.outputs.archive.sink} in stack {pipeline.stack}"
        )
    began, machine = time.time(), describe()
    results: list[Result] = []
    heal_leftovers(pipeline, chosen)
    for number, fault in enumerate(chosen, start=1):
        pipeline.log(f"({number} of {len(chosen)}) {fault.name}: {fault.does}")
        if time.time() - began > pace.last_start:
            result = failed(fault, "not started: the run has taken too long", 0)
        else:
            result = run_one(pipeline, fault, pace)
        results.append(result)
        pipeline.log(
            f"{fault.name}: {result.outcome}, {result.committed} committed, {result.lost} lost,"
            f" {result.duplicated} duplicated, {result.seconds:.0f} s"
        )
        seconds = round(time.time() - began, 1)
        run = Run(machine, pace.quick, pace.rate, results, seconds, pace.note)
        keep(run)
    return run


def run_one(pipeline: Pipeline, fault: Fault, pace: Pace) -> Result:
    """Return an experiment's result, even if it could not be run."""
    if fault.not_run:
        return not_run(fault.name, fault.does, fault.not_run)
    if fault.needs_node and not node.is_here(pipeline.stack):
        return not_run(fault.name, fault.does, "it needs the sandbox's node")
    began = time.time()
    try:
        wait_until_healthy(pipeline)
        with pipeline.answering_database() as connection:
            tables = sample_tables(connection, pipeline.outputs.tables)
            require_replication(connection)
        return Experiment(fault, pipeline, tables, pace).run()
    except Exception as error:  # the next fault is run anyway
        message = f"{type(error).__name__}: {error}"
        pipeline.log(f"{fault.name}: {message}")
        return failed(fault, message, time.time() - began)


def failed(fault: Fault, why: str, seconds: float) -> Result:
    """Return the row of an experiment that was not completed."""
    return Result(
        fault.name, fault.does, Outcome.FAILED, complaints=(why,), seconds=round(seconds, 1)
    )


def wait_until_healthy(pipeline: Pipeline) -> None:
    """Wait until all pods, connectors and the database are healthy; try `make up` once.

    Raises FaultError if that does not help.
    """
    idle = Writer(pipeline.database, {}, seed=0)  # never started
    with Monitor(pipeline, idle) as monitor:
        try:
            wait_until(monitor.is_quiet, READY_SECONDS / 2, "the pipeline to be healthy")
        except FaultError:
            pipeline.log("the pipeline is not healthy; running make up")
            pipeline.run("scripts/up.sh", seconds=UP_SECONDS)
            wait_until(monitor.is_quiet, READY_SECONDS / 2, "the pipeline to be healthy")
    wait_until(lambda: database_answers(pipeline), READY_SECONDS, "PostgreSQL to answer")


def database_answers(pipeline: Pipeline) -> bool:
    """Return whether PostgreSQL accepts connections; its pod may just have been replaced."""
    try:
        with pipeline.database():
            return True
    except StackError:
        return False


def heal_leftovers(pipeline: Pipeline, chosen: Sequence[Fault]) -> None:
    """Heal what a killed run has left behind."""
    for fault in chosen:
        if fault.not_run or (fault.needs_node and not node.is_here(pipeline.stack)):
            continue
        fault.heal(pipeline)
        fault.restore(pipeline)
