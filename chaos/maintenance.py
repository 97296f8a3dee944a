"""Runs of the archive's maintenance, each a Job of the CronJob's template."""

import time
from collections.abc import Mapping
from typing import Any

from kubernetes.client import ApiException

from chaos.pipeline import NOT_FOUND, FaultError, Pipeline, wait_until
from clients.archived_tables import IcebergTable, archived_tables

MAINTENANCE = "archive-maintenance"
JOB = "chaos-maintenance"
# The volume with the program's configuration, and the file in it.
CONFIG_VOLUME = "config"
PROPERTIES = "maintenance.properties"
START_SECONDS = 60
# The sandbox's CPU limit and a table of a few MB need a part of it.
RUN_SECONDS = 240
LOG_LINES = 15


class MaintenanceRun:
    """A Job; its name ends in `number`, so that several can run."""

    def __init__(self, pipeline: Pipeline, number: int) -> None:
        self._pipeline = pipeline
        self.name = f"{JOB}-{number}"

    def start(self, config: str | None = None) -> None:
        """Create the Job, with another ConfigMap in place of the CronJob's if one is given.

        Raises FaultError if the stack has no such CronJob.
        """
        pipeline = self._pipeline
        try:
            cron = pipeline.batch.read_namespaced_cron_job(MAINTENANCE, pipeline.namespace)
        except ApiException as error:
            if error.status != NOT_FOUND:
                raise
            raise FaultError(
                f"the stack has no CronJob {MAINTENANCE}; set archive.maintenance.kind to job"
            ) from None
        spec = cron.spec.job_template.spec
        pod = spec.template.spec
        # A killed program is not started again: the fault counts its runs.
        spec.backoff_limit = 0
        if config is not None:
            for volume in pod.volumes:
                if volume.name == CONFIG_VOLUME:
                    volume.config_map.name = config
        body = {
            "metadata": {"name": self.name, "labels": cron.spec.job_template.metadata.labels},
            "spec": pipeline.cluster.api.sanitize_for_serialization(spec),
        }
        pipeline.batch.create_namespaced_job(pipeline.namespace, body)

    def pod(self) -> Any:
        """Return the Job's pod; None until the cluster has created it."""
        pods = self._pipeline.core.list_namespaced_pod(
            self._pipeline.namespace, label_selector=f"job-name={self.name}"
        ).items
        return pods[0] if pods else None

    def wait_until_running(self) -> None:
        """Wait until its program runs. Raises FaultError if it does not in time."""
        wait_until(self._has_begun, START_SECONDS, f"Job {self.name} to run")

    def _has_begun(self) -> bool:
        pod = self.pod()
        return pod is not None and pod.status.phase != "Pending"

    def succeeded(self) -> bool | None:
        """Return how it has ended; None: it has not."""
        job = self._pipeline.batch.read_namespaced_job(self.name, self._pipeline.namespace)
        ended = {each.type for each in job.status.conditions or [] if each.status == "True"}
        if "Complete" in ended:
            return True
        return False if "Failed" in ended else None

    def wait(self, seconds: float = RUN_SECONDS) -> bool:
        """Wait for its end; return whether it succeeded. Raises FaultError if it goes on."""
        wait_until(lambda: self.succeeded() is not None, seconds, f"Job {self.name} to end")
        return bool(self.succeeded())

    def log(self) -> str:
        """Return the end of what its program printed."""
        pod = self.pod()
        if pod is None:
            return ""
        return str(
            self._pipeline.core.read_namespaced_pod_log(
                pod.metadata.name, self._pipeline.namespace, tail_lines=LOG_LINES
            )
        )

    def delete(self) -> None:
        """Delete the Job with its pod, if it exists, and wait until both are gone."""
        pipeline = self._pipeline
        try:
            pipeline.batch.delete_namespaced_job(
                self.name, pipeline.namespace, propagation_policy="Foreground"
            )
        except ApiException as error:
            if error.status != NOT_FOUND:
                raise
        wait_until(lambda: self.pod() is None, START_SECONDS, f"the pod of {self.name} to end")


def complete_run(pipeline: Pipeline, number: int, config: str | None = None) -> float:
    """Run the maintenance to its end; return its seconds. Raises FaultError if it fails."""
    run = MaintenanceRun(pipeline, number)
    began = time.monotonic()
    run.start(config)
    try:
        if not run.wait():
            raise FaultError(f"the maintenance failed:\n{run.log()}")
    finally:
        run.delete()
    return time.monotonic() - began


def create_config(pipeline: Pipeline, name: str, changes: Mapping[str, str]) -> None:
    """Create a ConfigMap like the maintenance's, with other properties."""
    original = pipeline.core.read_namespaced_config_map(MAINTENANCE, pipeline.namespace)
    data = dict(original.data)
    data[PROPERTIES] = changed_properties(data[PROPERTIES], changes)
    body = {
        "metadata": {"name": name},
        "data": data,
        "binaryData": dict(original.binary_data or {}),
    }
    delete_config(pipeline, name)
    pipeline.core.create_namespaced_config_map(pipeline.namespace, body)


def delete_config(pipeline: Pipeline, name: str) -> None:
    """Delete a ConfigMap, if it exists."""
    try:
        pipeline.core.delete_namespaced_config_map(name, pipeline.namespace)
    except ApiException as error:
        if error.status != NOT_FOUND:
            raise


def changed_properties(text: str, changes: Mapping[str, str]) -> str:
    """Return a properties file with other values. Raises FaultError if it lacks one of the keys."""
    lines, left = [], dict(changes)
    for line in text.splitlines():
        key = line.partition("=")[0].strip()
        lines.append(f"{key}={left.pop(key)}" if key in left else line)
    if left:
        raise FaultError(f"{PROPERTIES} has no {', '.join(left)}")
    return "\n".join(lines) + "\n"


def tables(pipeline: Pipeline) -> list[IcebergTable]:
    """Return the figures of the archive's tables."""
    found = archived_tables(pipeline.outputs.archive, pipeline.log)
    return [table for table in found if isinstance(table, IcebergTable)]
