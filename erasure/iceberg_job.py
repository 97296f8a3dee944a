"""Runs the maintenance program's command erase as a Job in the cluster, with its log."""

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from kubernetes.client import ApiException

from clients.cluster import Cluster
from clients.job_run import MAINTENANCE, JobRun, unfinished_jobs
from clients.stack import StackError, StackOutputs
from erasure.key import Key
from polling import NotReadyError, poll_until

LOG_LINES = 100_000
POLL_SECONDS = 1.0
# As long as a run of the maintenance may take by default.
MAINTENANCE_SECONDS = 3000
BAD_REQUEST = 400


def erase(
    outputs: StackOutputs, key: Key, by: str, log: Callable[[str], None], *, dry_run: bool
) -> dict[str, Any]:
    """Erase the key's rows from its Iceberg table; return the audit that the program prints.

    An interruption stops the program; the next run goes on. Raises StackError if it fails.
    """
    cluster = Cluster(outputs)
    database, table = outputs.archive.iceberg_table(key.table)
    arguments = ["erase", "--table", f"{database}.{table}", "--key", key.as_json(), "--by", by]
    if dry_run:
        arguments.append("--dry-run")
    _wait_for_maintenance(cluster, log)
    run = JobRun(cluster, MAINTENANCE, f"archive-erase-{uuid.uuid4().hex[:8]}")
    run.start(arguments)
    try:
        run.wait_until_running()
        lines = _follow(run, log)
        succeeded = run.succeeded()
    finally:
        # The Job's manifest has the key.
        run.delete()
    audit = _audit(lines)
    if audit is None or not succeeded:
        raise StackError(
            "not everything is erased; the lines above say why. Run it again: what is done stays"
            " done"
        )
    return audit


def _wait_for_maintenance(cluster: Cluster, log: Callable[[str], None]) -> None:
    """Wait until no maintenance runs: one that loses the race for a commit leaves files behind."""

    def idle() -> bool:
        unfinished = ", ".join(unfinished_jobs(cluster, MAINTENANCE))
        if not unfinished:
            return True
        log(f"waiting for the end of {unfinished}")
        raise NotReadyError(f"{unfinished} has not ended")

    poll_until(
        idle,
        timeout=MAINTENANCE_SECONDS,
        interval=10,
        description="the archive's maintenance to end",
        error=StackError,
    )


def _follow(run: JobRun, log: Callable[[str], None]) -> list[str]:
    """Log the program's lines until it has ended; return all of them."""
    printed = 0
    while True:
        ended = run.succeeded() is not None
        lines = _lines(run)
        for line in lines[printed:]:
            if not line.startswith("{"):
                log(line)
        printed = max(printed, len(lines))
        if ended:
            return lines
        time.sleep(POLL_SECONDS)


def _lines(run: JobRun) -> list[str]:
    try:
        return run.log(LOG_LINES).splitlines()
    except ApiException as error:
        if error.status == BAD_REQUEST:  # the container is being created
            return []
        raise


def _audit(lines: list[str]) -> dict[str, Any] | None:
    found = [line for line in lines if line.startswith("{")]
    audit: dict[str, Any] | None = json.loads(found[-1]) if found else None
    return audit
