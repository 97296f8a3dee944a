"""One run of a CronJob of the stack, as a Job of its template."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from kubernetes import client
from kubernetes.client import ApiException

from clients.cluster import Cluster
from clients.stack import StackError
from polling import NotReadyError, poll_until

# The CronJob that maintains the archive (components/workloads.py).
MAINTENANCE = "archive-maintenance"
NAME_LABEL = "app.kubernetes.io/name"
# kubectl marks so the Jobs that it makes from a CronJob.
MANUAL = {"cronjob.kubernetes.io/instantiate": "manual"}
# The name of the template's volume with the program's configuration.
CONFIG_VOLUME = "config"
BAD_REQUEST, FORBIDDEN, NOT_FOUND, CONFLICT = 400, 403, 404, 409
START_SECONDS = 60
# Its program has as long as its pod's grace period to stop, a minute.
STOP_SECONDS = 120
POLL_SECONDS = 1.0
# In addition to a Job's own deadline, which Kubernetes enforces.
GRACE_SECONDS = 120

Log = Callable[[str], None]


def end_of(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the condition by which a Job has ended; empty while it has not."""
    for condition in job.get("status", {}).get("conditions", []):
        if condition["type"] in {"Complete", "Failed"} and condition["status"] == "True":
            ended: dict[str, Any] = condition
            return ended
    return {}


def deadline_of(cron_job: Mapping[str, Any]) -> float:
    """Return after how many seconds a run has ended, in one way or another."""
    seconds: float = cron_job["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"]
    return seconds + GRACE_SECONDS


def job_of(
    cron_job: Mapping[str, Any],
    name: str,
    *,
    arguments: Sequence[str] | None = None,
    config: str | None = None,
    retries: int | None = None,
) -> dict[str, Any]:
    """Return a Job of the CronJob's template; None: as the template has it.

    `arguments` are those of its container, `config` is the ConfigMap with its configuration.
    """
    template = deepcopy(cron_job["spec"]["jobTemplate"])
    pod = template["spec"]["template"]["spec"]
    if retries is not None:
        template["spec"]["backoffLimit"] = retries
    if arguments is not None:
        [container] = pod["containers"]
        container["args"] = list(arguments)
    if config is not None:
        for volume in pod["volumes"]:
            if volume["name"] == CONFIG_VOLUME:
                volume["configMap"]["name"] = config
    metadata = {"name": name, "labels": template["metadata"]["labels"], "annotations": MANUAL}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": template["spec"]}


