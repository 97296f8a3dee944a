"""One run of a CronJob of the stack, as a Job of its template."""

from collections.abc import Mapping, Sequence
from typing import Any

from kubernetes import client
from kubernetes.client import ApiException

from clients.cluster import Cluster
from clients.stack import StackError
from polling import poll_until

# The CronJob that maintains the archive (components/workloads.py).
MAINTENANCE = "archive-maintenance"
NAME_LABEL = "app.kubernetes.io/name"
# The name of the template's volume with the program's configuration.
CONFIG_VOLUME = "config"
NOT_FOUND = 404
START_SECONDS = 60
# Its program has as long as its pod's grace period to stop, a minute.
STOP_SECONDS = 120
POLL_SECONDS = 1.0


def end_of(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the condition by which a Job has ended; empty while it has not."""
    for condition in job.get("status", {}).get("conditions", []):
        if condition["type"] in {"Complete", "Failed"} and condition["status"] == "True":
            ended: dict[str, Any] = condition
            return ended
    return {}


def unfinished_jobs(cluster: Cluster, cron_job: str) -> list[str]:
    """Return the names of a CronJob's runs that have not ended, those started by hand included."""
    path = f"/apis/batch/v1/namespaces/{cluster.namespace}/jobs"
    jobs = cluster.get(path, labelSelector=f"{NAME_LABEL}={cron_job}")["items"]
    return [job["metadata"]["name"] for job in jobs if not end_of(job)]


class JobRun:
    """A Job that is started by hand, in addition to the schedule's."""

    def __init__(self, cluster: Cluster, cron_job: str, name: str) -> None:
        """`name` is the Job's, which no other may have."""
        self._namespace, self._cron_job, self.name = cluster.namespace, cron_job, name
        self._api = cluster.api
        self._batch: Any = client.BatchV1Api(cluster.api)
        self._core: Any = client.CoreV1Api(cluster.api)

    def start(
        self, arguments: Sequence[str] | None = None, config: str | None = None, retries: int = 0
    ) -> None:
        """Create the Job, with other arguments of its program or another ConfigMap if given.

        Raises StackError if the stack has no such CronJob.
        """
        try:
            cron = self._batch.read_namespaced_cron_job(self._cron_job, self._namespace)
        except ApiException as error:
            if error.status != NOT_FOUND:
                raise
            raise StackError(
                f"the stack has no CronJob {self._cron_job}; set archive.maintenance.kind to job"
            ) from None
        template = cron.spec.job_template
        template.spec.backoff_limit = retries
        pod = template.spec.template.spec
        if arguments is not None:
            pod.containers[0].args = list(arguments)
        if config is not None:
            for volume in pod.volumes:
                if volume.name == CONFIG_VOLUME:
                    volume.config_map.name = config
        body = {
            "metadata": {"name": self.name, "labels": template.metadata.labels},
            "spec": self._api.sanitize_for_serialization(template.spec),
        }
        self._batch.create_namespaced_job(self._namespace, body)

    def pod(self) -> Any:
        """Return the Job's pod; None until the cluster has created it."""
        pods = self._core.list_namespaced_pod(
            self._namespace, label_selector=f"job-name={self.name}"
        ).items
        return pods[0] if pods else None

    def wait_until_running(self) -> None:
        """Wait until its program runs or has ended. Raises StackError if it is not started."""
        self._wait_until(self._has_begun, START_SECONDS, "run")

    def _has_begun(self) -> bool:
        pod = self.pod()
        return pod is not None and pod.status.phase != "Pending"

    def succeeded(self) -> bool | None:
        """Return how it has ended; None: it has not."""
        job = self._batch.read_namespaced_job(self.name, self._namespace)
        ended = {each.type for each in job.status.conditions or [] if each.status == "True"}
        if "Complete" in ended:
            return True
        return False if "Failed" in ended else None

    def wait(self, seconds: float) -> bool:
        """Wait for its end; return whether it succeeded. Raises StackError if it goes on."""
        self._wait_until(lambda: self.succeeded() is not None, seconds, "end")
        return bool(self.succeeded())

    def log(self, lines: int) -> str:
        """Return the last lines that its program printed."""
        pod = self.pod()
        if pod is None:
            return ""
        return str(
            self._core.read_namespaced_pod_log(pod.metadata.name, self._namespace, tail_lines=lines)
        )

    def delete(self) -> None:
        """Delete the Job with its pod, if it exists, and wait until both are gone."""
        try:
            self._batch.delete_namespaced_job(
                self.name, self._namespace, propagation_policy="Foreground"
            )
        except ApiException as error:
            if error.status != NOT_FOUND:
                raise
        self._wait_until(lambda: self.pod() is None, STOP_SECONDS, "be deleted")

    def _wait_until(self, condition: Any, seconds: float, what: str) -> None:
        poll_until(
            condition,
            timeout=seconds,
            interval=POLL_SECONDS,
            description=f"Job {self.name} to {what}",
            error=StackError,
        )
