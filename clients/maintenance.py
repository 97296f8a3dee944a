"""Runs the archive's maintenance now: a Job of the CronJob's template, as kubectl create job."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from clients.cluster import Cluster
from clients.job_run import JobRun, Log, deadline_of
from clients.stack import StackError, StackOutputs


@dataclass(frozen=True)
class Run:
    """A finished run of the maintenance program."""

    job: str
    succeeded: bool
    reason: str
    """Kubernetes' reason and message of a failure; empty if it succeeded"""
    output: str
    """of its last pod"""


def run_now(outputs: StackOutputs, log: Log) -> Run:
    """Run the maintenance to its end; return its output.

    It waits for a run that is on its way, and the schedule waits for it: the budget has room for
    one. Raises StackError if the stack has no such CronJob, or a run does not end.
    """
    maintenance = outputs.archive.maintenance
    if maintenance.cron_job is None:
        raise StackError(
            "the stack has no job that maintains its archive: archive.maintenance.kind is"
            f" {maintenance.kind}, and archive.sink is {outputs.archive.sink}"
        )
    name = f"{maintenance.cron_job}-manual-{uuid.uuid4().hex[:8]}"
    run = JobRun(Cluster(outputs), maintenance.cron_job, name)
    run.start_alone(log, retries=None)
    log(f"job {name} runs")
    succeeded = run.wait(deadline_of(run.cron_job()))
    end = run.end()
    told = (end.get("reason"), end.get("message"))
    reason = "" if succeeded else ": ".join(filter(None, told))
    return Run(name, succeeded, reason, run.log())
