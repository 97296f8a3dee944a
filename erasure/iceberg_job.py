"""Runs the maintenance program's command erase as a Job in the cluster, with its log."""

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from clients.cluster import Cluster
from clients.job_run import MAINTENANCE, JobRun
from clients.stack import StackError, StackOutputs
from erasure.key import Key

LOG_LINES = 100_000
POLL_SECONDS = 1.0


def erase(
    outputs: StackOutputs, key: Key, by: str, log: Callable[[str], None], *, dry_run: bool
) -> dict[str, Any]:
    """Erase the key's rows from its Iceberg table; return the audit that the program prints.

    An interruption stops the program; the next run goes on. Raises StackError if it fails.
    """
    database, table = outputs.archive.iceberg_table(key.table)
    arguments = ["erase", "--table", f"{database}.{table}", "--key", key.as_json(), "--by", by]
    if dry_run:
        arguments.append("--dry-run")
    run = JobRun(Cluster(outputs), MAINTENANCE, f"archive-erase-{uuid.uuid4().hex[:8]}")
    try:
        # A maintenance that loses the race for a commit leaves files behind.
        run.start_alone(log, arguments)
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


def _follow(run: JobRun, log: Callable[[str], None]) -> list[str]:
    """Log the program's lines until it has ended; return all of them."""
    printed = 0
    while True:
        ended = run.succeeded() is not None
        lines = run.log(LOG_LINES).splitlines()
        for line in lines[printed:]:
            if not line.startswith("{"):
                log(line)
        printed = max(printed, len(lines))
        if ended:
            return lines
        time.sleep(POLL_SECONDS)


def _audit(lines: list[str]) -> dict[str, Any] | None:
    found = [line for line in lines if line.startswith("{")]
    audit: dict[str, Any] | None = json.loads(found[-1]) if found else None
    return audit
