"""All experiments of a run, one after the other; one that fails does not end the others."""

import time
from collections.abc import Callable, Sequence

from chaos import node
from chaos.experiment import Experiment, Pace
from chaos.fault import Fault
from chaos.load import Load
from chaos.machine import describe
from chaos.monitor import Monitor
from chaos.pipeline import FaultError, Pipeline, wait_until
from chaos.report import Run
from chaos.result import Outcome, Result, not_run
from clients.stack import StackError
from demo.run import require_replication, sample_tables

READY_SECONDS = 240
"""for the pipeline to be well before a fault, with a `make up` in between"""


def run_all(
    pipeline: Pipeline, chosen: Sequence[Fault], pace: Pace, keep: Callable[[Run], None]
) -> Run:
    """Experiment with each fault; `keep` is given the run so far after every one.

    Raises what the clients raise where the cluster can't be used at all.
    """
    began, machine = time.time(), describe()
    results: list[Result] = []
    heal_leftovers(pipeline, chosen)
    for number, fault in enumerate(chosen, start=1):
        pipeline.say(f"({number} of {len(chosen)}) {fault.name}: {fault.does}")
        if time.time() - began > pace.last_start:
            result = failed(fault, "its turn would have come too late", 0)
        else:
            result = run_one(pipeline, fault, pace)
        results.append(result)
        pipeline.say(
            f"{fault.name}: {result.outcome}, {result.committed} committed, {result.lost} lost,"
            f" {result.duplicated} duplicated, {result.seconds:.0f} s"
        )
        seconds = round(time.time() - began, 1)
        run = Run(machine, pace.quick, pace.rate, results, seconds, pace.note)
        keep(run)
    return run


def run_one(pipeline: Pipeline, fault: Fault, pace: Pace) -> Result:
    """An experiment's result, also where it could not be made."""
    if fault.not_run:
        return not_run(fault.name, fault.does, fault.not_run)
    if fault.needs_node and not node.is_here(pipeline.stack):
        return not_run(fault.name, fault.does, "it acts on the sandbox's node")
    began = time.time()
    try:
        wait_until_well(pipeline)
        with pipeline.database() as connection:
            tables = sample_tables(connection, pipeline.outputs.tables)
            require_replication(connection)
        return Experiment(fault, pipeline, tables, pace).run()
    except Exception as error:  # the next fault must have its turn
        message = f"{type(error).__name__}: {error}"
        pipeline.say(f"{fault.name}: {message}")
        return failed(fault, message, time.time() - began)


def failed(fault: Fault, why: str, seconds: float) -> Result:
    """The row of an experiment that did not come to its end."""
    return Result(
        fault.name, fault.does, Outcome.FAILED, complaints=(why,), seconds=round(seconds, 1)
    )


def wait_until_well(pipeline: Pipeline) -> None:
    """Return when all pods, connectors and the database are well; `make up` is tried once.

    Raises FaultError where that does not help.
    """
    idle = Load(pipeline.database, {}, rate=1, seed=0)
    with Monitor(pipeline, idle) as monitor:
        try:
            wait_until(monitor.is_quiet, READY_SECONDS / 2, "the pipeline to be well")
        except FaultError:
            pipeline.say("the pipeline is not well; running make up")
            pipeline.run("scripts/up.sh", seconds=READY_SECONDS)
            wait_until(monitor.is_quiet, READY_SECONDS / 2, "the pipeline to be well")
    wait_until(lambda: database_answers(pipeline), READY_SECONDS, "PostgreSQL to answer")


def database_answers(pipeline: Pipeline) -> bool:
    """Whether PostgreSQL takes connections; its pod may have been replaced a moment ago."""
    try:
        with pipeline.database():
            return True
    except StackError:
        return False


def heal_leftovers(pipeline: Pipeline, chosen: Sequence[Fault]) -> None:
    """End what a killed run has left behind."""
    for fault in chosen:
        if fault.not_run or (fault.needs_node and not node.is_here(pipeline.stack)):
            continue
        fault.heal(pipeline)
        fault.restore(pipeline)