class JobRun:
    """A Job that is started by hand, in addition to the schedule's."""

    def __init__(self, cluster: Cluster, cron_job: str, name: str) -> None:
        """`name` is the Job's, which no other may have."""
        self._cluster, self._namespace = cluster, cluster.namespace
        self._cron_job, self.name = cron_job, name
        self._jobs = f"/apis/batch/v1/namespaces/{self._namespace}/jobs"
        self._batch: Any = client.BatchV1Api(cluster.api)
        self._core: Any = client.CoreV1Api(cluster.api)

    def start(
        self,
        arguments: Sequence[str] | None = None,
        config: str | None = None,
        retries: int | None = 0,
    ) -> None:
        """Create the Job, whatever else runs (job_of).

        Raises StackError if the stack has no such CronJob.
        """
        body = job_of(
            self.cron_job(), self.name, arguments=arguments, config=config, retries=retries
        )
        self._cluster.post(self._jobs, body)

    def start_alone(
        self, log: Log, arguments: Sequence[str] | None = None, retries: int | None = 0
    ) -> None:
        """Wait until no other run is on its way, and create the Job; the schedule waits for it.

        The budget has room for one run. Raises StackError if the stack has no such CronJob, or
        another run does not end.
        """
        while True:
            cron_job = self._wait_until_idle(log)
            body = job_of(cron_job, self.name, arguments=arguments, retries=retries)
            body["metadata"]["ownerReferences"] = [_owner(cron_job)]
            job = self._cluster.post(self._jobs, body)
            if self._hold_schedule(job, log):
                return
            self.delete()

    def cron_job(self) -> dict[str, Any]:
        """Return the CronJob. Raises StackError if it does not exist."""
        try:
            found: dict[str, Any] = self._cluster.get(self._cron_job_path)
        except ApiException as error:
            if error.status != NOT_FOUND:
                raise
            raise StackError(
                f"the CronJob {self._cron_job} does not exist; set archive.maintenance.kind to job"
                " and run make up"
            ) from None
        return found

    @property
    def _cron_job_path(self) -> str:
        return f"/apis/batch/v1/namespaces/{self._namespace}/cronjobs/{self._cron_job}"

    def _wait_until_idle(self, log: Log) -> dict[str, Any]:
        """Return the CronJob once none of its runs is on its way, scheduled or not."""
        logged = False

        def idle() -> dict[str, Any]:
            nonlocal logged
            cron_job = self.cron_job()
            running = {*self._unfinished(), *_active(cron_job)}
            if not running:
                return cron_job
            names = ", ".join(sorted(running))
            if not logged:
                log(f"waiting for job {names}, which is running")
                logged = True
            raise NotReadyError(f"{names} is running")

        return poll_until(
            idle,
            timeout=deadline_of(self.cron_job()),
            interval=POLL_SECONDS,
            description="the end of another run",
            error=StackError,
        )

    def _unfinished(self) -> list[str]:
        """Return the names of the runs that have not ended, those started by hand included."""
        found = self._cluster.get(self._jobs, labelSelector=f"{NAME_LABEL}={self._cron_job}")
        return [job["metadata"]["name"] for job in found["items"] if not end_of(job)]

    def _hold_schedule(self, job: Mapping[str, Any], log: Log) -> bool:
        """Have the CronJob count the Job as its own; return whether no other run has begun.

        By `status.active` its controller decides whether a run is on its way, which its
        concurrencyPolicy forbids a second one; it removes a Job that has ended, or is gone.
        """
        while True:
            cron_job = self.cron_job()
            if _active(cron_job):
                return False
            metadata = job["metadata"]
            reference = {"apiVersion": "batch/v1", "kind": "Job", "namespace": self._namespace}
            reference |= {"name": metadata["name"], "uid": metadata["uid"]}
            version = {"resourceVersion": cron_job["metadata"]["resourceVersion"]}
            changed = {"metadata": version, "status": {"active": [reference]}}
            try:
                self._cluster.patch(f"{self._cron_job_path}/status", changed)
            except ApiException as error:
                if error.status == CONFLICT:  # its controller was quicker
                    continue
                if error.status != FORBIDDEN:
                    raise
                log(
                    "the schedule can start a second run meanwhile: you have no right to patch"
                    " cronjobs/status"
                )
            return True

    def pod(self) -> Any:
        """Return the Job's last pod; None until the cluster has created one."""
        pods = self._core.list_namespaced_pod(
            self._namespace, label_selector=f"job-name={self.name}"
        ).items
        return max(pods, key=lambda pod: pod.metadata.creation_timestamp, default=None)

    def wait_until_running(self) -> None:
        """Wait until its program runs or has ended. Raises StackError if it is not started."""
        self._wait_until(self._has_begun, START_SECONDS, "run")

    def _has_begun(self) -> bool:
        pod = self.pod()
        return pod is not None and pod.status.phase != "Pending"

    def end(self) -> dict[str, Any]:
        """Return the condition by which it has ended; empty while it has not."""
        return end_of(self._cluster.get(f"{self._jobs}/{self.name}"))

    def succeeded(self) -> bool | None:
        """Return how it has ended; None: it has not."""
        ended = self.end()
        return ended["type"] == "Complete" if ended else None

    def wait(self, seconds: float) -> bool:
        """Wait for its end; return whether it succeeded. Raises StackError if it goes on."""
        self._wait_until(lambda: self.succeeded() is not None, seconds, "end")
        return bool(self.succeeded())

    def log(self, lines: int | None = None) -> str:
        """Return the last lines that its program printed, or all; empty until it has begun."""
        pod = self.pod()
        if pod is None:
            return ""
        limit = {} if lines is None else {"tail_lines": lines}
        read = self._core.read_namespaced_pod_log
        try:
            return str(read(pod.metadata.name, self._namespace, **limit))
        except ApiException as error:
            if error.status == BAD_REQUEST:  # its container does not run yet
                return ""
            raise

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


def _active(cron_job: Mapping[str, Any]) -> list[str]:
    """Return the names of the runs that the CronJob's controller knows of."""
    return [job["name"] for job in cron_job.get("status", {}).get("active", [])]


def _owner(cron_job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the reference by which a CronJob's limits on the history of runs count a Job."""
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "name": cron_job["metadata"]["name"],
        "uid": cron_job["metadata"]["uid"],
        "controller": True,
    }
