"""Runs of the archive's maintenance while a load goes on, with other settings than the stack's."""

import time
from collections.abc import Mapping
from typing import Any

from kubernetes import client
from kubernetes.client import ApiException

from clients.cluster import Cluster
from clients.job_run import MAINTENANCE, NOT_FOUND, JobRun
from clients.stack import StackError

# Of the Jobs, and of the ConfigMap with the other settings.
NAME = "load-maintenance"
PROPERTIES = "maintenance.properties"
# Two runs at the same time, on two cores that also carry everything else, took five minutes.
RUN_SECONDS = 900
LOG_LINES = 15
HOUR_MS = 3_600_000
# Every step has work in a stack that is minutes old: the present hour counts as closed, and most
# snapshots as superfluous.
EAGER = {"files.closedAfterMs": str(-HOUR_MS), "snapshots.maxCount": "5", "snapshots.maxAgeMs": "0"}
# Only the current snapshot stays.
LAST_ONE = {**EAGER, "snapshots.maxCount": "1"}


def maintenance_run(cluster: Cluster, number: int) -> JobRun:
    """Return a run that can be started; several at a time have other numbers."""
    return JobRun(cluster, MAINTENANCE, f"{NAME}-{number}")


def complete_run(cluster: Cluster, number: int, config: str | None = NAME) -> float:
    """Run the maintenance to its end; return its seconds. Raises StackError if it fails."""
    run = maintenance_run(cluster, number)
    began = time.monotonic()
    run.start(config=config)
    try:
        if not run.wait(RUN_SECONDS):
            raise StackError(f"the maintenance failed:\n{run.log(LOG_LINES)}")
    finally:
        run.delete()
    return time.monotonic() - began


def create_settings(cluster: Cluster, changes: Mapping[str, str]) -> None:
    """Create a ConfigMap like the maintenance's, with other properties."""
    core: Any = client.CoreV1Api(cluster.api)
    original = core.read_namespaced_config_map(MAINTENANCE, cluster.namespace)
    data = dict(original.data)
    data[PROPERTIES] = changed_properties(data[PROPERTIES], changes)
    delete_settings(cluster)
    body = {
        "metadata": {"name": NAME},
        "data": data,
        "binaryData": dict(original.binary_data or {}),
    }
    core.create_namespaced_config_map(cluster.namespace, body)


def delete_settings(cluster: Cluster) -> None:
    """Delete the ConfigMap, if it exists."""
    core: Any = client.CoreV1Api(cluster.api)
    try:
        core.delete_namespaced_config_map(NAME, cluster.namespace)
    except ApiException as error:
        if error.status != NOT_FOUND:
            raise


def changed_properties(text: str, changes: Mapping[str, str]) -> str:
    """Return a properties file with other values. Raises StackError if it lacks one of the keys."""
    lines, left = [], dict(changes)
    for line in text.splitlines():
        key = line.partition("=")[0].strip()
        lines.append(f"{key}={left.pop(key)}" if key in left else line)
    if left:
        raise StackError(f"{PROPERTIES} has no {', '.join(left)}")
    return "\n".join(lines) + "\n"
